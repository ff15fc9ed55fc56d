/** Builds packages and console before all tests, and finds a browser. */
import { isBuilt } from '../tools/build-stamp.mjs';
import { runCommand } from '../tools/command.mjs';
import { ensureChromium } from '../tools/chromium.mjs';

export async function setup(project: { provide(key: 'chromium', value: string): void }): Promise<void> {
  project.provide('chromium', await ensureChromium());
  if (isBuilt()) return;
  const { code, output } = await runCommand('node', ['tools/build.mjs'], { quiet: true });
  if (code !== 0) throw new Error(output);
}

declare module 'vitest' {
  interface ProvidedContext {
    chromium: string;
  }
}
