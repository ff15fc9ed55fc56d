/**
 * The transfer size of the built console in a browser, gzipped: everything until the home page is shown, then what each
 * other page adds to it. The build checks the same limits by its own list of imports; this includes all other requests.
 */
import { request } from 'node:http';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Journey, secretManifest } from './journey.ts';
import { registerModel, registerVersion } from './registry.ts';

const FIRST_VIEW_BYTES = 300 * 1024;
const LATER_BYTES = 150 * 1024;
/** Lazy parts of pages with their own limit: the page is shown before them. */
const APART = [
  ['CodeMirror', /\/yaml-editor-[^/]+\.js$/],
  ['uPlot', /\/line-plot-[^/]+\.(js|css)$/],
] as const;

let journey: Journey;
let loggedModel: string;
let execution: string;
let home: FirstView;

beforeAll(async () => {
  journey = await Journey.start();
  await journey.apply(secretManifest('one', 'first'));
  await journey.call('/api/v1/tracking/runs', { experimentId: '0', id: 'weighed', name: 'weighed', startedAt: 1 });
  await journey.call('/api/v1/tracking/runs/weighed/log', {
    metrics: [0, 1].map((step) => ({ key: 'loss', value: step, step, timestamp: step })),
    params: [{ key: 'depth', value: '3' }],
  });
  loggedModel = (
    (await journey.call('/api/v1/tracking/logged-models', { experimentId: '0', name: 'forest' })) as { id: string }
  ).id;
  await registerModel(journey, { name: 'delay' });
  for (const runId of ['weighed', undefined]) {
    await registerVersion(journey, 'delay', { source: 's3://elsewhere/model', ...(runId !== undefined && { runId }) });
  }
  await journey.call('/api/v1/comments/models/delay/versions/1', { text: 'Weighed, **too**' });
  const prompt = { 'mlflow.prompt.is_prompt': 'true' };
  await registerModel(journey, { name: 'greeting', type: 'prompt', tags: prompt });
  await registerVersion(journey, 'greeting', {
    source: 'prompt-template',
    tags: { ...prompt, 'mlflow.prompt.text': 'Hello {{ name }}', _mlflow_prompt_type: 'text' },
  });
  const step = { command: ['true'], isolation: 'none' };
  const made = await journey.call('/api/v1/executions', { name: 'weighed', steps: { main: step } });
  execution = (made as { id: string }).id;
  await journey.apply(`apiVersion: dais.dev/v1
kind: Pipeline
metadata:
  name: weighed
spec:
  steps:
    main:
      run: 'true'
`);
  const span = { traceId: '1'.repeat(32), id: '2'.repeat(16), name: 'answer', startNs: '1000000', endNs: '2000000' };
  await journey.call('/api/v1/tracking/spans', {
    experimentId: '0',
    resources: [{ spans: [{ ...span, status: 'OK', attributes: {} }] }],
  });
  home = await firstView();
});
afterAll(async () => await journey.stop());
afterEach(async () => await journey.closePages());

/** As the server sends it to a client that supports only gzip. */
async function gzipBytes(url: string): Promise<number> {
  return await new Promise((resolve, reject) => {
    request(url, { headers: { 'accept-encoding': 'gzip' } }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.once('end', () => resolve(bytes));
    })
      .once('error', reject)
      .end();
  });
}

async function weigh(urls: readonly string[]): Promise<number> {
  const sizes = await Promise.all(urls.map(gzipBytes));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

/** The page itself and everything that it has loaded; open streams are not included. */
async function loaded(page: Page): Promise<readonly string[]> {
  const names = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
  return [...new Set([page.url(), ...names])].filter((url) => !url.includes('watch=true'));
}

const isCall = (url: string) => /^(\/p\/[^/]+)?\/api\//.test(new URL(url).pathname);

function report(what: string, bytes: number, files: number, limit: number): void {
  const size = `${(bytes / 1024).toFixed(1).padStart(6)} KB in ${files} files`;
  process.stdout.write(`${what.padEnd(24)} ${size}, limit ${limit / 1024} KB\n`);
}

/** A script with all its imports. */
async function withImports(url: string, seen = new Set<string>()): Promise<ReadonlySet<string>> {
  if (seen.has(url)) return seen;
  seen.add(url);
  const text = await (await fetch(url)).text();
  for (const [, path = ''] of text.matchAll(/(?:from|import)\s*"(\.\/[^"]+\.js)"/g)) {
    // oxlint-disable-next-line no-await-in-loop -- each script is read once
    await withImports(new URL(path, url).href, seen);
  }
  return seen;
}

interface FirstView {
  readonly first: readonly string[];
  /** What the home page loads after it is shown, for queries of ledgers. */
  readonly later: readonly string[];
}

async function firstView(): Promise<FirstView> {
  const page = await journey.open('/');
  await page.getByText('owner created Secret one').waitFor();
  await page.getByText('Nothing needs attention').waitFor();
  const all = await loaded(page);
  await page.close();
  const script = (name: string) => all.find((url) => new RegExp(`/${name}-[^/]+\\.js$`).test(url)) ?? '';
  const before = await withImports(script('home-page'), new Set(await withImports(script('index'))));
  const part = await withImports(script('attention'));
  const isLater = (url: string) => (part.has(url) && !before.has(url)) || /\/attention-[^/]+\.css$/.test(url);
  return { first: all.filter((url) => !isLater(url)), later: all.filter(isLater) };
}

