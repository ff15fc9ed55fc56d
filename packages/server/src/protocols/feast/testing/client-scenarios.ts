/** Runs the unmodified Feast client in its own Python against a Dais with authentication. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startClientPython, type CalledDais, type ClientPython } from '#testing/client-python.ts';

/** In ms; the first test creates the environment, which takes a minute without a cache. */
const PATIENCE = 900_000;

interface FeastClient {
  readonly line: string;
  /** Below conformance/feast. */
  readonly requirements: string;
}

interface Reported {
  readonly name: string;
  readonly error?: string;
}

/** The scenarios of `client_scenarios.py`; a test checks that none is missing. */
const SCENARIOS = 8;

export function clientScenarios({ line, requirements }: FeastClient): void {
  describe(`feast ${line}`, () => {
    let peer: ClientPython;
    beforeAll(async () => {
      peer = await startClientPython('feast');
    });
    afterAll(async () => await peer?.stop());

    test('supports the scenario', { timeout: PATIENCE }, async () => {
      const results = await feastScripts(peer, { line, requirements }, ['client_scenarios.py']);
      expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
      expect(results).toHaveLength(SCENARIOS);
    });
  });
}

/** Returns the output of a script, one line of JSON per scenario. @throws Error with the end of its standard error */
export async function feastScripts(
  peer: ClientPython<CalledDais>,
  { line, requirements }: FeastClient,
  [script = '', ...words]: readonly string[],
): Promise<readonly Reported[]> {
  const environment = { name: `feast-${line.replace('.', '-')}`, requirements };
  const { code, stdout, stderr } = await peer.run(environment, [join(peer.folder, script), ...words], {
    variables: {
      FEAST_HTTP: peer.dais.url,
      FEAST_GRPC: peer.dais.grpc ?? '',
      FEAST_TOKEN: peer.token,
      // Telemetry of the client.
      FEAST_USAGE: 'False',
    },
    timeoutMs: PATIENCE,
  });
  if (code !== 0) throw new Error(stderr.slice(-3000));
  return stdout
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text) as Reported);
}
