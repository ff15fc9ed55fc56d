import { setTimeout as delay } from 'node:timers/promises';
import type { Condition, Resource } from '@dais/api';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import { project } from '#kinds/project/index.ts';
import type { KindDefinition } from './kind.ts';
import { claimDue, finishClaim, type Claim } from './reconcile-queue.ts';
import { gate, openGates } from './testing/gates.ts';
import { tableWorld, type MachineBackend } from './testing/machine-controller.ts';
import { fleet, machine, machineKind, part } from './testing/test-kinds.ts';
import {
  codeOf,
  manifest,
  startKernelDatabase,
  startTestKernel,
  type TestKernel,
  type TestKernelOptions,
} from './testing/test-kernel.ts';
import { freshProject, type TestProject } from './testing/test-project.ts';
import { listAndWatch } from './testing/test-watcher.ts';

let test_: TestDatabase;
let running: TestKernel[] = [];

beforeAll(async () => {
  test_ = await startKernelDatabase();
});
afterEach(async () => {
  openGates();
  await Promise.all(running.map((dais) => dais.stop()));
  running = [];
});
afterAll(async () => {
  await test_.stop();
});

const SOON = { timeout: 60_000, interval: 10 };

const kindsWith = (machinery: Partial<MachineBackend> = {}): KindDefinition[] => [
  project,
  fleet,
  part,
  machine({ world: tableWorld(), ...machinery }),
];

async function start(machinery: Partial<MachineBackend> = {}, options: TestKernelOptions = {}): Promise<TestKernel> {
  const dais = await startTestKernel(test_, { kinds: kindsWith(machinery), ...options });
  running.push(dais);
  return dais;
}

function machinesOf(dais: TestKernel, p: TestProject) {
  const call = (verb: string, input: object) => dais.call(`machine.${verb}`, input, p.context);
  return {
    apply: (name: string, spec: object) => dais.apply([manifest('Machine', name, spec)], {}, p.context),
    get: (name: string) => call('get', { name }),
    remove: (name: string) => call('delete', { name }),
    ready: async (name: string) => ready(await call('get', { name })),
    settled: (name: string, cells: number) =>
      expect
        .poll(async () => settledOf(await call('get', { name })), SOON)
        .toEqual({ cells, status: 'True', current: true }),
  };
}

function conditionOf(resource: Resource): Condition | undefined {
  return (resource.status['conditions'] as Condition[] | undefined)?.find((one) => one.type === 'Ready');
}

function ready(resource: Resource): string {
  const condition = conditionOf(resource);
  return condition === undefined ? 'none' : `${condition.status} ${condition.reason}`;
}

function settledOf(resource: Resource) {
  return {
    cells: resource.status['cells'],
    status: conditionOf(resource)?.status,
    current: resource.status['observedGeneration'] === resource.metadata.generation,
  };
}

const queueRow = async (uid: string) => {
  const [row] = await test_.asAdmin(
    `select attempts, last_error, due_at is null as rests, lease_until is null as free, dirty::int,
       due_at <= clock_timestamp() as due from kernel.reconcile where uid = '${uid}'`,
  );
  return row;
};

