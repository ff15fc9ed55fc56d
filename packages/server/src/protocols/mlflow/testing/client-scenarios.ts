/** The unmodified MLflow client in its own Python environment, with a Dais that requires credentials. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientEnvironment } from '#testing/client-python.ts';
import { failed, startPythonPeer, type PythonPeer } from './python-peer.ts';

/** In ms. Half a minute on an idle machine, mostly of the client; the first run also builds the environment. */
const PATIENCE = 600_000;

export interface ClientRun {
  /** Of the line of clients: names its environment. */
  readonly line: string;
  /** Below conformance/mlflow. */
  readonly requirements: string;
  /** A release whose code is installed over another environment, because the package index lacks some of its parts. */
  readonly overlay?: string;
  /** The least number of scenarios that must have run: none is left out unseen. */
  readonly atLeast: number;
}

/**
 * The package index has 3.18.0 without two packages that it requires in the same version: its wheel, which contains all
 * of the code, is installed over the environment of 3.17.2.
 */
export const NEWEST: Omit<ClientRun, 'atLeast'> = {
  line: '3.18',
  requirements: 'requirements.txt',
  overlay: 'mlflow==3.18.0 --hash=sha256:be7d84ba0d0b12392f5b53260cdb3e6d7b7ef4b80c29da90a89b5a1f6db7102f',
};

export function environmentOf({ line, requirements, overlay }: Omit<ClientRun, 'atLeast'>): ClientEnvironment {
  const name = `mlflow-${line.replaceAll('.', '-')}`;
  return { name, requirements, ...(overlay !== undefined && { overlay }) };
}

export function clientScenarios(client: ClientRun): void {
  const { line, atLeast } = client;
  describe(`MLflow ${line}`, () => {
    let peer: PythonPeer;
    beforeAll(async () => {
      peer = await startPythonPeer();
      await makeProject(peer.dais.url, peer.token, 'team');
    });
    afterAll(async () => {
      await peer.stop();
    });

    const environment = environmentOf(client);
    const scenarios = async (
      project: string,
      credentials: Readonly<Record<string, string>>,
      names: readonly string[],
    ) =>
      await peer.scenarios(environment, names, {
        variables: { MLFLOW_TRACKING_URI: `${peer.dais.url}${project}`, ...credentials },
        timeoutMs: PATIENCE,
      });

    test('supports the scenario, with a token', { timeout: PATIENCE + 60_000 }, async () => {
      const result = await scenarios('', { MLFLOW_TRACKING_TOKEN: peer.token }, []);
      expect(failed(result)).toEqual([]);
      expect(result.length).toBeGreaterThanOrEqual(atLeast);
    });

    test('works in another project, with user and password', { timeout: PATIENCE + 60_000 }, async () => {
      const credentials = { MLFLOW_TRACKING_USERNAME: 'anybody', MLFLOW_TRACKING_PASSWORD: peer.token };
      const names = ['experiments', 'fluent_run', 'metric_histories', 'large_artifact', 'artifact_in_parts'];
      const result = await scenarios('/p/team', credentials, names);
      expect(failed(result)).toEqual([]);
      expect(result).toHaveLength(names.length);
    });

    test('fails without minutes of retries for an invalid token', { timeout: PATIENCE }, async () => {
      const wrong = { MLFLOW_TRACKING_TOKEN: 'dais_pat_wrong' };
      const [reported] = await scenarios('', wrong, ['experiments']);
      expect(reported?.error).toMatch(/UNAUTHENTICATED/);
    });
  });
}

async function makeProject(url: string, token: string, name: string): Promise<void> {
  const text = JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name }, spec: {} });
  const answer = await fetch(`${url}/api/v1/apply`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ sources: [{ file: `${name}.json`, text }] }),
  });
  if (!answer.ok) throw new Error(await answer.text());
}
