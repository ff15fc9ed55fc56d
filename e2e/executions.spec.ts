/** Executions in the console: found, inspected step by step, rerun, canceled. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';

interface Run {
  readonly id: string;
  readonly state: string;
  readonly endedAt?: number;
}

let journey: Journey;
let nightly: Run;
let broken: Run;
let again: Run;

const sh = (script: string, more: object = {}) => ({ command: ['sh', '-c', script], isolation: 'none', ...more });

const submit = async (name: string, steps: object, more: object = {}) =>
  (await journey.call('/api/v1/executions', { name, steps, ...more })) as Run;

const read = async ({ id }: Run) => (await journey.call(`/api/v1/executions/${id}`)) as Run;

async function ended(run: Run): Promise<Run> {
  await expect.poll(async () => (await read(run)).endedAt !== undefined).toBe(true);
  return await read(run);
}

const NIGHTLY = {
  load: sh('printf "delay,gate\\n3,B\\n4,C\\n" > rows.csv; printf 2 > n; echo "loaded 2 rows"', {
    outputs: { rows: { path: 'rows.csv' }, n: { path: 'n', as: 'text' } },
  }),
  train: sh(
    'printf "\\033[32mepoch 1\\033[0m loss 0.5\\n"; for i in $(seq 1 400); do echo "line $i"; done; printf \'{"loss": 0.25}\' > m.json',
    {
      inputs: { rows: { step: 'load', output: 'rows' }, rate: { value: 0.1 } },
      outputs: { metrics: { path: 'm.json' } },
      retry: { count: 1 },
    },
  ),
  plot: sh('echo plotted', { needs: ['load'] }),
  report: sh('echo done', { needs: ['train', 'plot'] }),
};

const BROKEN = {
  load: sh('echo loaded'),
  fit: sh('echo starting; echo "ValueError: no rows" >&2; exit 3', { needs: ['load'] }),
  notify: sh('echo notified', { needs: ['fit'] }),
};

beforeAll(async () => {
  journey = await Journey.shared('project-o');
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet('status of 404');
});

const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const runs = '/projects/project-o/executions';

test('an empty list shows commands to paste, and runs appear automatically', async () => {
  const page = await journey.open('/');
  await page.getByRole('link', { name: 'Jobs', exact: true }).click();
  await page.getByText('No jobs in project-o yet.').waitFor();
  await page.getByText('dais run --name first').waitFor();
  nightly = await submit('nightly', NIGHTLY);
  const row = page.getByRole('row', { name: /nightly/ });
  await row.getByText('succeeded').waitFor();
  await ended(nightly);
  broken = await ended(await submit('broken', BROKEN));
  await page
    .getByRole('row', { name: /broken/ })
    .getByText('failed')
    .waitFor();
  await page.getByRole('combobox', { name: 'State' }).click();
  await page.getByRole('option', { name: 'failed' }).click();
  await row.waitFor({ state: 'detached' });
  await page.getByRole('textbox', { name: 'Name contains' }).fill('NIGHT');
  await page.getByText('No matches.').waitFor();
  expect(new URL(page.url()).search).toBe('?state=failed&name=NIGHT');
});

test('a run shows its graph; a step shows its log, inputs and outputs', async () => {
  const page = await journey.open(`${runs}/${nightly.id}`);
  await page.getByRole('heading', { name: 'Job nightly', level: 1 }).waitFor();
  const graph = page.getByRole('group', { name: 'Graph of the job' });
  await graph.getByRole('button', { name: /^train succeeded/ }).click();
  const step = region(page, 'Step train');
  await step.getByText('line 400').waitFor();
  await step.getByRole('textbox', { name: 'Search the log' }).fill('LINE 39');
  await step.getByText('1 of 11').waitFor();
  await page.keyboard.press('Enter');
  await step.getByText('2 of 11').waitFor();
  await step.getByRole('tab', { name: 'Inputs and outputs' }).click();
  await step.getByText('0.1').waitFor();
  await region(page, 'Outputs')
    .getByRole('button', { name: /1 file/ })
    .click();
  await region(page, 'Outputs').getByText('"loss": 0.25').waitFor();
  await step.getByRole('tab', { name: 'Command' }).click();
  await region(page, 'Variables').getByText('DAIS_INPUT_RATE').waitFor();
  await step.getByRole('tab', { name: 'Attempts' }).click();
  await step.getByText('exit code 0').waitFor();
  const { searchParams } = new URL(page.url());
  expect([searchParams.get('step'), searchParams.get('show')]).toEqual(['train', 'attempts']);
  // By the keyboard: back along the line.
  await graph.focus();
  await page.keyboard.press('ArrowLeft');
  await region(page, 'Step load').waitFor();
  await region(page, 'Step load').getByRole('tab', { name: 'Inputs and outputs' }).click();
  await region(page, 'Outputs')
    .getByRole('button', { name: /1 file/ })
    .click();
  await region(page, 'Outputs')
    .getByRole('cell', { name: 'gate' })
    .or(region(page, 'Outputs').getByText('gate'))
    .first()
    .waitFor();
});

test('the failed step is selected first; the run is rerun from a step, and compared', async () => {
  const page = await journey.open(`${runs}/${broken.id}`);
  const step = region(page, 'Step fit');
  await step.getByText('ValueError: no rows').waitFor();
  await step.getByText('exited with code 3').waitFor();
  await page.getByRole('button', { name: 'Rerun from fit' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('fit, notify').waitFor();
  await dialog.getByRole('button', { name: 'Rerun' }).click();
  await page.getByRole('link', { name: 'compare' }).waitFor();
  again = { id: new URL(page.url()).pathname.split('/').at(-1) ?? '', state: '' };
  await page.getByRole('heading', { name: 'Job broken', level: 1 }).waitFor();
  await page.getByRole('tab', { name: 'Steps' }).click();
  await page.getByRole('row', { name: /load.*reused/ }).waitFor();
  await page.getByRole('tab', { name: 'Timeline' }).click();
  await page.getByRole('group', { name: 'Timeline of the job' }).getByRole('button', { name: /fit/ }).waitFor();
  await page.getByRole('link', { name: 'compare' }).click();
  await page.getByText('No step differs').waitFor();
  await page.getByRole('checkbox', { name: 'Show identical steps' }).click();
  await region(page, 'Steps').getByRole('row', { name: /load/ }).waitFor();
});

/** A project whose quota lets two of four steps run. */
async function fillQuota(page: Page): Promise<Run> {
  await journey.apply(projectManifest({ resources: { cpu: 0.5, memory: 2_000_000_000 }, runningSteps: 4 }));
  const sleep = sh('sleep 300', { resources: { cpu: 0.25, memory: 100_000_000 } });
  const run = await submit('fair', { a: sleep, b: sleep, c: sleep, d: sleep });
  await region(page, 'Queued steps')
    .getByRole('row', { name: /fair c quota used up CPU: the quota of 0.5 cores is used up/ })
    .waitFor();
  return run;
}

