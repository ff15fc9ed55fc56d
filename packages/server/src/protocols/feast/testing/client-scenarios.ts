/** Feast's own client, unmodified, in its own Python, against a Dais that asks for credentials. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startClientPython, type ClientPython } from '#testing/client-python.ts';

/** In ms; the environment is made with the first test, which takes a minute where nothing is kept yet. */
const PATIENCE = 900_000;

interface FeastClient {
  readonly line: string;
  /** Below conformance/feast. */
  readonly requirements: string;
}

interface Told {
  readonly name: string;
  readonly error?: string;
}

/** What `client_scenarios.py` has: none is left out unseen. */
const SCENARIOS = 7;

export function clientScenarios({ line, requirements }: FeastClient): void {
  describe(`feast ${line}`, () => {
    let peer: ClientPython;
    beforeAll(async () => {
      peer = await startClientPython('feast');
    });
    afterAll(async () => await peer?.stop());

    test('does what people do with it', { timeout: PATIENCE }, async () => {
      const told = await feastScripts(peer, { line, requirements }, ['client_scenarios.py']);
      expect(told.filter(({ error }) => error !== undefined)).toEqual([]);
      expect(told).toHaveLength(SCENARIOS);
    });
  });
}

/** What a script of the peer's folder tells, one line of JSON for each scenario. @throws Error with the end of its standard error. */
export async function feastScripts(
  peer: ClientPython,
  { line, requirements }: FeastClient,
  [script = '', ...words]: readonly string[],
): Promise<readonly Told[]> {
  const environment = { name: `feast-${line.replace('.', '-')}`, requirements };
  const { code, stdout, stderr } = await peer.run(environment, [join(peer.folder, script), ...words], {
    variables: {
      FEAST_HTTP: peer.dais.url,
      FEAST_GRPC: peer.dais.grpc ?? '',
      FEAST_TOKEN: peer.token,
      // What the client tells its makers.
      FEAST_USAGE: 'False',
    },
    timeoutMs: PATIENCE,
  });
  if (code !== 0) throw new Error(stderr.slice(-3000));
  return stdout
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text) as Told);
}
