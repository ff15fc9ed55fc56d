/** A person may change an endpoint between the observation of the controller and its effects. */
import type { Resource } from '@dais/api';
import { endpointSpec } from '@dais/api/serving';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import type { ControllerIo } from '#kernel/kind.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { findTenant } from '#kernel/tenants.ts';
import { workshopSlice } from '#kernel/testing/machine-controller.ts';
import { startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import {
  advance,
  recordInterval,
  runningRollout,
  setPaused,
  startRollout,
  type RolloutRow,
} from '../rollouts/rollout-rows.ts';
import { servingSlice } from '../serving-slice.ts';
import { admitEndpoint } from './admission.ts';
import { changeEndpoint, findEndpoint, type EndpointRequest } from './endpoint-rows.ts';
import { EndpointWork, type EndpointEffect } from './endpoint-work.ts';

let db: TestDatabase;
let dais: TestKernel;
let project: string;
let now = Date.now();

beforeAll(async () => {
  db = await startTestDatabase([kernelSlice, workshopSlice, servingSlice]);
  dais = await startTestKernel(db, { start: 'none' });
  project = (await dais.write(async ({ sql }) => await findTenant(sql, 'default')))?.id ?? '';
});
afterAll(async () => {
  await dais.stop();
  await db.stop();
});

const inProject = async <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
  await dais.write(async (tx) => {
    await tx.enter(project);
    return await work(tx);
  });
const io: ControllerIo = { signal: new AbortController().signal, read: inProject, write: inProject };
const byAda: EndpointRequest = { by: 'user:ada', cause: 'deploy', canary: 10 };

async function makeEndpoint(name: string): Promise<string> {
  const uid = uuidv7(now++);
  const spec = endpointSpec.parse({ model: 'models:/m/2' });
  await inProject(async (tx) => {
    const change = { action: 'create', before: undefined, rollback: false, dryRun: false } as const;
    await admitEndpoint(tx, { ...change, uid, projectId: project, name, spec });
    await changeEndpoint(tx, uid, { stable: 'id1', request: { by: 'user:bo', cause: 'deploy' } });
  });
  return uid;
}

async function rollOut(uid: string, name: string, to: string): Promise<RolloutRow> {
  return await inProject(async (tx) => {
    const rollout = { from: { id: 'id1', label: 'models:/m/1' }, to: { id: to, label: to }, cause: 'deploy' } as const;
    const how = { weights: [10, 100], automatic: true, by: 'user:ada', reason: '' };
    await startRollout(tx, { id: uuidv7(now++), endpoint: { uid, name }, ...rollout, ...how });
    return (await runningRollout(tx, uid)) as RolloutRow;
  });
}

async function perform(uid: string, name: string, effect: EndpointEffect): Promise<void> {
  const gateway = { figures: () => undefined };
  const work = new EndpointWork({ gateway, now: () => now } as unknown as ConstructorParameters<
    typeof EndpointWork
  >[0]);
  await work.perform(effect, { metadata: { uid, name, project: 'default' } } as Resource, io);
}

test('a deploy keeps its canary share when the controller settles the deploy before it', async () => {
  const uid = await makeEndpoint('settled');
  const observed = await inProject(async (tx) => (await findEndpoint(tx, uid))?.request);
  await inProject(async (tx) => await changeEndpoint(tx, uid, { request: byAda }));
  await perform(uid, 'settled', { do: 'settle', request: observed as EndpointRequest });
  expect((await inProject(async (tx) => await findEndpoint(tx, uid)))?.request).toEqual(byAda);
  await perform(uid, 'settled', { do: 'settle', request: byAda });
  expect((await inProject(async (tx) => await findEndpoint(tx, uid)))?.request).toMatchObject({ cause: 'alias' });
});

test('a decision about a rollout does not apply to the rollout, step or state that follows', async () => {
  const uid = await makeEndpoint('superseded');
  const result = { status: 'passed', message: 'good' } as const;
  const none = { requests: 0, failed: 0, latency: [] };
  const interval = { at: now, from: 0, stable: none, canary: none };
  const decisions = (of: RolloutRow): readonly EndpointEffect[] => [
    { do: 'advance', of, result },
    { do: 'pause', of, reason: 'slow' },
    { do: 'promote', of, result },
    { do: 'end', of, state: 'rolledBack', result },
  ];
  const running = async () => await inProject(async (tx) => await runningRollout(tx, uid));
  const expectUnchanged = async (of: RolloutRow) => {
    const before = await running();
    for (const decision of decisions(of)) await perform(uid, 'superseded', decision);
    expect(await running()).toEqual(before);
    expect(before).toBeDefined();
  };
  const first = await rollOut(uid, 'superseded', 'id2');
  const second = await rollOut(uid, 'superseded', 'id3');
  await expectUnchanged(first);
  await inProject(async (tx) => await advance(tx, second, result, interval));
  await expectUnchanged(second);
  const advanced = (await running()) as RolloutRow;
  await inProject(async (tx) => await setPaused(tx, advanced, true, 'wait'));
  await expectUnchanged(advanced);
  const paused = (await running()) as RolloutRow;
  await perform(uid, 'superseded', { do: 'end', of: paused, state: 'aborted', result });
  expect(await running()).toBeUndefined();
});

test('a start does not apply to an endpoint that names another model, or that rolled the version back', async () => {
  const uid = await makeEndpoint('started');
  const to = { id: 'id2', label: 'models:/m/2', name: 'm', version: '2', aliases: [], artifacts: 'a', files: [] };
  await perform(uid, 'started', { do: 'start', reference: 'models:/m/1', to });
  await inProject(async (tx) => await changeEndpoint(tx, uid, { rejected: 'id2' }));
  await perform(uid, 'started', { do: 'start', reference: 'models:/m/2', to });
  expect(await inProject(async (tx) => await runningRollout(tx, uid))).toBeUndefined();
});

test('a rollout that runs for weeks keeps its newest 10,000 intervals', async () => {
  const uid = await makeEndpoint('weeks');
  const rollout = await rollOut(uid, 'weeks', 'id2');
  await db.asAdmin(`insert into serving.rollout_interval (rollout, number, project_id, step, weight, started_at, ended_at, stable, canary)
    select '${rollout.id}', n, '${project}', 0, 10, now(), now(), '{}', '{}' from generate_series(1, 10000) n`);
  const counters = { requests: 1, failed: 0, latency: [0, 1] };
  const interval = { weight: 10, stable: counters, canary: counters, startedMs: now, endedMs: now };
  const evidence = { intervals: 10_001 };
  await inProject(async (tx) => {
    const recorded = { ...interval, evidence, analysis: {}, next: {} } as unknown as Parameters<
      typeof recordInterval
    >[2];
    await recordInterval(tx, rollout, recorded);
  });
  const counted = await db.asAdmin(
    `select count(*)::int as count, min(number) as first from serving.rollout_interval where rollout = '${rollout.id}'`,
  );
  expect(counted).toEqual([{ count: 10_000, first: 2 }]);
});
