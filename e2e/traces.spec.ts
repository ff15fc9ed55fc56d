/** Traces of programs: found, inspected and assessed. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';

let journey: Journey;
let failed: string;

const AT = 1_790_000_000_000;

interface Step {
  readonly id: number;
  readonly parent?: number;
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly failure?: string;
}

const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0');
const ns = (ms: number) => `${AT + ms}000000`;

function spanOf(trace: number, { id, parent, name, from, to, attributes = {}, failure }: Step) {
  return {
    traceId: hex(trace, 32),
    id: hex(id, 16),
    ...(parent !== undefined && { parentId: hex(parent, 16) }),
    name,
    startNs: ns(from),
    endNs: ns(to),
    status: failure === undefined ? 'OK' : 'ERROR',
    attributes,
    ...(failure !== undefined && {
      message: failure,
      events: [
        {
          name: 'exception',
          ns: ns(to),
          attributes: {
            'exception.type': 'TimeoutError',
            'exception.message': failure,
            'exception.stacktrace': `File "answer.py", line 7\nTimeoutError: ${failure}`,
          },
        },
      ],
    }),
  };
}

async function trace(number: number, name: string, steps: readonly Step[]): Promise<string> {
  const spans = steps.map((step) => spanOf(number, step));
  await journey.call('/api/v1/tracking/spans', { experimentId: '0', resources: [{ spans }] });
  const id = `tr-${hex(number, 32)}`;
  await journey.call(`/api/v1/tracking/traces/${id}/tags`, { tags: { 'mlflow.traceName': name, desk: 'gate 4' } });
  return id;
}

const request = (question: string) => ({ 'mlflow.spanInputs': JSON.stringify({ question }) });

beforeAll(async () => {
  journey = await Journey.shared('project-n');
  await trace(1, 'answer', [
    {
      id: 1,
      name: 'answer',
      from: 0,
      to: 900,
      attributes: {
        ...request('Why is it late?'),
        'mlflow.spanOutputs': '"Fog in Zürich"',
        'mlflow.spanType': '"CHAIN"',
      },
    },
    { id: 2, parent: 1, name: 'retrieve', from: 10, to: 210, attributes: { 'mlflow.spanType': '"RETRIEVER"' } },
    {
      id: 3,
      parent: 1,
      name: 'complete',
      from: 220,
      to: 890,
      attributes: { 'gen_ai.usage.input_tokens': 120, 'gen_ai.usage.output_tokens': 30, temperature: 0.2 },
    },
  ]);
  failed = await trace(2, 'answer', [
    { id: 11, name: 'answer', from: 5000, to: 9000, attributes: request('Which gate?'), failure: 'no answer in 4 s' },
    { id: 12, parent: 11, name: 'retrieve', from: 5010, to: 9000, failure: 'no answer in 4 s' },
  ]);
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

test('traces are filtered with the syntax of clients; errors are marked at the word', async () => {
  const page = await journey.open('/');
  await page.getByRole('link', { name: 'Traces', exact: true }).click();
  await page.getByRole('heading', { name: 'Traces', level: 1 }).waitFor();
  await page.getByRole('row', { name: /Which gate/ }).waitFor();
  const filter = page.getByRole('combobox', { name: 'Filter' });
  await filter.fill("status = 'ERROR' AND color = 'red'");
  await page.getByRole('alert').getByText('color').waitFor();
  await filter.fill("span.name = 'retrieve' AND status = 'ERROR'");
  await page.keyboard.press('Enter');
  await page.getByRole('row', { name: /Why is it late/ }).waitFor({ state: 'detached' });
  expect(await page.getByRole('row', { name: /Which gate/ }).count()).toBe(1);
  expect(new URL(page.url()).searchParams.get('filter')).toBe("span.name = 'retrieve' AND status = 'ERROR'");
});

test('a trace shows its spans in time; the URL selects one', async () => {
  const page = await journey.open('/projects/project-n/traces');
  await page
    .getByRole('row', { name: /Why is it late/ })
    .getByRole('link', { name: 'answer' })
    .click();
  await page.getByRole('heading', { name: 'Trace answer', level: 1 }).waitFor();
  await region(page, 'Inputs').getByText('"question": "Why is it late?"').waitFor();
  await region(page, 'Outputs').getByText('Fog in Zürich').waitFor();
  await page.getByText('150 tokens').waitFor();
  await region(page, 'Spans').getByRole('button', { name: 'complete' }).click();
  await page.getByText('670 ms, 74 % of the trace').waitFor();
  expect(new URL(page.url()).searchParams.get('span')).toBe(hex(3, 16));
  await region(page, 'Spans').getByRole('button', { name: 'Collapse answer' }).click();
  await region(page, 'Spans').getByRole('button', { name: 'retrieve' }).waitFor({ state: 'detached' });
});

test('a failed trace shows the error first, and is assessed', async () => {
  const page = await journey.open(`/projects/project-n/traces/${failed}`);
  await page.getByText('TimeoutError: no answer in 4 s').first().waitFor();
  await page.getByRole('button', { name: 'Add assessment' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('correctness');
  await dialog.getByRole('textbox', { name: 'Value' }).fill('false');
  await dialog.getByRole('textbox', { name: 'Rationale' }).fill('It gave up');
  await dialog.getByRole('button', { name: 'Add assessment' }).click();
  const judged = region(page, 'Assessments of this trace').getByRole('row', {
    name: /correctness = false It gave up owner/,
  });
  await judged.waitFor();
  await page.goto(
    `${journey.url}/projects/project-n/traces?filter=${encodeURIComponent("feedback.correctness = 'false'")}`,
  );
  await page.getByRole('row', { name: /Which gate.*correctness = false/ }).waitFor();
  await page.getByRole('link', { name: 'answer' }).click();
  await judged.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No assessments yet.').waitFor();
});

const PAGES: readonly PageState[] = [
  ['traces', '/projects/project-n/traces', async (page) => await page.getByText('Which gate').first().waitFor()],
  ['a trace', `/projects/project-n/traces/tr-${hex(1, 32)}`, async (page) => await region(page, 'Outputs').waitFor()],
  [
    'a trace that failed',
    `/projects/project-n/traces/tr-${hex(2, 32)}`,
    async (page) => await page.getByText('TimeoutError').first().waitFor(),
  ],
  [
    'a trace that is not there',
    '/projects/project-n/traces/nothing',
    async (page) => await page.getByText('Not found', { exact: true }).waitFor(),
  ],
  [
    'a judgment',
    `/projects/project-n/traces/tr-${hex(1, 32)}`,
    async (page) => {
      await page.getByRole('button', { name: 'Add assessment' }).click();
      await page.getByRole('dialog').getByRole('textbox', { name: 'Value' }).waitFor();
    },
  ],
];

describeStates(PAGES, () => journey, 'status of 404');