function projectManifest(compute: object): string {
  const spec = { quotas: { compute } };
  return JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name: journey.project }, spec });
}

test('the compute page shows usage, and why steps are pending', async () => {
  const page = await journey.open('/projects/project-o/compute');
  const run = await fillQuota(page);
  const meter = page.getByRole('meter', { name: 'CPU', exact: true });
  expect([await meter.getAttribute('aria-valuenow'), await meter.getAttribute('aria-valuetext')]).toEqual([
    '100',
    '0.5 cores of 0.5 cores',
  ]);
  await region(page, 'Projects')
    .getByRole('row', { name: /project-o/ })
    .waitFor();
  await region(page, 'Machines').getByRole('meter').first().waitFor();
  await journey.call(`/api/v1/executions/${run.id}/cancel`, {});
  await journey.apply(projectManifest({}));
  await page.getByText('No queued steps').waitFor();
});

test('a running run is followed, and canceled; pending steps show the reason', async () => {
  const run = await submit('long', {
    talk: sh('echo up; sleep 300', { outputs: { x: { path: 'x', optional: true } } }),
    later: sh('true', { needs: ['talk'] }),
    flaky: sh('exit 1', { retry: { count: 3, delaySeconds: 3600 } }),
  });
  const page = await journey.open(`${runs}/${run.id}?step=talk`);
  await region(page, 'Step talk').getByText('up', { exact: true }).waitFor();
  await page.getByRole('heading', { name: 'Job long', level: 1 }).waitFor();
  await page.goto(`${journey.url}/projects/project-o/compute`);
  await region(page, 'Queued steps')
    .getByRole('row', { name: /long flaky waiting for a retry/ })
    .waitFor();
  await page.goBack();
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel job' }).click();
  await page.getByRole('heading', { name: 'Job long', level: 1 }).waitFor();
  await page.getByRole('button', { name: /^later canceled/ }).waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'Jobs and pipeline runs', level: 1 }).waitFor();
  await page.getByRole('row', { name: /nightly/ }).waitFor();
  expect(await page.getByRole('row', { name: /long/ }).count()).toBe(0);
});

const PAGES: readonly PageState[] = [
  ['executions', runs, async (page) => await page.getByRole('row', { name: /nightly/ }).waitFor()],
  [
    'an execution',
    () => `${runs}/${nightly.id}?step=train`,
    async (page) => await page.getByText('line 400').waitFor(),
  ],
  [
    'an execution that failed',
    () => `${runs}/${broken.id}`,
    async (page) => await page.getByText('ValueError: no rows').waitFor(),
  ],
  [
    'what a step left',
    () => `${runs}/${nightly.id}?step=train&show=values`,
    async (page) =>
      await region(page, 'Outputs')
        .getByRole('button', { name: /1 file/ })
        .waitFor(),
  ],
  [
    'the command of a step',
    () => `${runs}/${nightly.id}?step=train&show=about&view=steps`,
    async (page) => await region(page, 'Variables').waitFor(),
  ],
  [
    'attempts on a timeline',
    () => `${runs}/${broken.id}?step=fit&show=attempts&view=timeline`,
    async (page) => await page.getByText('exit code 3').first().waitFor(),
  ],
  [
    'compared executions',
    () => `${runs}/compare?from=${nightly.id}&to=${again.id}`,
    async (page) => await region(page, 'Steps').waitFor(),
  ],
  [
    'an execution that is not there',
    `${runs}/nothing`,
    async (page) => await page.getByText('Not found', { exact: true }).waitFor(),
  ],
  ['compute', '/projects/project-o/compute', fillQuota],
];

describeStates(PAGES, () => journey, 'status of 404');
