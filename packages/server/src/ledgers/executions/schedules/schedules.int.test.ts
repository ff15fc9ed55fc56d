import { randomUUID } from 'node:crypto';
import { eventTypes, type EventType } from '@dais/api';
import type { Execution, Fire, Recurrence } from '@dais/api/executions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, manifest, startTestKernel } from '#kernel/testing/test-kernel.ts';
import { errorOf, freshName } from '#kernel/testing/test-project.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { pipeline as pipelineKind } from '#kinds/pipeline/index.ts';
import { project } from '#kinds/project/index.ts';
import { schedule as scheduleKind } from '#kinds/schedule/index.ts';
import { linesUntilKilled } from '#lib/system/killed-worker.testing.ts';
import { isLongRun } from '#testing/long-run.ts';
import { startExecutionsWorld, type ExecutionsWorld, type Page } from '../testing/executions-world.ts';
import { executionRetention } from '../runs/removal.ts';
import { triggers } from './triggers.ts';

let world: ExecutionsWorld;

beforeAll(async () => {
  world = await startExecutionsWorld();
  // Two processes: each time is answered by one of them.
  await world.worker();
  await world.worker({ place: () => 'another machine' });
});
afterAll(async () => {
  await world.stop();
});

const PATIENCE = { timeout: 60_000, interval: 50 };
const NEVER = { type: 'cron', cron: '0 0 30 2 *' } as const;

async function pipeline(run = 'true', parameters = {}): Promise<string> {
  const name = freshName();
  const inputs = Object.fromEntries(Object.keys(parameters).map((one) => [one, { parameter: one }]));
  await world.dais.apply([
    manifest('Pipeline', name, { parameters, steps: { main: { run, inputs, isolation: 'none' } } }),
  ]);
  return name;
}

async function schedule(spec: object): Promise<string> {
  const name = freshName();
  await world.dais.apply([manifest('Schedule', name, spec)]);
  return (await world.dais.call('schedule.get', { name })).metadata.uid;
}

const recurrence = async (id: string) => await world.dais.call<Recurrence>('recurrence.get', { id });
const fires = async (id: string) =>
  (await world.dais.call<Page<Fire>>('recurrence.fires', { id, limit: 1000 })).items.toReversed();
const states = async (id: string) => (await fires(id)).map(({ state }) => state);
const isEnded = async (run: string | undefined) =>
  (await world.dais.call<Execution>('execution.get', { id: run ?? '' })).endedAt !== undefined;

