/** The first step of the demo, tested every day: the complete demo takes half an hour and is tested by story.full.test.ts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaisProcess, type DaisProcess } from '../../packages/server/src/testing/dais-process.ts';
import { root } from '../command.mjs';
import { makePeople } from './accounts.mjs';

let folder: string;
let dais: DaisProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-story-'));
  const flags = { data: join(folder, 'data'), 'keys.folder': join(folder, 'keys') };
  dais = startDaisProcess({ ...flags, 'authentication.mode': 'accounts' });
});
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true });
});

test('its accounts are created, with an invitation for the reader; after a repetition, old tokens are invalid', async () => {
  const url = await dais.ready;
  const people = async () => await makePeople(url, join(folder, 'data'), join(root, 'examples', 'flights', 'story'));
  const first = await people();
  expect(first.invitation).toContain(`${url}/invitation#`);
  const session = async (of: (typeof first)['gate']) => await of.call('GET', '/auth/session');
  expect(await session(first.gate)).toMatchObject({ actor: { id: 'gate' } });
  const again = await people();
  await expect(session(first.gate)).rejects.toThrow('unauthenticated');
  expect(await session(again.gate)).toMatchObject({ actor: { id: 'gate' } });
});
