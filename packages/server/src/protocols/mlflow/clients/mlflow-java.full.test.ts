/** MLflow's client for Java, as Maven has it, in a real JVM. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { ensureJava, javaLibraries } from '../../../../../../tools/java.mjs';
import { pythonEnvironment } from '../../../../../../tools/python-env.mjs';
import { startPythonPeer, type PythonPeer } from '#protocols/mlflow/testing/python-peer.ts';

/** The newest version in Maven, with its dependencies. */
const LIBRARIES = [
  {
    artifact: 'org.mlflow:mlflow-client:2.17.2',
    sha256: '70179cac4d2f928570f6104018fd5f87c26f7ec098ee721c82a533439ecfe379',
  },
  {
    artifact: 'org.slf4j:slf4j-api:1.7.25',
    sha256: '18c4a0095d5c1da6b817592e767bb23d29dd2f560ad74df75ff3961dbde25b79',
  },
];
const PATIENCE = 900_000;

let peer: PythonPeer;
let home: string;
beforeAll(async () => {
  [peer, home] = await Promise.all([startPythonPeer(), mkdtemp(join(tmpdir(), 'dais-java-'))]);
});
afterAll(async () => {
  await peer.stop();
  await rm(home, { recursive: true, force: true });
});

test('supports the scenario', { timeout: PATIENCE }, async () => {
  await ensureJava();
  const libraries = await javaLibraries(LIBRARIES);
  // Artifacts are carried by the Python client, which the one for Java starts.
  const python = join(await pythonEnvironment('mlflow-3-18', join(peer.folder, 'requirements.txt')), 'bin');
  const { code, stdout, stderr } = await run(
    'java',
    ['-XX:+UseSerialGC', '-cp', libraries.join(':'), join(peer.folder, 'JavaClient.java')],
    {
      env: {
        PATH: `${python}:${process.env['PATH'] ?? ''}`,
        HOME: home,
        LANG: 'C.UTF-8',
        MLFLOW_TRACKING_URI: peer.dais.url,
        MLFLOW_TRACKING_TOKEN: peer.token,
      },
      cwd: home,
      timeoutMs: PATIENCE,
      maxOutputBytes: 8 << 20,
    },
  );
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.toString('utf8').trim().split('\n')).toEqual([
    'experiments',
    'runs',
    'search',
    'context',
    'registry',
    'artifacts',
    'refusals',
  ]);
});