describe('a controller', () => {
  test('reconciles the actual state, reports the progress, and stops when there is no difference', async () => {
    const building = gate();
    const dais = await start({ before: () => building.promise });
    const p = await freshProject(dais);
    const machines = machinesOf(dais, p);
    const watcher = await listAndWatch(dais, 'machine', {}, p.context);
    await machines.apply('m', { cells: 60 });
    // A watch delivers only the last state of each turn of the sequencer (10 ms), and 60 cells may be built in less.
    await expect.poll(() => ready(watcher.known.get('m')!), SOON).toBe('False Building');
    building.resolve();
    await machines.settled('m', 60);
    await machines.apply('m', { cells: 1 });
    await machines.settled('m', 1);
    await expect
      .poll(() => settledOf(watcher.known.get('m')!), SOON)
      .toEqual({ cells: 1, status: 'True', current: true });
    const { uid } = (await machines.get('m')).metadata;
    await expect
      .poll(() => queueRow(uid), SOON)
      .toMatchObject({ free: true, due: false, attempts: 0, last_error: null });
    await watcher.stop();
  });

  test('writes no unchanged status, and keeps the time of the last transition', async () => {
    const dais = await start();
    const p = await freshProject(dais);
    const machines = machinesOf(dais, p);
    await machines.apply('m', { cells: 1 });
    await machines.settled('m', 1);
    const before = await machines.get('m');
    const wake = () =>
      dais.write((tx) =>
        tx.sql.query('update kernel.reconcile set due_at = now(), dirty = dirty + 1 where uid = $1', [
          before.metadata.uid,
        ]),
      );
    await wake();
    await expect.poll(() => queueRow(before.metadata.uid), SOON).toMatchObject({ free: true, due: false });
    expect(await machines.get('m')).toEqual(before);
    // A new generation: same condition, same time of transition, but for the new generation.
    await dais.apply([manifest('Machine', 'm', { cells: 1 }, { labels: { a: 'b' } })], {}, p.context);
    await machines.settled('m', 1);
    const after = conditionOf(await machines.get('m'));
    expect(after).toEqual({ ...conditionOf(before), observedGeneration: 2 });
    await machines.apply('m', { cells: 2 });
    await machines.settled('m', 2);
    expect(Date.parse(conditionOf(await machines.get('m'))!.lastTransitionTime)).toBeGreaterThan(
      Date.parse(after!.lastTransitionTime),
    );
  });

  test('that has a finalizer cleans up before its resource is removed', async () => {
    const removal = gate();
    const dais = await start({ before: (effect) => (effect.do === 'remove' ? removal.promise : undefined) });
    const p = await freshProject(dais);
    const machines = machinesOf(dais, p);
    await machines.apply('m', { cells: 2 });
    await machines.settled('m', 2);
    const { uid } = (await machines.get('m')).metadata;
    const going = await machines.remove('m');
    expect(going.metadata).toMatchObject({ finalizers: ['machine'], deletionRequestedAt: expect.any(String) });
    expect(await codeOf(machines.apply('m', { cells: 5 }))).toBe('being_deleted');
    expect((await machines.remove('m')).metadata.deletionRequestedAt).toBe(going.metadata.deletionRequestedAt);
    expect(await codeOf(dais.call('project.delete', { name: p.name }))).toBe('still_referenced');
    removal.resolve();
    await expect.poll(() => codeOf(machines.get('m')), SOON).toBe('not_found');
    expect(await test_.asAdmin(`select 1 from workshop.cell where uid = '${uid}'`)).toEqual([]);
    expect(await queueRow(uid)).toBeUndefined();
    const events = await test_.asAdmin(`select type from kernel.event where subject_uid = '${uid}' order by id`);
    expect(events.map((event) => event['type']).filter((type) => type !== 'resource.status')).toEqual([
      'resource.created',
      'resource.deleting',
      'resource.deleted',
    ]);
  });

  test('that waits is woken by its dependency', async () => {
    const dais = await start();
    const p = await freshProject(dais);
    const machines = machinesOf(dais, p);
    await machines.apply('m', { cells: 1, after: 'key' });
    await expect.poll(() => machines.ready('m'), SOON).toBe('False Waiting');
    const { uid } = (await machines.get('m')).metadata;
    await expect.poll(() => queueRow(uid), SOON).toMatchObject({ free: true, due: false, attempts: 0 });
    await p.create('other');
    expect(await machines.ready('m')).toBe('False Waiting');
    await p.create('key');
    await machines.settled('m', 1);
    // The pass ends after its status is there.
    await expect.poll(() => test_.asAdmin(`select 1 from kernel.watch where uid = '${uid}'`), SOON).toEqual([]);
  });

  test('misses no wake between its check and its wait', async () => {
    const searched = gate();
    const made = gate();
    const world = tableWorld();
    let first = true;
    const dais = await start({
      world: {
        ...world,
        cells: async (uid, io) => {
          const cells = await world.cells(uid, io);
          if (first) {
            first = false;
            searched.resolve();
            await made.promise;
          }
          return cells;
        },
      },
    });
    const p = await freshProject(dais);
    const machines = machinesOf(dais, p);
    await machines.apply('m', { cells: 1, after: 'key' });
    // It has seen that there is no key, but does not wait for it yet.
    await searched.promise;
    await p.create('key');
    made.resolve();
    await expect.poll(() => machines.ready('m'), SOON).toBe('True Built');
  });

  test('is woken by a change of a referenced resource', async () => {
    let passes = 0;
    const world = tableWorld();
    const dais = await start({
      world: {
        ...world,
        cells: async (uid, io) => {
          passes++;
          return await world.cells(uid, io);
        },
      },
    });
    const p = await freshProject(dais);
    const machines = machinesOf(dais, p);
    await p.create('a');
    await machines.apply('m', { cells: 0, part: 'a' });
    await machines.settled('m', 0);
    const { uid } = (await machines.get('m')).metadata;
    await expect.poll(() => queueRow(uid), SOON).toMatchObject({ free: true, due: false });
    const before = passes;
    await p.update('a', { size: 7 });
    await expect.poll(() => passes, SOON).toBeGreaterThan(before);
  });

  test('that fails is retried with growing delays, and immediately when the spec changes', async () => {
    const dais = await start({}, { random: () => 0 });
    const p = await freshProject(dais);
    const machines = machinesOf(dais, p);
    await machines.apply('m', { cells: 1, broken: 'retry' });
    const { uid } = (await machines.get('m')).metadata;
    await expect
      .poll(() => queueRow(uid), SOON)
      .toMatchObject({ attempts: 2, last_error: 'it cannot be built at present', free: true, due: false });
    expect(dais.log.filter((entry) => entry.message.includes('pass failed')).length).toBeGreaterThanOrEqual(2);
    await machines.apply('m', { cells: 1 });
    await machines.settled('m', 1);
    await expect.poll(() => queueRow(uid), SOON).toMatchObject({ attempts: 0, last_error: null });
  });

  test('that fails permanently reports it and rests until the spec changes', async () => {
    const dais = await start();
    const p = await freshProject(dais);
    const machines = machinesOf(dais, p);
    await machines.apply('m', { cells: 1, broken: 'terminal' });
    await expect.poll(() => machines.ready('m'), SOON).toBe('False Broken');
    const { uid } = (await machines.get('m')).metadata;
    await expect
      .poll(() => queueRow(uid), SOON)
      .toMatchObject({ rests: true, free: true, last_error: 'It cannot be built.' });
    await machines.apply('m', { cells: 1 });
    await machines.settled('m', 1);
  });

  test('that never settles is stopped and reported', async () => {
    const restless: KindDefinition = {
      spec: machineKind,
      controller: {
        observe: async () => undefined,
        plan: () => ({ effects: [1], conditions: [] }),
        perform: async () => {},
      },
    };
    const dais = await startTestKernel(test_, { kinds: [project, restless] });
    running.push(dais);
    const p = await freshProject(dais);
    await machinesOf(dais, p).apply('m', {});
    const listReported = () => dais.log.map((entry) => (entry.fields?.error as Error | undefined)?.message ?? '');
    await expect.poll(listReported, SOON).toContainEqual(expect.stringContaining('100 times without settling'));
    await machinesOf(dais, p).remove('m');
  });
});

