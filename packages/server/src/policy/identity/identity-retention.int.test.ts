import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { policySlice } from '#policy/slice.ts';
import { identityRetention } from './identity-retention.ts';
import { insertInvitation } from './invitations.ts';
import { Sessions } from './sessions/sessions.ts';
import { createToken } from './tokens/tokens.ts';

let server: TestDatabase;
beforeAll(async () => {
  server = await startTestDatabase([kernelSlice, policySlice]);
});
afterAll(async () => {
  await server.stop();
});

const write = async <T>(work: (tx: Transaction) => Promise<T>) =>
  await transact(server.database, { mode: 'write', projectId: ORGANIZATION }, work);

test('long ended records are removed, active and recently ended ones stay', async () => {
  const uid = '019b0000-0000-7000-8000-000000000001';
  const user = { uid, name: 'ada' };
  const actor = { type: 'user', id: 'ada' } as const;
  const sessions = new Sessions({ idleMs: 1000, absoluteMs: 1000 }, randomBytes);
  const makeAll = async () =>
    await write(async (tx) => {
      const session = await sessions.create(tx, { user, method: 'password', mfa: false });
      const token = { form: 'pat', name: 't', method: 'token', mfa: false, createdBy: actor, lifeMs: 1000 } as const;
      const owner = { type: 'user', uid, name: 'ada' } as const;
      const { id } = await createToken(tx, { ...token, owner }, randomBytes);
      const invited = { email: 'a@example.com', userName: 'a', administrator: false, createdBy: actor, lifeMs: 1000 };
      return [session.id, id, (await insertInvitation(tx, invited, randomBytes)).id];
    });
  const [old, kept] = [await makeAll(), await makeAll()];
  const ids = old.map((id) => `'${id}'`).join(',');
  for (const table of ['session', 'token', 'invitation']) {
    await server.asAdmin(`update policy.${table} set expires_at = now() - interval '31 days' where id in (${ids})`);
  }
  await server.asAdmin(
    `insert into policy.attempt (digest, window_start, count) values ('a', now() - interval '2 days', 1), ('b', now(), 1)`,
  );
  await server.asAdmin(
    `insert into policy.step_token (digest, attempt, run, project, actor_type, actor_id, expires_at)
     select decode(n::text, 'escape'), gen_random_uuid(), gen_random_uuid(), 'p', 'user', 'ada', now() + (n - 1) * interval '31 days'
     from generate_series(0, 2, 2) n`,
  );
  const io: Pick<JobIo, 'signal' | 'write'> = { signal: new AbortController().signal, write };
  expect(await identityRetention.run(undefined as never, io as JobIo)).toEqual({
    sessions: 1,
    tokens: 1,
    invitations: 1,
    attempts: 1,
    stepTokens: 1,
  });
  const left = await server.asAdmin(
    'select id from policy.session union all select id from policy.token union all select id from policy.invitation',
  );
  expect(new Set(left.map(({ id }) => id))).toEqual(new Set(kept));
});
