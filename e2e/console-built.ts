/** Before all journeys: there is a console of today's sources, and a browser to look at it with. */
import { isBuilt } from '../tools/build-stamp.mjs';
import { buildConsole } from '../tools/build-console.mjs';
import { ensureChromium } from '../tools/chromium.mjs';

export async function setup(project: { provide(key: 'chromium', value: string): void }): Promise<void> {
  project.provide('chromium', await ensureChromium());
  if (!isBuilt()) await buildConsole();
}

declare module 'vitest' {
  interface ProvidedContext {
    chromium: string;
  }
}