test('a resource from before its controller is enqueued when the controller exists', async () => {
  const before = await start({}, { kinds: [project, fleet, part, { spec: machineKind }] });
  const p = await freshProject(before);
  const old = await before.call('machine.create', { manifest: manifest('Machine', 'm', { cells: 2 }) }, p.context);
  expect(old.metadata).not.toHaveProperty('finalizers');
  await before.kernel.stop();
  const dais = await start();
  const machines = machinesOf(dais, p);
  await machines.settled('m', 2);
  await machines.remove('m');
  await expect.poll(() => codeOf(machines.get('m')), SOON).toBe('not_found');
  expect(await test_.asAdmin(`select 1 from workshop.cell where uid = '${old.metadata.uid}'`)).toEqual([]);
});

test('a crash before or after any effect does not change the final status', async () => {
  const cells = 4;
  const points = Array.from({ length: cells }, (_, n) => [`before-${n}`, `after-${n}`]).flat();
  const effects = new Map<string, number>();
  const crashed = new Set<string>();
  const at = (when: string, { metadata: { name } }: Resource) => {
    if (`${when}-${effects.get(name) ?? 0}` !== name || crashed.has(name)) return;
    crashed.add(name);
    throw new Error('crash');
  };
  const dais = await start({
    before: (_effect, resource) => at('before', resource),
    after: (_effect, resource) => {
      at('after', resource);
      effects.set(resource.metadata.name, (effects.get(resource.metadata.name) ?? 0) + 1);
    },
  });
  const p = await freshProject(dais);
  const machines = machinesOf(dais, p);
  const all = (spec: object) =>
    dais.apply(
      points.map((name) => manifest('Machine', name, spec)),
      {},
      p.context,
    );
  await all({ cells });
  for (const name of points) await machines.settled(name, cells);
  const made = await Promise.all(points.map((name) => machines.get(name)));
  expect(made.map(conditionOf)).toEqual(
    points.map(() => expect.objectContaining({ reason: 'Built', observedGeneration: 1 })),
  );
  expect([...crashed].toSorted()).toEqual(points.toSorted());
  // Taking down crashes at the same places.
  effects.clear();
  crashed.clear();
  await Promise.all(points.map((name) => machines.remove(name)));
  for (const name of points) await expect.poll(() => codeOf(machines.get(name)), SOON).toBe('not_found');
  expect([...crashed].toSorted()).toEqual(points.toSorted());
  const left = await test_.asAdmin(
    `select 1 from workshop.cell where uid in (${made.map((one) => `'${one.metadata.uid}'`).join()})`,
  );
  expect(left).toEqual([]);
});

