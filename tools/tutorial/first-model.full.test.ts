/** The tutorial about tracking, with examples/flights and MLflow's own client. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { pythonEnvironment } from '../python-env.mjs';
import { uv, uvEnvironment } from '../uv.mjs';
import { followPage } from './follow.ts';

const requirements = fileURLToPath(new URL('../../conformance/mlflow/requirements.txt', import.meta.url));

test(
  'the tutorial about tracking works as it is written',
  async () => {
    // The packages of `pip install -r requirements.txt`, pinned.
    const python = join(await pythonEnvironment('mlflow-3-18', requirements), 'bin');
    const { UV_DEFAULT_INDEX, SSL_CERT_FILE } = await uvEnvironment();
    const followed = await followPage('tutorial/track-your-first-model.md', {
      programs: [python],
      variables: {
        DAIS_ENVIRONMENTS_UV: await uv(),
        ...(UV_DEFAULT_INDEX !== undefined && { DAIS_ENVIRONMENTS_INDEX: UV_DEFAULT_INDEX }),
        ...(SSL_CERT_FILE !== undefined && { DAIS_OUTBOUND_EXTRA_CA: SSL_CERT_FILE }),
      },
      files: 'examples/flights',
    });
    for (const { shown, printed } of followed) expect(printed).toBe(shown);
    expect(followed.length).toBeGreaterThan(8);
  },
  // Two trainings, for each of which MLflow loads the model once more in a Python of its own (30 s of CPU), and an installation
  // of MLflow for the deployment.
  900_000,
);