describe('a schedule', () => {
  test('starts a run at each of its times, once', async () => {
    const of = await pipeline('echo "$DAIS_INPUT_AT"', { at: {} });
    const id = await schedule({
      pipeline: of,
      when: { type: 'interval', seconds: 1 },
      parameters: { at: 'for ${time}' },
      overlap: 'allow',
    });
    await expect
      .poll(async () => (await states(id)).filter((state) => state === 'started').length, PATIENCE)
      .toBeGreaterThan(2);
    const [first, second] = await fires(id);
    expect(((second?.at ?? 0) - (first?.at ?? 1)) % 1000).toBe(0);
    const run = await world.ended({ id: first?.run ?? '' });
    expect(run).toMatchObject({ state: 'succeeded', schedule: id, submittedBy: 'system:dais' });
    expect(await world.log(run)).toBe(`for ${new Date(first?.at ?? 0).toISOString()}\n`);
    const { items } = await world.dais.call<Page<Recurrence>>('recurrence.list', { name: (await recurrence(id)).name });
    expect(items).toMatchObject([{ id, enabled: true, when: { type: 'interval', seconds: 1 } }]);
  });

  test('catches up on missed times if configured', async () => {
    const of = await pipeline();
    const startAt = new Date(Math.floor(Date.now() / 3_600_000 - 5) * 3_600_000).toISOString();
    const when = { type: 'cron', cron: '0 * * * *' };
    const made = await schedule({ pipeline: of, when, startAt, catchUp: true, mostAtOnce: 2 });
    await expect.poll(async () => (await states(made)).join(' '), PATIENCE).toMatch(/^started( started){5}/);
    const latest = await schedule({ pipeline: of, when, startAt });
    expect(await states(latest)).toEqual([]);
    const { nextAt } = await recurrence(latest);
    const { times } = await world.dais.call<{ times: number[] }>('recurrence.times', { id: latest, count: 2 });
    expect(times).toEqual([nextAt, (nextAt ?? 0) + 3_600_000]);
  });

  test('starts no run while it is suspended, or after its deletion', async () => {
    const of = await pipeline();
    const [name, when] = [freshName(), { type: 'interval', seconds: 1 }];
    await world.dais.apply([manifest('Schedule', name, { pipeline: of, when, suspended: true })]);
    const id = (await world.dais.call('schedule.get', { name })).metadata.uid;
    expect(await recurrence(id)).toMatchObject({ enabled: false });
    await world.dais.apply([manifest('Schedule', name, { pipeline: of, when })]);
    await expect.poll(async () => (await states(id)).length, PATIENCE).toBeGreaterThan(0);
    expect(await codeOf(world.dais.call('recurrence.delete', { id }))).toBe('other_origin');
    expect(await codeOf(world.dais.call('pipeline.delete', { name: of }))).toBe('still_referenced');
    await world.dais.call('schedule.delete', { name });
    expect(await codeOf(recurrence(id))).toBe('not_found');
  });

  test('and its pipeline can be created in one apply, in any order', async () => {
    const [of, name] = [freshName(), freshName()];
    await world.dais.apply([
      manifest('Schedule', name, { pipeline: of, when: NEVER, version: '1' }),
      manifest('Pipeline', of, { steps: { main: { run: 'true' } } }),
    ]);
    const { uid } = (await world.dais.call('schedule.get', { name })).metadata;
    expect((await recurrence(uid)).pipelineVersion).toBeDefined();
    const late = manifest('Schedule', freshName(), { pipeline: of, when: NEVER, version: '7' });
    expect((await errorOf(world.dais.apply([late]))).message).toContain('has no version "7"');
  });

  test('reports errors of its fields', async () => {
    const wrong = {
      pipeline: 'x',
      when: { type: 'cron', cron: '0 25 * * *', zone: 'Mars/Base' },
      startAt: '2026-01-02T00:00:00Z',
      endAt: '2026-01-01T00:00:00Z',
    };
    const { issues } = await errorOf(world.dais.apply([manifest('Schedule', freshName(), wrong)]));
    expect(issues?.map(({ path }) => path)).toEqual(['spec.when.cron', 'spec.when.zone', 'spec.endAt']);
    const self = { pipeline: 'x', when: { type: 'pipeline', pipeline: 'x' } };
    expect((await errorOf(world.dais.apply([manifest('Schedule', freshName(), self)]))).issues?.[0]?.path).toBe(
      'spec.when.pipeline',
    );
  });

  test('whose pipeline cannot run records the error, and continues', async () => {
    const of = await pipeline('true', { must: { type: 'number' } });
    const id = await schedule({ pipeline: of, when: { type: 'interval', seconds: 1 } });
    await expect.poll(async () => (await fires(id)).length, PATIENCE).toBeGreaterThan(1);
    expect((await fires(id))[0]).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('parameters.must has no default'),
    });
  });
});

describe('while a run of the schedule is in progress', () => {
  const SLOW = 'exec sleep 300';
  async function beside(overlap: string) {
    const of = await pipeline(SLOW);
    const id = await schedule({ pipeline: of, when: { type: 'interval', seconds: 1 }, overlap });
    await expect.poll(async () => (await fires(id)).length, PATIENCE).toBeGreaterThan(2);
    const found = await fires(id);
    const { name } = await recurrence(id);
    await world.dais.call('schedule.delete', { name });
    const runs = found.flatMap(({ run }) => run ?? []);
    const went = await Promise.all(
      runs.map(async (run) => await world.dais.call<Execution>('execution.get', { id: run })),
    );
    for (const run of runs) await world.dais.call('execution.cancel', { id: run });
    for (const run of runs) await expect.poll(async () => await isEnded(run), PATIENCE).toBe(true);
    return {
      states: found.map(({ state }) => state),
      cancelRequests: went.map(({ cancelRequested }) => cancelRequested),
    };
  }

  test('the next run waits', async () => {
    expect((await beside('wait')).states.slice(0, 3)).toEqual(['started', 'pending', 'pending']);
  });

  test('the next run is skipped', async () => {
    expect((await beside('forbid')).states.slice(0, 2)).toEqual(['started', 'skipped']);
  });

  test('the next run replaces it', async () => {
    const { states: all, cancelRequests } = await beside('replace');
    expect(all.slice(0, 2)).toEqual(['started', 'started']);
    expect(cancelRequests.slice(0, 2)).toEqual([true, all.length > 2]);
  });
});

