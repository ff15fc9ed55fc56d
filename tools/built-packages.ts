/** Before tests that start Dais: whether packages/…/dist is of today's sources, and so may be what they start. */
import { isBuilt } from './build-stamp.mjs';

export function setup(project: { provide(key: 'built', value: boolean): void }): void {
  project.provide('built', isBuilt());
}

declare module 'vitest' {
  interface ProvidedContext {
    built: boolean;
  }
}
