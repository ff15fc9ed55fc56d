/** Runs the unmodified client of Kubeflow Pipelines, in its own Python environment, against a Dais with authentication. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startClientPython, type ClientPython } from '#testing/client-python.ts';

/** In ms. Steps build environments, which takes a minute without a cache. */
const PATIENCE = 900_000;

export interface KfpClient {
  readonly line: string;
  /** Path below conformance/kfp. */
  readonly requirements: string;
}

interface Reported {
  readonly name: string;
  readonly error?: string;
}

/** All scenarios of `client_scenarios.py`, so that none is omitted unnoticed. */
const SCENARIOS = 9;

export function clientScenarios({ line, requirements }: KfpClient): void {
  describe(`kfp.Client ${line}`, () => {
    let peer: ClientPython;
    beforeAll(async () => {
      peer = await startClientPython('kfp');
      // Each has its own, so that it cannot find outputs of the other.
      for (const name of ['team', 'squad']) await makeProject(peer.dais.url, peer.token, name);
    });
    afterAll(async () => {
      await peer?.stop();
    });

    const scenarios = async (
      variables: Readonly<Record<string, string>>,
      names: readonly string[],
    ): Promise<readonly Reported[]> => {
      const environment = { name: `kfp-${line.replace('.', '-')}`, requirements };
      const words = [join(peer.folder, 'client_scenarios.py'), ...names];
      const { code, stdout, stderr } = await peer.run(environment, words, {
        variables: { KFP_HOST: peer.dais.url, KFP_TOKEN: peer.token, ...variables },
        timeoutMs: PATIENCE,
      });
      if (code !== 0) throw new Error(stderr.slice(-3000));
      return stdout
        .split('\n')
        .filter((text) => text.startsWith('{'))
        .map((text) => JSON.parse(text) as Reported);
    };
    const failed = (outputOnly: readonly Reported[]) => outputOnly.filter(({ error }) => error !== undefined);

    test('supports the scenario', { timeout: PATIENCE + 60_000 }, async () => {
      const outputOnly = await scenarios({}, []);
      expect(failed(outputOnly)).toEqual([]);
      expect(outputOnly).toHaveLength(SCENARIOS);
    });

    test.each([
      ['by its address', '/p/team', {}],
      ['as a namespace', '', { KFP_NAMESPACE: 'squad' }],
    ])('works in a separate project named %s', { timeout: PATIENCE + 60_000 }, async (_, path, more) => {
      const host = `${peer.dais.url}${path}`;
      const names = ['experiments', 'pipelines', 'runs', 'recurring_runs'];
      const outputOnly = await scenarios({ ...more, KFP_HOST: host }, names);
      expect(failed(outputOnly)).toEqual([]);
      expect(outputOnly).toHaveLength(names.length);
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
