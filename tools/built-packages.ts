/** Before tests that start Dais: whether packages/…/dist is of today's sources, and so may be what they start. */
import { isBuilt } from './build-stamp.mjs';
import { compileCache } from './compile-cache.mjs';
import { firstCluster } from './first-cluster.mjs';

export async function setup(project: {
  provide(key: 'built' | 'cluster' | 'compileCache', value: boolean | string): void;
}) {
  const built = isBuilt();
  project.provide('built', built);
  project.provide('cluster', built ? await firstCluster() : '');
  project.provide('compileCache', built ? compileCache() : '');
}

declare module 'vitest' {
  interface ProvidedContext {
    built: boolean;
    /** Empty when it is not. */
    cluster: string;
    /** Empty when it is not. */
    compileCache: string;
  }
}
