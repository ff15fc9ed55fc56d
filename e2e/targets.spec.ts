/** Compute targets in the console: none, a cluster that does not respond, its test, and a step that waits for it. */
import { afterAll, afterEach, beforeAll, test } from 'vitest';
import { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';

const TARGETS = '/organization/targets';
const TARGET = `${TARGETS}/gpu`;
const COMPUTE = '/projects/default/compute';

/** A port without a listener. */
const KUBECONFIG = `apiVersion: v1
kind: Config
current-context: test
clusters: [{ name: one, cluster: { server: 'https://127.0.0.1:1' } }]
contexts: [{ name: test, context: { cluster: one, user: ada } }]
users: [{ name: ada, user: { token: none } }]
`;

const spec = {
  type: 'kubernetes',
  description: 'GPUs of the research cluster',
  cluster: { kubeconfig: { secret: 'gpu-kubeconfig' } },
  agent: { image: 'localhost/dais:test', url: 'http://dais.example.com' },
  maxTasks: 20,
  pools: {
    a100: {
      resources: ['nvidia.com/gpu'],
      nodeSelector: { 'cloud.google.com/gke-accelerator': 'nvidia-tesla-a100' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
    },
    spot: { spot: true },
  },
};

let journey: Journey;
beforeAll(async () => {
  journey = await Journey.start();
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const path = (rest: string) => `/api/v1${rest}`;
const manifest = (kind: string, name: string, content: object) => ({
  apiVersion: 'dais.dev/v1',
  kind,
  metadata: { name },
  spec: content,
});

const empty: PageState[] = [
  ['targets empty', TARGETS, async (page) => await page.getByText('dais target add NAME --kubeconfig FILE').waitFor()],
];
describeStates(empty, () => journey);

test('a cluster that does not respond is listed with its problem, and tested from its page', async () => {
  await journey.call(path('/secrets'), manifest('Secret', 'gpu-kubeconfig', { data: { kubeconfig: KUBECONFIG } }));
  await journey.call(path('/targets'), manifest('Target', 'gpu', spec));
  const page = await journey.open(TARGETS);
  await page.getByRole('row', { name: /gpu Kubernetes Problems/ }).waitFor();
  await page.getByRole('link', { name: 'gpu', exact: true }).click();
  await page.getByRole('heading', { name: 'Target gpu', level: 1 }).waitFor();
  const problems = page.getByRole('list', { name: 'Problems and warnings' });
  await problems.getByText('127.0.0.1').waitFor();
  await page.getByRole('region', { name: 'Pools of nodes' }).getByText('nvidia.com/gpu:NoSchedule').waitFor();
  await page.getByRole('button', { name: 'Test target' }).click();
  await page.getByText('Target gpu is not ready').waitFor();
  await problems.getByText('127.0.0.1').waitFor();
});

test('a step that names the target shows it', async () => {
  const steps = { train: { command: ['true'], target: 'gpu', pool: 'a100' } };
  const { id } = (await journey.call(path('/executions'), { name: 'train', steps })) as { readonly id: string };
  const page = await journey.open(`/projects/default/executions/${id}?step=train&show=about`);
  const environment = page.getByRole('region', { name: 'Execution environment' });
  await environment.getByRole('link', { name: 'gpu', exact: true }).waitFor();
  await environment.getByText('a100').waitFor();
  await page.getByRole('tab', { name: /Attempts/ }).click();
  await page.getByRole('columnheader', { name: 'Target' }).waitFor();
  await journey.call(path(`/executions/${id}/cancel`), {});
});

const states: PageState[] = [
  ['targets', TARGETS, async (page) => await page.getByRole('row', { name: /gpu Kubernetes Problems/ }).waitFor()],
  ['target', TARGET, async (page) => await page.getByText('Steps cannot run there').waitFor()],
  [
    'compute with targets',
    COMPUTE,
    async (page) => await page.getByRole('region', { name: 'Compute targets' }).waitFor(),
  ],
];
describeStates(states, () => journey);

test('the panel of targets names their running steps', async () => {
  const page = await journey.open(COMPUTE);
  const targets = page.getByRole('region', { name: 'Compute targets' });
  await targets.getByRole('row', { name: /^gpu .*of 20/ }).waitFor();
});
