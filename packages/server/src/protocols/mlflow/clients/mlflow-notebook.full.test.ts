/** A notebook's kernel, as Jupyter starts it, logs to a Dais: Dais itself hosts none. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPythonPeer, type PythonPeer } from '#protocols/mlflow/testing/python-peer.ts';

const PATIENCE = 900_000;

let peer: PythonPeer;
beforeAll(async () => {
  peer = await startPythonPeer();
});
afterAll(async () => {
  await peer.stop();
});

test('cells, a failing cell, a restarted kernel', { timeout: PATIENCE + 60_000 }, async () => {
  const environment = { name: 'mlflow-training', requirements: 'requirements-training.txt' };
  const output = await peer.python(environment, [join(peer.folder, 'notebook.py')], {
    variables: { MLFLOW_TRACKING_URI: peer.dais.url, MLFLOW_TRACKING_TOKEN: peer.token },
    timeoutMs: PATIENCE,
  });
  expect(JSON.parse(output.trim().split('\n').at(-1) ?? '')).toEqual({
    status: 'FINISHED',
    points: 51,
    last: 0.01,
    params: { cells: '3', fit_intercept: 'True' },
    kept: { kept: true },
    failed: ['fails'],
  });
});