describe('past times', () => {
  test('can be backfilled, each time once, one after another', async () => {
    const of = await pipeline('echo "$DAIS_INPUT_DAY"', { day: {} });
    const id = await schedule({
      pipeline: of,
      when: { type: 'cron', cron: '0 0 * * *' },
      parameters: { day: '${date}' },
      overlap: 'forbid',
    });
    const [from, to] = [Date.parse('2026-01-01T00:00:00Z'), Date.parse('2026-01-03T12:00:00Z')];
    const first = await world.dais.call<{ times: number[] }>('recurrence.backfill', { id, from, to });
    expect(first.times.map((time) => new Date(time).toISOString().slice(0, 10))).toEqual([
      '2026-01-01',
      '2026-01-02',
      '2026-01-03',
    ]);
    const again = await world.dais.call<{ times: number[] }>('recurrence.backfill', { id, from, to: to + 86_400_000 });
    expect(again.times).toHaveLength(1);
    await expect.poll(async () => (await states(id)).join(' '), PATIENCE).toBe('started started started started');
    const [one] = await fires(id);
    expect(await world.log(await world.ended({ id: one?.run ?? '' }))).toBe('2026-01-01\n');
    const long = { id, from: 0, to: Date.now() };
    expect(await codeOf(world.dais.call('recurrence.backfill', long))).toBe('invalid_request');
  });

  test('are deleted by retention', async () => {
    const id = await schedule({ pipeline: await pipeline(), when: { type: 'cron', cron: '0 0 * * *' } });
    const day = Date.parse('2026-01-01T00:00:00Z');
    await world.dais.call('recurrence.backfill', { id, from: day, to: day });
    await expect.poll(async () => (await states(id)).join(' '), PATIENCE).toBe('started');
    await world.db.asAdmin(
      `update executions.fire set created_at = now() - interval '31 days' where schedule = '${id}'`,
    );
    const io = {
      signal: new AbortController().signal,
      write: async <T>(work: (tx: Transaction) => Promise<T>) => await world.dais.write(work),
      read: async <T>(work: (tx: Transaction) => Promise<T>) => await world.dais.write(work),
      progress: () => {},
    };
    expect(await executionRetention(0).run({} as never, io)).toEqual({ runs: 0, fires: 0 });
    expect(await executionRetention(30).run({} as never, io)).toEqual({ runs: 0, fires: 1 });
    expect(await fires(id)).toEqual([]);
  });
});

describe('schedules that clients create without a manifest', () => {
  test('run a pipeline or their own document, and can be changed by clients', async () => {
    const document = { steps: { main: { run: 'echo own', isolation: 'none' } } };
    const input = { name: 'often', format: 'steps', document, when: NEVER, experimentId: '7', about: { mode: 'x' } };
    const made = await world.dais.call<Recurrence>('recurrence.create', input, { origin: 'other' });
    expect(made).toMatchObject({ name: 'often', origin: 'other', enabled: true, createdBy: 'user:owner' });
    const { id } = made;
    expect(await world.dais.call('recurrence.enable', { id, enabled: false })).toMatchObject({ enabled: false });
    expect(await world.dais.call('recurrence.enable', { id, enabled: true })).toMatchObject({ enabled: true });
    const { items } = await world.dais.call<Page<Recurrence>>('recurrence.list', { experimentId: '7' });
    expect(items.map((one) => one.id)).toEqual([id]);
    await world.dais.call('recurrence.delete', { id });
    expect(await codeOf(recurrence(id))).toBe('not_found');
    const wrong = { ...input, document: { steps: { main: {} } } };
    expect(await codeOf(world.dais.call('recurrence.create', wrong))).toBe('invalid_request');
    const { format, document: _, ...neither } = input;
    expect(await codeOf(world.dais.call('recurrence.create', neither))).toBe('invalid_request');
    expect(format).toBe('steps');
  });
});

