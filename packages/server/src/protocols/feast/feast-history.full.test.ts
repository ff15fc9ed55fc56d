/** The point-in-time join: published vectors, and Feast's own local provider on the same random rows. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startClientPython, type ClientPython } from '#testing/client-python.ts';
import { feastScripts } from './testing/client-scenarios.ts';

const PATIENCE = 900_000;
const CLIENT = { line: '0.67', requirements: 'requirements.txt' };

let peer: ClientPython;
beforeAll(async () => {
  peer = await startClientPython('feast');
});
afterAll(async () => await peer?.stop());

test('every vector, and 10,000 random rows as Feast joins them', { timeout: PATIENCE }, async () => {
  const results = await feastScripts(peer, CLIENT, ['point_in_time.py']);
  expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(results).toHaveLength(5);
});
