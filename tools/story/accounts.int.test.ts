/** The first step of the demo, tested every day: the complete demo takes half an hour and is tested by story.full.test.ts. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sharedDais, WITH_ACCOUNTS } from '../../packages/server/src/testing/shared-dais.ts';
import { root as repository } from '../command.mjs';
import { makePeople } from './accounts.mjs';

test('its accounts are created, with an invitation for the reader; after a repetition, old tokens are invalid', async () => {
  const { root, data } = await sharedDais(undefined, WITH_ACCOUNTS);
  const people = async () => await makePeople(root, data, join(repository, 'examples', 'flights', 'story'));
  const first = await people();
  expect(first.invitation).toContain(`${root}/invitation#`);
  const session = async (of: (typeof first)['gate']) => await of.call('GET', '/auth/session');
  expect(await session(first.gate)).toMatchObject({ actor: { id: 'gate' } });
  const again = await people();
  await expect(session(first.gate)).rejects.toThrow('unauthenticated');
  expect(await session(again.gate)).toMatchObject({ actor: { id: 'gate' } });
});
