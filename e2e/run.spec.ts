/** One run: charts, parameters and artifacts. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import type { Run } from '../packages/api/src/tracking/index.ts';
import { Journey } from './journey.ts';
import { describeStates } from './page-states.ts';
import { makeExperiment, putArtifact, train } from './training.ts';

let journey: Journey;
let finished: string;
let running: string;

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
/** A page that tries forbidden requests and reports the results. */
const PAGE = `<!doctype html><title>Report</title><h1>Report</h1><p id="result"></p><script>
  const could = [];
  try { parent.document.title; could.push('parent'); } catch {}
  try { localStorage.length; could.push('storage'); } catch {}
  const report = () => { document.getElementById('result').textContent = could.length === 0 ? 'sealed' : could.join(); };
  fetch('/api/v1/server').then(() => could.push('server'), () => {}).then(report);
</script>`;

beforeAll(async () => {
  journey = await Journey.start();
  const experiment = await makeExperiment(journey, 'flight delays');
  const steps = Array.from({ length: 900 }, (_, step) => step);
  finished = await train(journey, experiment, {
    name: 'careful-otter',
    params: { depth: '6', optimizer: 'adam' },
    tags: { team: 'vision', 'mlflow.source.name': '/home/ada/train.py', 'mlflow.source.git.commit': 'a'.repeat(40) },
    metrics: { loss: steps.map((step) => 1 / (1 + step / 60) + 0.02 * Math.sin(step)) },
    startedAt: Date.UTC(2026, 9, 1),
    status: 'FINISHED',
  });
  await journey.call(`/api/v1/tracking/runs/${finished}/log`, {
    metrics: [0.5, 0.8, 0.9].flatMap((value, step) =>
      ['train/accuracy', 'val/accuracy', 'system/cpu_utilization_percentage'].map((key) => ({
        key,
        value,
        step,
        timestamp: Date.UTC(2026, 9, 1) + step * 1000,
      })),
    ),
  });
  await journey.call(`/api/v1/tracking/runs/${finished}/inputs`, {
    datasets: [
      {
        dataset: { name: 'flights', digest: '8d1f00a2', sourceType: 'local', source: '/data/flights.parquet' },
        tags: { 'mlflow.data.context': 'training' },
      },
    ],
  });
  const root = ((await journey.call(`/api/v1/tracking/runs/${finished}`)) as Run).artifactUri.replace(
    /^[\w-]+:\/+/,
    '',
  );
  await putArtifact(journey, `${root}/plots/roc.png`, Uint8Array.from(Buffer.from(PIXEL, 'base64')));
  await putArtifact(journey, `${root}/eval.csv`, 'country,error\nde,8.5\n"fr, south",9.25\n');
  await putArtifact(journey, `${root}/table.json`, '{"columns":["question","score"],"data":[["why?",0.75]]}');
  await putArtifact(journey, `${root}/report.html`, PAGE);
  await putArtifact(journey, `${root}/model/MLmodel`, 'flavors:\n  sklearn: {}\n');
  await putArtifact(journey, `${root}/model/model.bin`, new Uint8Array(2048));
  running = await train(journey, experiment, { name: 'busy-bee', metrics: { loss: [1] } });
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet('Content Security Policy', 'Content-Security-Policy');
});

const address = (run: string, query = '') => `/projects/default/runs/${run}${query}`;
const canvas = (page: Page) => page.locator('.line-chart', { hasText: 'loss' }).locator('canvas');

/** Counts pixels in the color of the first series: an empty chart has none. */
async function drawn(page: Page): Promise<number> {
  await canvas(page).waitFor();
  return await canvas(page).evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const dots = (element as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? [];
    let found = 0;
    for (let at = 0; at < dots.length; at += 4) {
      if (dots[at] === 0x0a && dots[at + 1] === 0x6f && dots[at + 2] === 0xb5) found++;
    }
    return found;
  });
}

test('the link that clients print leads to the run, also for a project', async () => {
  for (const below of ['/', '/p/default/']) {
    const page = await journey.open(`${below}#/experiments/1/runs/${finished}`);
    await page.getByRole('heading', { name: 'Run careful-otter', level: 1 }).waitFor();
    expect(new URL(page.url()).pathname).toBe(address(finished));
  }
});

test('a run shows its status, its inputs and its metrics', async () => {
  const page = await journey.open(address(finished));
  await page.getByRole('heading', { name: 'Run careful-otter', level: 1 }).waitFor();
  await page.getByText('flights@8d1f00a2').waitFor();
  await page.getByLabel('Parameters', { exact: true }).last().getByText('adam').waitFor();
  await expect.poll(async () => await drawn(page)).toBeGreaterThan(200);
  await page.getByText(/^Chart of loss, 900 points\. Latest: careful-otter: /).waitFor({ state: 'attached' });
  expect(await page.locator('details', { hasText: 'System metrics' }).getAttribute('open')).toBeNull();
});

