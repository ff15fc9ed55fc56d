/** What there is to see: each page in both themes and on a narrow screen, as axe reads it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { environment } from '../tools/environment.mjs';
import { expectAccessible, type Journey, type Person } from './journey.ts';

/** Its name, its address (or what gives it), what must be there before one looks, and who looks at it. */
export type Look = readonly [
  name: string,
  path: string | (() => string),
  ready: (page: Page) => Promise<unknown>,
  as?: Person | undefined,
];

/** Declares the tests. `provoked`: what a browser always says of what such a page asks for. */
export function describeLooks(looks: readonly Look[], journey: () => Journey, ...provoked: readonly string[]): void {
  const rows = looks.map(([name, path, ready, as]) => ({ name, path, ready, as }));
  describe.each(['light', 'dark'] as const)('in %s', (scheme) => {
    test.each(rows)('$name', async ({ name, path, ready, as }) => {
      const page = await journey().open(textOf(path), { scheme, as });
      await ready(page);
      await keepPicture(page, `${name}-${scheme}`);
      await expectAccessible(page);
      journey().expectQuiet(...provoked);
    });
  });

  test.each(rows)('$name can be read on a telephone: nothing wider than the screen', async (row) => {
    const { name, path, ready, as } = row;
    const page = await journey().open(textOf(path), { width: 390, as });
    await ready(page);
    await keepPicture(page, `${name}-narrow`);
    const wider = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(wider).toBe(0);
    journey().expectQuiet(...provoked);
  });
}

/** Some are known only once the server has given a number. */
const textOf = (path: string | (() => string)) => (typeof path === 'string' ? path : path());

/** For whoever wants to look: DAIS_PICTURES names a folder. */
async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = environment.DAIS_PICTURES;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name.replaceAll(' ', '-')}.png`) });
}
