/** The unmodified MLflow client in a step: what it logs automatically goes to the run of the step. */
import { join } from 'node:path';
import type { Execution, ExecutionNode, SubmitExecutionInput } from '@dais/api/executions';
import type { Run } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pythonEnvironment, pythonWheel } from '../../../../../../tools/python-env.mjs';
import { environmentOf, NEWEST } from '#protocols/mlflow/testing/client-scenarios.ts';
import { startPythonPeer, type PythonPeer } from '#protocols/mlflow/testing/python-peer.ts';

/** In ms. Some seconds on an idle machine; the first run also builds the environment. */
const PATIENCE = 600_000;

let peer: PythonPeer;
beforeAll(async () => {
  peer = await startPythonPeer();
});
afterAll(async () => {
  await peer?.stop();
});

const TRAINING = `
import mlflow
from sklearn.linear_model import LinearRegression

mlflow.autolog()
with mlflow.start_run():
    LinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    mlflow.log_metric("own", 7)
mlflow.register_model(f"models:/{mlflow.last_logged_model().model_id}", "line")
`;

async function call<T>(method: string, path: string, body?: string | object): Promise<T> {
  const text = typeof body === 'object';
  const headers = {
    authorization: `Bearer ${peer.token}`,
    ...(body !== undefined && { 'content-type': text ? 'application/json' : 'application/octet-stream' }),
  };
  const init = { method, headers, ...(body !== undefined && { body: text ? JSON.stringify(body) : body }) };
  const answer = await fetch(`${peer.dais.url}${path}`, init);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as T;
}

test('the automatic logs of a training are in the run of its step', { timeout: PATIENCE + 60_000 }, async () => {
  const { name, requirements, overlay } = environmentOf(NEWEST);
  const python = join(await pythonEnvironment(name, join(peer.folder, requirements)), 'bin', 'python');
  const { upload } = await call<{ upload: string }>('PUT', '/api/v1/executions/uploads', TRAINING);
  const submitted: SubmitExecutionInput = {
    name: 'train',
    code: { files: [{ path: 'train.py', upload }] },
    steps: {
      main: {
        command: [python, '-B', '-W', 'ignore', 'train.py'],
        isolation: 'none',
        variables: overlay === undefined ? {} : { PYTHONPATH: await pythonWheel(overlay) },
        tracking: { experiment: 'lines' },
      },
    },
  };
  const { id } = await call<Execution>('POST', '/api/v1/executions', submitted);
  const get = async () => await call<Execution>('GET', `/api/v1/executions/${id}`);
  await expect.poll(async () => (await get()).endedAt !== undefined, { timeout: PATIENCE, interval: 100 }).toBe(true);
  const { items } = await call<{ items: ExecutionNode[] }>('GET', `/api/v1/executions/${id}/nodes`);
  expect(items).toMatchObject([{ state: 'succeeded', tracking: { run: expect.any(String) } }]);
  const run = await call<Run>('GET', `/api/v1/tracking/runs/${items[0]?.tracking?.run ?? ''}`);
  expect(run).toMatchObject({
    name: 'train',
    status: 'FINISHED',
    params: { fit_intercept: 'True' },
    tags: { estimator_name: 'LinearRegression', 'mlflow.source.name': 'train.py', 'dais.execution': id },
  });
  expect(run.metrics.map(({ key }) => key)).toEqual(expect.arrayContaining(['own', 'training_r2_score']));
  expect(run.modelOutputs).toHaveLength(1);
  const runs = await call<{ items: readonly unknown[] }>('POST', '/api/v1/tracking/search/runs', {
    experimentIds: [run.experimentId],
  });
  expect(runs.items).toHaveLength(1);
});
