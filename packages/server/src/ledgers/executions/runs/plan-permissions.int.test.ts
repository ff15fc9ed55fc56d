/** Permissions for steps without isolation, with network and with secrets, on a server with accounts. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Execution } from '@dais/api/executions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openOutbound } from '#control/open-outbound.ts';
import { loadKinds } from '#compose.ts';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import type { CallContext } from '#kernel/context.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { codeOf, manifest, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { commentsSlice } from '#ledgers/comments/index.ts';
import { lineageSlice } from '#ledgers/lineage/index.ts';
import { trackingSlice } from '#ledgers/tracking/index.ts';
import { ledger as usage } from '#ledgers/usage/index.ts';
import { webhooksSlice } from '#ledgers/webhooks/index.ts';
import { CedarAuthorizer } from '#policy/cedar-authorizer.ts';
import { policySlice } from '#policy/slice.ts';
import { executionEntries } from './execution-entries.ts';
import { executionsSlice } from '../executions-slice.ts';
import { RunMachines } from './run-machine.ts';

let db: TestDatabase;
let dais: TestKernel;
const ends: (() => Promise<void>)[] = [];

const as = (name: string): Partial<CallContext> => ({
  principal: { type: 'user', id: name, via: { method: 'password', mfa: false } },
});
const OWNER: Partial<CallContext> = {
  principal: { type: 'user', id: 'owner', via: { method: 'owner-token', mfa: false } },
};

beforeAll(async () => {
  const outbound = await openOutbound({ allowHosts: [] }, '0');
  const keys = openEnvKeys(randomBytes(32).toString('base64'));
  const { kinds, entries, policies: engine } = await loadKinds({ keys, outbound, clock: systemClock });
  const ledgers = [commentsSlice, lineageSlice, trackingSlice, usage.slice, webhooksSlice, executionsSlice];
  db = await startTestDatabase([kernelSlice, policySlice, ...ledgers, ...kinds.flatMap(({ slice }) => slice ?? [])]);
  const authorizer = new CedarAuthorizer({ database: db.database, clock: systemClock, log: silentLog, engine });
  const folder = await mkdtemp(join(tmpdir(), 'dais-unisolated-'));
  const blobs = await openFsBlobStore({ root: folder, clock: systemClock });
  const { database } = db;
  const limits = { runningSteps: 8, queuedSteps: 100_000 };
  const content = new Content({ database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
  const own = executionEntries({ database, content, solo: false, limits }, new RunMachines());
  dais = await startTestKernel(db, { kinds, entries: [...entries, ...own], authorizer });
  ends.push(
    () => dais.stop(),
    () => db.stop(),
    () => keys.close(),
    () => outbound.close(),
    () => blobs.close(),
    () => rm(folder, { recursive: true }),
  );
  const people = ['ada', 'max'].map((name) => manifest('User', name, { email: `${name}@example.com` }));
  await dais.apply(
    [...people, manifest('OrganizationRoleBinding', 'admins', { role: 'admin', users: ['max'] })],
    {},
    OWNER,
  );
  await dais.apply([manifest('RoleBinding', 'editors', { role: 'editor', users: ['ada'] })], {}, OWNER);
});
afterAll(async () => {
  for (const end of ends) await end();
});

const submit = async (who: string, isolation?: 'none' | 'required') =>
  await dais.call<Execution>(
    'execution.submit',
    { steps: { main: { command: ['true'], ...(isolation !== undefined && { isolation }) } } },
    as(who),
  );

test('an editor can run only isolated steps unless a policy permits others', async () => {
  expect((await submit('ada')).state).toBe('pending');
  expect((await submit('ada', 'required')).state).toBe('pending');
  expect(await codeOf(submit('ada', 'none'))).toBe('forbidden');
  expect((await submit('max', 'none')).state).toBe('pending');
  const cedar = `@id("trusted") permit(principal == Dais::User::"ada", action == Dais::Action::"execution:unisolated", resource);`;
  await dais.apply([manifest('Policy', 'trusted', { cedar })], {}, OWNER);
  expect((await submit('ada', 'none')).state).toBe('pending');
});

const networked = { main: { command: ['true'], network: true } };
const pipelineOf = (name: string, network: boolean) =>
  manifest('Pipeline', name, { steps: { main: { run: 'true', ...(network && { network: true }) } } });
const scheduleOf = (name: string, pipeline: string, version?: string) =>
  manifest('Schedule', name, { pipeline, when: { type: 'interval', seconds: 86_400 }, ...(version && { version }) });
const forbidNetwork = manifest('Policy', 'no-network', {
  cedar: `@id("no-network") forbid(principal == Dais::User::"ada", action == Dais::Action::"execution:network", resource);`,
});

test('an editor can run steps with network until a policy forbids it', async () => {
  expect(await codeOf(dais.call('execution.submit', { steps: networked }, as('ada')))).toBe('ok');
  await dais.apply([forbidNetwork], {}, OWNER);
  await expect(dais.call('execution.submit', { steps: networked }, as('ada'))).rejects.toThrow(
    /does not have the permission execution:network.*--no-network.*ask an administrator to grant/,
  );
  expect(await codeOf(dais.call('execution.submit', { steps: networked }, as('max')))).toBe('ok');
  expect((await submit('ada')).state).toBe('pending');
  expect(await codeOf(submit('ada', 'none'))).toBe('forbidden');
});

test('a step without isolation also needs the network permission, because it uses the network of the machine', async () => {
  const cedar = `@id("unisolated") permit(principal == Dais::User::"ada", action == Dais::Action::"execution:unisolated", resource);`;
  await dais.apply([forbidNetwork, manifest('Policy', 'unisolated', { cedar })], {}, OWNER);
  await expect(submit('ada', 'none')).rejects.toThrow(/execution:network/);
});

test('the author of a pipeline with network, or of its schedule, needs the permission, because the platform starts it', async () => {
  await dais.apply([forbidNetwork], {}, OWNER);
  await dais.apply([pipelineOf('closed', false)], {}, as('ada'));
  await expect(dais.apply([pipelineOf('open', true)], {}, as('ada'))).rejects.toThrow(/execution:network/);
  await expect(dais.apply([pipelineOf('closed', true)], {}, as('ada'))).rejects.toThrow(/execution:network/);
  await dais.apply([pipelineOf('open', true)], {}, as('max'));
  await dais.apply([scheduleOf('nightly', 'closed')], {}, as('ada'));
  await expect(dais.apply([scheduleOf('weekly', 'open')], {}, as('ada'))).rejects.toThrow(/execution:network/);
  await expect(dais.apply([scheduleOf('nightly', 'open')], {}, as('ada'))).rejects.toThrow(/execution:network/);
  await dais.apply([scheduleOf('weekly', 'open')], {}, as('max'));
  // A version that the schedule names counts, not the newest.
  await dais.apply([pipelineOf('open', false)], {}, as('max'));
  await dais.apply([scheduleOf('newest', 'open')], {}, as('ada'));
  await expect(dais.apply([scheduleOf('first', 'open', '1')], {}, as('ada'))).rejects.toThrow(/execution:network/);
});

test('a Secret needs the permission secret:use', async () => {
  await dais.apply([manifest('RoleBinding', 'viewers', { role: 'viewer', users: ['ada'] })], {}, OWNER);
  await dais.apply([manifest('Secret', 'hub', { data: { token: 'x' } })], {}, OWNER);
  const cedar = `@id("closed") forbid(principal == Dais::User::"ada", action == Dais::Action::"secret:use", resource);`;
  await dais.apply([manifest('Policy', 'closed', { cedar })], {}, OWNER);
  const steps = { main: { command: ['true'], secrets: { X: { secret: 'hub', key: 'token' } } } };
  expect(await codeOf(dais.call('execution.submit', { steps }, as('ada')))).toBe('forbidden');
  expect(await codeOf(dais.call('execution.submit', { steps }, as('max')))).toBe('ok');
});