test('an event starts a run once', async () => {
  const kinds = [project, pipelineKind, scheduleKind];
  const teller = await startTestKernel(world.db, { kinds, subscribers: [triggers], start: 'controller' });
  try {
    const [before, after] = [await pipeline(), await pipeline('echo "$DAIS_INPUT_WHY"', { why: {} })];
    const when = { type: 'pipeline', pipeline: before };
    const id = await schedule({ pipeline: after, when, parameters: { why: '${pipeline} ${state}' } });
    const failing = await schedule({ pipeline: after, when: { ...when, state: 'failed' }, parameters: { why: 'x' } });
    await world.ended(await world.dais.call<Execution>('pipeline.run', { name: before }));
    await expect.poll(async () => (await states(id)).join(' '), PATIENCE).toBe('started');
    const [fire] = await fires(id);
    expect(fire?.cause).toMatch(/^event\/\d+$/);
    expect(await world.log(await world.ended({ id: fire?.run ?? '' }))).toBe(`${before} succeeded\n`);
    expect(await fires(failing)).toEqual([]);

    const [tenant] = await world.db.asAdmin(`select id from kernel.tenant where name = 'default'`);
    const projectId = String(tenant?.['id']);
    const summarize = async (type: EventType, kind: string, name: string, data: Readonly<Record<string, unknown>>) =>
      await world.dais.write(async (tx) => {
        tx.emit({ type, projectId, subject: { kind, name, uid: randomUUID() }, data });
        await tx.sql.query('select 1');
      });
    const main = { run: 'echo "$DAIS_INPUT_WHY"', inputs: { why: { parameter: 'why' } }, isolation: 'none' };
    const document = { parameters: { why: {} }, steps: { main } };
    const answering = async (starting: object) => {
      const input = {
        name: freshName(),
        format: 'steps',
        document,
        when: starting,
        parameters: { why: 'v${version}' },
      };
      return (await world.dais.call<Recurrence>('recurrence.create', input)).id;
    };
    const moved = await answering({ type: 'model', model: 'champion-of-tests', alias: 'live' });
    const other = await answering({ type: 'model', model: 'champion-of-tests', alias: 'shadow' });
    const data = await answering({ type: 'dataset', dataset: 'flights' });
    await summarize(eventTypes.modelAliasSet, 'Model', 'champion-of-tests', {
      alias: 'live',
      version: 3,
      approvals: [],
    });
    const event = (type: string) => ({ ...eventTypes.modelAliasSet, type }) as unknown as EventType;
    const of = { version: 7, id: randomUUID() };
    await summarize(event('dataset.version.created'), 'Dataset', 'flights', { ...of, state: 'building' });
    await summarize(event('dataset.version.created'), 'Dataset', 'trains', { ...of, state: 'ready' });
    await summarize(event('dataset.version.ready'), 'Dataset', 'flights', of);
    await summarize(event('dataset.version.created'), 'Dataset', 'flights', { ...of, version: 8, state: 'ready' });
    await expect.poll(async () => await states(moved), PATIENCE).toEqual(['started']);
    await expect.poll(async () => (await fires(data)).length, PATIENCE).toBe(2);
    expect(await fires(other)).toEqual([]);
    const [made] = await fires(moved);
    expect(await world.log(await world.ended({ id: made?.run ?? '' }))).toBe('v3\n');
  } finally {
    await teller.stop();
  }
});

const KILLS = isLongRun ? 4 : 2;
const MISSED = isLongRun ? 120 : 60;

test('processes that are killed at any time fire each time once', async () => {
  const of = freshName();
  // Never ready: its runs stay as they are.
  const steps = { main: { run: 'true', resources: { cpu: 1_000_000 } } };
  const quiet = await startExecutionsWorld();
  try {
    await quiet.dais.apply([manifest('Pipeline', of, { steps })]);
    const seconds = 10;
    const startAt = new Date(Math.floor(Date.now() / 1000) * 1000 - MISSED * seconds * 1000).toISOString();
    const spec = { pipeline: of, when: { type: 'interval', seconds }, startAt, catchUp: true, overlap: 'allow' };
    await quiet.dais.apply([manifest('Schedule', 'killed', spec)]);
    const id = (await quiet.dais.call('schedule.get', { name: 'killed' })).metadata.uid;
    const module = new URL('ticker-crashes.testing.ts', import.meta.url);
    const count = async (what: string) =>
      Number((await quiet.db.asAdmin(`select count(*)::int as n from ${what}`))[0]?.['n']);
    for (let killAfter = 1; killAfter <= KILLS; killAfter += 1) {
      await linesUntilKilled({ module, name: 'tickUntilKilled', setup: quiet.db.connection, killAfter });
      const started = await count(`executions.fire where state = 'started'`);
      expect(await count('executions.run')).toBe(started);
    }
    await quiet.worker();
    await expect.poll(async () => await count(`executions.fire where state = 'pending'`), PATIENCE).toBe(0);
    await expect.poll(async () => await count('executions.fire'), PATIENCE).toBeGreaterThanOrEqual(MISSED);
    const { items } = await quiet.dais.call<Page<Fire>>('recurrence.fires', { id, limit: 1000 });
    const times = items.map(({ at }) => at).toReversed();
    const first = Date.parse(startAt) + seconds * 1000;
    expect(times).toEqual(times.map((_, index) => first + index * seconds * 1000));
    expect(new Set(items.map(({ run }) => run)).size).toBe(items.length);
  } finally {
    await quiet.stop();
  }
});
