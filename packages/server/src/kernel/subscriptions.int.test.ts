import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import type { Subscriber } from './subscriptions.ts';
import {
  manifest,
  startKernelDatabase,
  startTestKernel,
  type TestKernel,
  type TestKernelOptions,
} from './testing/test-kernel.ts';
import { freshProject } from './testing/test-project.ts';

let test_: TestDatabase;
let running: TestKernel[] = [];

beforeAll(async () => {
  test_ = await startKernelDatabase();
});
afterEach(async () => {
  await Promise.all(running.map((dais) => dais.stop()));
  running = [];
});
afterAll(async () => {
  await test_.stop();
});

const SOON = { timeout: 60_000, interval: 10 };

/** Counts each event of Parts in the database, in the transaction that moves its place. */
const counter = (name: string, report: () => void = () => {}): Subscriber => ({
  name,
  handle: async (tx, events) => {
    for (const event of events) {
      if (event.subject?.kind !== 'Part') continue;
      await tx.sql.query(
        `insert into workshop.cell as c (uid, n, by) values ($1, $2, '1')
         on conflict (uid, n) do update set by = (c.by::int + 1)::text`,
        [event.subject.uid, name.length],
      );
      report();
    }
  },
});

async function start(subscribers: readonly Subscriber[], options: TestKernelOptions = {}): Promise<TestKernel> {
  const dais = await startTestKernel(test_, { subscribers, ...options });
  running.push(dais);
  return dais;
}

const placed = async (name: string) =>
  (await test_.asAdmin(`select 1 from kernel.subscription where name = '${name}'`)).length === 1;

/** How often the events of a project's Parts were counted, all together, by a subscriber. */
async function counted(project: string, name: string): Promise<number> {
  const [row] = await test_.asAdmin(
    `select coalesce(sum(c.by::int), 0)::int as n from workshop.cell c where c.n = ${name.length} and c.uid in
       (select subject_uid from kernel.event e join kernel.tenant t on t.id = e.project_id where t.name = '${project}')`,
  );
  return row!['n'] as number;
}

test('every event counts once, for each subscriber, over several processes', async () => {
  const names = ['one', 'second'];
  const kernels = await Promise.all([1, 2].map(() => start(names.map((name) => counter(name)))));
  await expect.poll(async () => (await Promise.all(names.map(placed))).every(Boolean), SOON).toBe(true);
  const p = await freshProject(kernels[0]!);
  await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      kernels[n % 2]!.call('part.create', { manifest: manifest('Part', `n${n}`) }, p.context),
    ),
  );
  for (const name of names) await expect.poll(() => counted(p.name, name), SOON).toBe(40);
});

test('one that fails halfway commits no part of the batch, and all of it after a retry', async () => {
  const name = 'stumbling';
  let problems = 5;
  const dais = await start([
    counter(name, () => {
      if (problems-- > 0) throw new Error('stumbled');
    }),
  ]);
  await expect.poll(() => placed(name), SOON).toBe(true);
  const p = await freshProject(dais);
  await p.apply(Array.from({ length: 30 }, (_, n) => manifest('Part', `n${n}`)));
  await expect.poll(() => counted(p.name, name), SOON).toBe(30);
  expect(problems).toBeLessThanOrEqual(0);
});

test('another process continues where one stopped; no event is lost', async () => {
  const name = 'handed-over';
  const first = await start([counter(name)]);
  await expect.poll(() => placed(name), SOON).toBe(true);
  const p = await freshProject(first);
  await p.create('a');
  await expect.poll(() => counted(p.name, name), SOON).toBe(1);
  await first.kernel.stop();
  await p.create('b');
  await p.update('a', { size: 5 });
  await start([counter(name)]);
  await expect.poll(() => counted(p.name, name), SOON).toBe(3);
});

test('a new subscriber starts at the present', async () => {
  const dais = await start([]);
  const p = await freshProject(dais);
  await p.create('past');
  await expect.poll(async () => (await dais.kernel.health()).unsequenced, SOON).toBe(0);
  await start([counter('newcomer')]);
  await expect.poll(() => placed('newcomer'), SOON).toBe(true);
  await p.create('present');
  await expect.poll(() => counted(p.name, 'newcomer'), SOON).toBe(1);
});

test('one that starts in the past gets every stored event, in batches of its own size', async () => {
  const dais = await start([]);
  const p = await freshProject(dais);
  for (const name of ['a', 'b', 'c', 'd', 'e']) await p.create(name);
  await expect.poll(async () => (await dais.kernel.health()).unsequenced, SOON).toBe(0);
  const sizes: number[] = [];
  const whole = counter('whole-past');
  await start([
    {
      ...whole,
      fromStart: true,
      batch: 2,
      handle: async (tx, events) => {
        sizes.push(events.length);
        await whole.handle(tx, events);
      },
    },
  ]);
  await expect.poll(() => counted(p.name, 'whole-past'), SOON).toBe(5);
  expect(Math.max(...sizes)).toBe(2);
});

test('events and jobs of a subscriber commit with its position', async () => {
  const seen: string[] = [];
  const chained: Subscriber = {
    name: 'chained',
    handle: async (tx, events) => {
      for (const event of events) {
        if (event.subject?.kind !== 'Part' || event.type !== 'resource.created') continue;
        tx.enqueue({
          queue: 'chain',
          projectId: event.projectId,
          payload: { name: event.subject.name },
          maxAttempts: 1,
        });
      }
    },
  };
  const dais = await start([chained], {
    jobs: [
      {
        queue: 'chain',
        concurrency: 2,
        perProject: 2,
        retry: { baseMs: 1, capMs: 1 },
        run: async (job) => void seen.push(job.payload['name'] as string),
      },
    ],
  });
  await expect.poll(() => placed('chained'), SOON).toBe(true);
  const p = await freshProject(dais);
  await Promise.all(['a', 'b', 'c'].map((name) => p.create(name)));
  await expect.poll(() => seen.toSorted(), SOON).toEqual(['a', 'b', 'c']);
});

test('one with a filter gets all events of its types and no others, however many are between', async () => {
  const name = 'choosing';
  const seen: string[] = [];
  const choosing: Subscriber = {
    name,
    batch: 2,
    types: ['resource.deleted'],
    handle: async (tx, events) => {
      seen.push(...events.map(({ type }) => type));
      await counter(name).handle(tx, events);
    },
  };
  const dais = await start([choosing]);
  await expect.poll(() => placed(name), SOON).toBe(true);
  const p = await freshProject(dais);
  const [tenant] = await test_.asAdmin(`select id from kernel.tenant where name = '${p.name}'`);
  // More than one pass reads.
  await test_.asAdmin(
    `insert into kernel.event (type, v, project_id, data, actor)
     select 'resource.updated', 1, '${tenant!['id'] as string}', '{}', '{"type":"system","id":"dais"}' from generate_series(1, 45000)`,
  );
  for (const part of ['a', 'b', 'c']) {
    await p.create(part);
    await p.remove(part);
  }
  await expect.poll(() => counted(p.name, name), { timeout: 60_000, interval: 100 }).toBe(3);
  expect(new Set(seen)).toEqual(new Set(['resource.deleted']));
  const behind = async () =>
    await test_.asAdmin(
      `select 1 from kernel.subscription s, kernel.cursor c where s.name = '${name}' and s.seq < c.seq`,
    );
  await expect.poll(behind, SOON).toEqual([]);
});
