/** A run of a thousand steps: drawn, zoomed out, scrolled, and updated live. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Journey } from './journey.ts';
import { tasksOf } from './main-thread.ts';

const WIDE = 50;
const LAYERS = 20;

let journey: Journey;
let run: string;

beforeAll(async () => {
  journey = await Journey.start();
  const sh = (script: string, more: object = {}) => ({ command: ['sh', '-c', script], isolation: 'none', ...more });
  const name = (n: number) => `s${String(n).padStart(3, '0')}`;
  const steps = Object.fromEntries(
    Array.from({ length: WIDE * LAYERS }, (_, n) => {
      const above = n - WIDE;
      const needs =
        n === 0 ? [] : above < 0 ? [name(0)] : [name(above), name(above - (above % WIDE) + ((above * 7) % WIDE))];
      return [name(n), sh(n === 0 ? 'sleep 600' : 'true', { needs: [...new Set(needs)] })];
    }),
  );
  const made = (await journey.call('/api/v1/executions', { name: 'large', steps })) as { readonly id: string };
  run = made.id;
});
afterAll(async () => await journey.stop());

/** Not asserted, because the machine may be busy: printed for information. */
function report(what: string, tasks: readonly number[]): void {
  const over = tasks.filter((ms) => ms > 50).length;
  const longest = tasks.slice(0, 3).map((ms) => ms.toFixed(1));
  process.stdout.write(
    `${what.padEnd(28)} ${tasks.length} tasks, longest ${longest.join(', ')} ms of CPU, ${over} over 50\n`,
  );
}

test('a thousand nodes are drawn, and few of them are elements', async () => {
  const page = await journey.open('/projects/default/executions');
  await page.getByRole('row', { name: /large/ }).waitFor();
  const graph = page.getByRole('group', { name: 'Graph of the job' });
  report(
    'opening the run',
    await tasksOf(page, async () => {
      await page.getByRole('link', { name: 'large' }).click();
      await graph.getByRole('button', { name: /^s000 running/ }).waitFor();
    }),
  );
  const boxes = graph.getByRole('button');
  expect(await boxes.count()).toBeLessThan(250);
  await graph.hover();
  report(
    'scrolling the graph',
    await tasksOf(page, async () => {
      for (let turn = 0; turn < 60; turn++) await page.mouse.wheel(turn % 20 < 10 ? 700 : -700, turn < 30 ? 200 : -200);
      await graph.getByRole('button').first().waitFor();
    }),
  );
  report(
    'from far away and back',
    await tasksOf(page, async () => {
      await page.getByRole('button', { name: 'Fit to view' }).click();
      await graph.getByRole('img', { name: /^Overview of 1,000 nodes/ }).waitFor();
      for (let turn = 0; turn < 8; turn++) await page.getByRole('button', { name: 'Zoom in' }).click();
      await graph.getByRole('button').first().waitFor();
    }),
  );
  await graph.focus();
  report(
    'going by arrows',
    await tasksOf(page, async () => {
      for (let turn = 0; turn < 10; turn++) await page.keyboard.press('ArrowRight');
      await page.getByRole('region', { name: /^Step s/ }).waitFor();
    }),
  );
  report(
    'a thousand change at once',
    await tasksOf(page, async () => {
      await journey.call(`/api/v1/executions/${run}/cancel`, {});
      await page.getByRole('heading', { name: 'Job large', level: 1 }).waitFor();
      await page.getByText('1,000 canceled').waitFor();
    }),
  );
  await page.getByRole('tab', { name: 'Steps' }).click();
  await page.getByRole('textbox', { name: 'Path contains' }).fill('s000');
  await page.getByRole('row', { name: /s000/ }).waitFor();
  journey.expectQuiet();
});