test('all that is loaded until the home page is shown', async () => {
  const { first: all, later } = home;
  const files = all.filter((url) => !isCall(url));
  const bytes = await weigh(files);
  report('first view', bytes, files.length, FIRST_VIEW_BYTES);
  report('with the calls it makes', await weigh(all), all.length, FIRST_VIEW_BYTES);
  // At least the page, a script, a style, the icon and the home page's own chunk.
  expect(files.length).toBeGreaterThan(5);
  expect(bytes).toBeLessThanOrEqual(FIRST_VIEW_BYTES);
  const requested = await weigh(later);
  report('what needs somebody', requested, later.length, LATER_BYTES);
  expect(later.length).toBeGreaterThan(0);
  expect(requested).toBeLessThanOrEqual(LATER_BYTES);
});

test.each([
  ['a list', '/projects/default/secrets', async (page: Page) => await page.getByRole('row', { name: 'one' }).waitFor()],
  [
    'a resource',
    '/projects/default/secrets/one',
    async (page: Page) => await page.getByRole('heading', { name: 'Spec', exact: true }).waitFor(),
  ],
  [
    'a history',
    '/projects/default/secrets/one?tab=history',
    async (page: Page) => await page.getByText('description: first').waitFor(),
  ],
  [
    'the editor',
    '/projects/default/change/secrets/one',
    async (page: Page) => await page.locator('.cm-content').waitFor(),
  ],
  ['events', '/projects/default/events', async (page: Page) => await page.getByText('owner created').first().waitFor()],
  [
    'the palette',
    '/',
    async (page: Page) => {
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox').fill('one');
      await page.getByRole('option', { name: 'one' }).first().waitFor();
    },
  ],
  ['tokens', '/account/tokens', async () => {}],
  ['access', '/projects/default/access', async (page: Page) => await page.getByText('secret').first().waitFor()],
  [
    'experiments',
    '/projects/default/experiments',
    async (page: Page) => await page.getByRole('row', { name: 'Default' }).waitFor(),
  ],
  [
    'runs',
    '/projects/default/experiments/0',
    async (page: Page) => await page.getByRole('row', { name: 'weighed' }).waitFor(),
  ],
  ['a run', '/projects/default/runs/weighed', async (page: Page) => await page.locator('.line-chart canvas').waitFor()],
  [
    'compared runs',
    '/projects/default/compare?runs=weighed&tab=parallel',
    async (page: Page) => await page.getByRole('img', { name: 'Parallel coordinates: 1 lines' }).waitFor(),
  ],
  [
    'a logged model',
    () => `/projects/default/logged-models/${loggedModel}`,
    async (page: Page) => await page.getByText('Not registered yet.').waitFor(),
  ],
  [
    'models',
    '/projects/default/models',
    async (page: Page) => await page.getByRole('link', { name: 'delay' }).waitFor(),
  ],
  [
    'a model',
    '/projects/default/models/delay',
    async (page: Page) => await page.getByRole('link', { name: 'version 1' }).waitFor(),
  ],
  [
    'a version',
    '/projects/default/models/delay/versions/1',
    async (page: Page) => await page.getByRole('region', { name: 'Comments' }).getByText('Weighed').waitFor(),
  ],
  [
    'compared versions',
    '/projects/default/models/delay/compare?from=1&to=2',
    async (page: Page) => await page.getByRole('region', { name: 'Metrics', exact: true }).waitFor(),
  ],
  [
    'prompts',
    '/projects/default/prompts',
    async (page: Page) => await page.getByRole('link', { name: 'greeting' }).waitFor(),
  ],
  [
    'a prompt',
    '/projects/default/prompts/greeting',
    async (page: Page) => await page.getByText('Hello {{ name }}').first().waitFor(),
  ],
  [
    'traces',
    '/projects/default/traces',
    async (page: Page) => await page.getByRole('grid').getByRole('row').nth(1).waitFor(),
  ],
  [
    'a trace',
    `/projects/default/traces/tr-${'1'.repeat(32)}`,
    async (page: Page) => await page.getByText('answer').first().waitFor(),
  ],
  [
    'executions',
    '/projects/default/executions',
    async (page: Page) => await page.getByRole('row', { name: 'weighed' }).waitFor(),
  ],
  [
    'an execution',
    () => `/projects/default/executions/${execution}`,
    async (page: Page) => await page.getByRole('log').waitFor(),
  ],
  [
    'a pipeline',
    '/projects/default/pipelines/weighed',
    async (page: Page) => await page.getByRole('group', { name: 'Graph of the pipeline' }).waitFor(),
  ],
  [
    'the compute page',
    '/projects/default/compute',
    async (page: Page) => await page.getByText('No queued steps').waitFor(),
  ],
  [
    'mentions',
    '/projects/default/mentions',
    async (page: Page) => await page.getByText('so nobody can mention you').waitFor(),
  ],
  ['audit', '/projects/default/audit', async (page: Page) => await page.getByText('owner').first().waitFor()],
])('what %s adds to the first view', async (name, path, look) => {
  const first = new Set(home.first);
  const page = await journey.open(typeof path === 'string' ? path : path());
  await look(page);
  const added = (await loaded(page)).filter((url) => !first.has(url) && !isCall(url) && url !== page.url());
  const isApart = (url: string) => APART.some(([, file]) => file.test(url));
  const own = added.filter((url) => !isApart(url));
  const bytes = await weigh(own);
  report(name, bytes, own.length, LATER_BYTES);
  expect(bytes).toBeLessThanOrEqual(LATER_BYTES);
  for (const [library, file] of APART) {
    const files = added.filter((url) => file.test(url));
    if (files.length === 0) continue;
    // oxlint-disable-next-line no-await-in-loop -- two at most
    const apart = await weigh(files);
    report(`${name}: ${library}`, apart, files.length, LATER_BYTES);
    expect(apart).toBeLessThanOrEqual(LATER_BYTES);
  }
});
