/** Training with each framework under MLflow's autologging, unmodified, in Pythons that have them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failed, startPythonPeer, type PythonPeer } from '#protocols/mlflow/testing/python-peer.ts';

/** In ms. A minute of CPU; to build the environment once may take longer than all the rest. */
const PATIENCE = 1_500_000;

let peer: PythonPeer;
beforeAll(async () => {
  peer = await startPythonPeer();
});
afterAll(async () => {
  await peer.stop();
});

test.each([
  {
    name: 'mlflow-training',
    requirements: 'requirements-training.txt',
    scenarios: [
      'autolog_scikit_learn_search',
      'autolog_xgboost',
      'autolog_xgboost_as_estimator',
      'autolog_lightgbm',
      'autolog_keras',
    ],
  },
  // The package index has only the build of PyTorch for GPUs, of 6 GB with all it needs. It trains on the CPU here.
  { name: 'mlflow-torch', requirements: 'requirements-torch.txt', scenarios: ['autolog_pytorch'] },
])('autologging with $requirements', { timeout: PATIENCE + 60_000 }, async ({ name, requirements, scenarios }) => {
  const result = await peer.scenarios({ name, requirements }, scenarios, {
    variables: {
      MLFLOW_TRACKING_URI: peer.dais.url,
      MLFLOW_TRACKING_TOKEN: peer.token,
      // A second Python process determines the packages of a model by loading it; here known packages are used.
      MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT: '1',
    },
    timeoutMs: PATIENCE,
  });
  expect(failed(result)).toEqual([]);
  expect(result.map((one) => one.name)).toEqual(scenarios);
});
