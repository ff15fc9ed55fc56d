/** Visual checks: each page in both themes and on a narrow screen, with axe. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { environment } from '../tools/environment.mjs';
import { expectAccessible, settledStyles, type Journey, type Person } from './journey.ts';

/** Its name, its URL (or a function for it), what must exist before the visit, and the viewer. */
export type PageState = readonly [
  name: string,
  path: string | (() => string),
  ready: (page: Page) => Promise<unknown>,
  as?: Person | undefined,
];

/** Declares the tests. `provoked`: messages that a browser always prints for such a page. */
export function describeStates(
  states: readonly PageState[],
  journey: () => Journey,
  ...provoked: readonly string[]
): void {
  const rows = states.map(([name, path, ready, as]) => ({ name, path, ready, as }));
  // One load shows all three: loading a page thrice was two thirds of the CPU time of these tests (194 s of 262 s).
  test.each(rows)('$name, in both themes and on a telephone', async ({ name, path, ready, as }) => {
    const page = await journey().open(textOf(path), { scheme: 'light', as });
    await ready(page);
    await keepPicture(page, `${name}-light`);
    await expectAccessible(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    await settledStyles(page);
    await keepPicture(page, `${name}-dark`);
    await expectAccessible(page, { colors: true });
    await page.setViewportSize({ width: 390, height: 800 });
    await settledStyles(page);
    await keepPicture(page, `${name}-narrow`);
    const wider = () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await expect.poll(wider, { message: 'wider than the screen', timeout: 5000 }).toBe(0);
    journey().expectQuiet(...provoked);
  });
}

/** Some are known only after a response of the server. */
const textOf = (path: string | (() => string)) => (typeof path === 'string' ? path : path());

/** For screenshots: DAIS_PICTURES names a folder. */
async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = environment.DAIS_PICTURES;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name.replaceAll(' ', '-')}.png`) });
}