describe('leases', () => {
  test('a worker without its lease writes no more; the other has finished its work', async () => {
    const reached = gate();
    const held = gate();
    // One at a time: it must not claim again what it lost.
    const slow = await start(
      {
        world: tableWorld('slow'),
        before: async (effect) => {
          if (effect.cell !== 2) return;
          reached.resolve();
          await held.promise;
        },
      },
      { concurrency: 1 },
    );
    const p = await freshProject(slow);
    const machines = machinesOf(slow, p);
    await machines.apply('m', { cells: 4 });
    await reached.promise;
    const { uid } = (await machines.get('m')).metadata;
    await test_.asAdmin(`update kernel.reconcile set lease_until = now() - interval '1 second' where uid = '${uid}'`);
    await start({ world: tableWorld('fast') });
    await machines.settled('m', 4);
    const finished = await machines.get('m');
    const builders = async () =>
      (await test_.asAdmin(`select by from workshop.cell where uid = '${uid}' order by n`)).map((cell) => cell['by']);
    expect(await builders()).toEqual(['slow', 'slow', 'fast', 'fast']);
    held.resolve();
    // The write of the stale worker is rejected; it drops this key and continues with others.
    await machines.apply('next', { cells: 1 });
    await machines.settled('next', 1);
    expect(await builders()).toEqual(['slow', 'slow', 'fast', 'fast']);
    expect(await machines.get('m')).toEqual(finished);
  });

  test('a process that lost its lease may claim the work again; the lost pass ends', async () => {
    const reached = gate();
    const held = gate();
    let waits = 1;
    const dais = await start({
      before: async (effect) => {
        if (effect.cell !== 1 || waits-- <= 0) return;
        reached.resolve();
        await held.promise;
      },
    });
    const p = await freshProject(dais);
    const machines = machinesOf(dais, p);
    await machines.apply('m', { cells: 3 });
    await reached.promise;
    const { uid } = (await machines.get('m')).metadata;
    await test_.asAdmin(`update kernel.reconcile set lease_until = now() - interval '1 second' where uid = '${uid}'`);
    await machines.settled('m', 3);
    const settled = await machines.get('m');
    held.resolve();
    await dais.kernel.stop();
    expect(await machines.get('m')).toEqual(settled);
    expect(dais.log.filter((entry) => entry.level !== 'info')).toEqual([]);
  });

  test('a process that stops releases its work immediately', async () => {
    const reached = gate();
    const one = await start({
      before: async (effect) => {
        if (effect.cell === 1) reached.resolve();
        await delay(20);
      },
    });
    const p = await freshProject(one);
    const machines = machinesOf(one, p);
    await machines.apply('m', { cells: 200 });
    await reached.promise;
    await one.kernel.stop();
    const { uid } = (await machines.get('m')).metadata;
    expect(await queueRow(uid)).toMatchObject({ free: true, due: true, attempts: 0 });
    expect(one.log.filter((entry) => entry.level === 'warn' || entry.level === 'error')).toEqual([]);
    const two = await start();
    await machinesOf(two, p).settled('m', 200);
  });

  test('one worker for each resource, over all processes, with any number of wakes', async () => {
    const busy = new Map<string, number>();
    let most = 0;
    const watching: Partial<MachineBackend> = {
      before: async (_effect, { metadata: { uid } }) => {
        busy.set(uid, (busy.get(uid) ?? 0) + 1);
        most = Math.max(most, busy.get(uid)!);
        await delay(1);
      },
      after: (_effect, { metadata: { uid } }) => void busy.set(uid, busy.get(uid)! - 1),
    };
    const [one, two] = [await start(watching), await start(watching)];
    const p = await freshProject(one);
    const names = ['a', 'b', 'c'];
    for (let size = 0; size < 10; size++) {
      await Promise.all(
        names.map((name, index) => machinesOf(index % 2 === 0 ? one : two, p).apply(name, { cells: (size * 3) % 7 })),
      );
    }
    for (const name of names) await machinesOf(one, p).settled(name, 27 % 7);
    expect(most).toBe(1);
  });

  test('late results of a pass without its lease do not undo the wait of its successor', async () => {
    const dais = await start({}, { start: 'none' });
    await test_.asAdmin(`delete from kernel.resource where kind = 'Machine'`);
    const p = await freshProject(dais);
    await machinesOf(dais, p).apply('m', {});
    const claim = async (holder: string): Promise<Claim> => {
      const [claimed] = await dais.write((tx) => claimDue(tx.sql, ['Machine'], holder, 60_000, 1));
      return claimed!;
    };
    const rest = { afterMs: null, attempts: 0, error: null };
    const first = await claim('one');
    await test_.asAdmin(`update kernel.reconcile set lease_until = now() - interval '1 second'`);
    const second = await claim('two');
    expect(second).toEqual({ ...first, epoch: first.epoch + 1n });
    await dais.write((tx) => finishClaim(tx.sql, second, { ...rest, wakeOn: ['Part/x'] }));
    await dais.write((tx) => finishClaim(tx.sql, first, { ...rest, wakeOn: ['Part/y'] }));
    expect(await test_.asAdmin(`select topic from kernel.watch where uid = '${first.uid}'`)).toEqual([
      { topic: 'Part/x' },
    ]);
  });
});

test('people and controllers that write the same resources do not lock each other up', async () => {
  const dais = await start();
  const p = await freshProject(dais);
  const machines = machinesOf(dais, p);
  await p.create('a');
  const deadlocks = async () =>
    Number((await test_.asAdmin('select sum(deadlocks)::int as n from pg_stat_database'))[0]!['n']);
  const before = await deadlocks();
  const names = Array.from({ length: 12 }, (_, n) => `m${n}`);
  for (let round = 1; round <= 6; round++) {
    await Promise.all([
      ...names.map((name) => machines.apply(name, { cells: round % 5, part: 'a' })),
      p.update('a', { size: round }),
    ]);
  }
  for (const name of names) await machines.settled(name, 6 % 5);
  // The statistics are written with a delay of up to a second.
  await delay(1100);
  expect((await deadlocks()) - before).toBe(0);
});
