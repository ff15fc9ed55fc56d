/** The tutorial about tracking, with examples/flights and MLflow's own client. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { pythonEnvironment } from '../python-env.mjs';
import { followPage } from './follow.ts';

const requirements = fileURLToPath(new URL('../../conformance/mlflow/requirements.txt', import.meta.url));

test(
  'the tutorial about tracking works as it is written',
  async () => {
    // What `pip install -r requirements.txt` would bring, pinned.
    const python = join(await pythonEnvironment('mlflow-3-18', requirements), 'bin');
    const followed = await followPage('tutorial/track-your-first-model.md', {
      programs: [python],
      files: 'examples/flights',
    });
    for (const { shown, printed } of followed) expect(printed).toBe(shown);
    expect(followed.length).toBeGreaterThan(8);
  },
  // Two trainings, for each of which MLflow loads the model once more in a Python of its own: 30 s of CPU.
  900_000,
);
