/**
 * The unmodified MLflow client with a Dais in solo mode: the client writes artifacts directly to a folder of this
 * machine.
 */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { environmentOf, NEWEST } from '#protocols/mlflow/testing/client-scenarios.ts';
import { failed, startPythonPeer, type PythonPeer } from '#protocols/mlflow/testing/python-peer.ts';

/** In ms. Some seconds on an idle machine; the first run also builds the environment. */
const PATIENCE = 600_000;

let root: string;
let peer: PythonPeer;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'dais-artifact-root-')));
  peer = await startPythonPeer({ 'authentication.mode': 'solo', 'tracking.artifactRoot': `file://${root}` });
});
afterAll(async () => {
  await peer?.stop();
  await rm(root, { recursive: true, force: true });
});

test(
  'the scenarios of artifacts and models run as with artifacts in Dais',
  { timeout: PATIENCE + 60_000 },
  async () => {
    const names = [
      'artifacts',
      'large_artifact',
      'files_by_server',
      'artifacts_lie_in_the_folder',
      'logged_models',
      'scikit_learn_autologging',
      'a_model_is_logged_and_loaded',
      'model_registry',
    ];
    const result = await peer.scenarios(environmentOf(NEWEST), names, {
      variables: { MLFLOW_TRACKING_URI: peer.dais.url, DAIS_TEST_ARTIFACT_ROOT: root },
      timeoutMs: PATIENCE,
    });
    expect(failed(result)).toEqual([]);
    expect(result).toHaveLength(names.length);
  },
);