test('the URL stores chart settings, and dragging over one chart zooms all', async () => {
  const page = await journey.open(address(finished, '?x=relative&smooth=0.6&log=yes'));
  expect(await page.getByRole('combobox', { name: 'Horizontal axis' }).inputValue()).toBe('Relative time');
  await page.getByRole('slider').fill('0');
  await page.getByLabel('Log scale').click();
  await page.waitForURL((url) => url.search === '?x=relative');
  await canvas(page).waitFor();
  const over = page.locator('.line-chart', { hasText: 'loss' }).locator('.u-over');
  const box = await over.boundingBox();
  if (box === null) throw new Error('the chart has no place');
  await page.mouse.move(box.x + box.width * 0.25, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 40, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL('**range=*');
  await page.getByText(/^Chart of loss, 2\d\d points/).waitFor({ state: 'attached' });
  await page.getByRole('button', { name: 'Reset zoom' }).click();
  await page.getByText(/^Chart of loss, 900 points/).waitFor({ state: 'attached' });
});

test('a running run is updated live, until it has failed', async () => {
  const page = await journey.open(address(running));
  await page.getByRole('heading', { name: 'Run busy-bee', level: 1 }).waitFor();
  await page.getByText(/^Chart of loss, 1 points/).waitFor({ state: 'attached' });
  await journey.call(`/api/v1/tracking/runs/${running}/log`, {
    metrics: [{ key: 'loss', value: 0.25, step: 1, timestamp: Date.now() }],
  });
  await page.getByText(/^Chart of loss, 2 points\. Latest: busy-bee: 0\.25 at step 1/).waitFor({ state: 'attached' });
  await journey.call(`/api/v1/tracking/runs/${running}`, { status: 'FAILED', endedAt: Date.now() });
  await page.getByRole('heading', { name: 'Run busy-bee', level: 1 }).waitFor();
  await page.getByText('failed', { exact: true }).waitFor();
});

test('artifacts are previewed: tables, text, images, and isolated pages', async () => {
  const page = await journey.open(address(finished, '?tab=artifacts'));
  await page.getByRole('button', { name: 'eval.csv' }).click();
  await page.getByRole('cell', { name: 'fr, south' }).waitFor();
  await page.getByRole('button', { name: 'table.json' }).click();
  await page.getByRole('columnheader', { name: 'question' }).waitFor();
  await page.getByRole('button', { name: 'model', exact: true }).click();
  await page.getByRole('button', { name: 'MLmodel' }).click();
  await page.getByText('sklearn: {}').waitFor();
  await page.waitForURL('**file=model*MLmodel');
  await page.getByRole('button', { name: 'model.bin' }).click();
  await page.getByText('No preview for this file type').waitFor();
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download' }).click();
  expect((await download).suggestedFilename()).toBe('model.bin');
  await page.getByRole('button', { name: 'report.html' }).click();
  await page.frameLocator('iframe').getByText('sealed', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'plots' }).click();
  await page.getByRole('button', { name: 'roc.png' }).click();
  const image = page.getByRole('img', { name: 'roc.png' });
  await image.waitFor();
  expect(await image.evaluate((one) => (one as HTMLImageElement).naturalWidth)).toBe(1);
});

test('the log messages of a run are searched, and filtered by severity', async () => {
  const page = await journey.open(address(finished, '?tab=logs'));
  await page.getByText('This run has no log messages.').waitFor();
  await journey.call(`/api/v1/tracking/runs/${finished}/messages`, {
    messages: [
      { time: '1790000000000000000', severity: 9, body: 'epoch 1 has ended', logger: 'training' },
      { time: '1790000001000000000', severity: 17, severityText: 'ERROR', body: 'it does not converge' },
    ],
  });
  await page.reload();
  const rows = page.getByRole('region', { name: 'Log messages' }).locator('tbody tr');
  await rows.first().waitFor();
  expect(await rows.allInnerTexts()).toEqual([
    expect.stringMatching(/ERROR\s+it does not converge$/),
    expect.stringMatching(/INFO\s+training\s+epoch 1 has ended$/),
  ]);
  await page.getByLabel('Search messages').fill('EPOCH');
  await expect.poll(async () => await rows.count()).toBe(1);
  await page.getByLabel('Search messages').fill('nothing like it');
  await page.getByText('No message matches.').waitFor();
  await page.getByLabel('Search messages').fill('');
  await page.getByRole('combobox', { name: 'Severity' }).click();
  await page.getByRole('option', { name: 'WARN and above' }).click();
  await expect.poll(async () => await rows.allInnerTexts()).toEqual([expect.stringContaining('it does not converge')]);
});

test('a run is deleted, and restored', async () => {
  const page = await journey.open(address(finished));
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Restore' }).click();
  await page.getByRole('button', { name: 'Delete' }).waitFor();
});

describeStates(
  [
    ['a run', () => address(finished), async (page) => await canvas(page).waitFor()],
    [
      'files of a run',
      () => address(finished, '?tab=artifacts&file=eval.csv'),
      async (page) => await page.getByRole('cell', { name: 'fr, south' }).waitFor(),
    ],
    [
      'all that a run logged',
      () => address(finished, '?tab=about'),
      async (page) => await page.getByText('flights.parquet').waitFor(),
    ],
  ],
  () => journey,
);
