import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import { JobFailed, type JobHandler } from './job-runner.ts';
import { cancelJob, claimJobs, endJob, heartbeatJob, holdJob, insertJobs, type JobClaim, type NewJob } from './jobs.ts';
import { gate, openGates } from './testing/gates.ts';
import {
  startKernelDatabase,
  startTestKernel,
  type TestKernel,
  type TestKernelOptions,
} from './testing/test-kernel.ts';

let test_: TestDatabase;
let quiet: TestKernel;
let running: TestKernel[] = [];
let queue = '';

beforeAll(async () => {
  test_ = await startKernelDatabase();
  quiet = await startTestKernel(test_, { start: 'none' });
});
beforeEach(() => {
  queue = `q-${randomUUID()}`;
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
const [PROJECT_A, PROJECT_B, PROJECT_C] = ['a', 'b', 'c'].map(
  (letter) => `${letter.repeat(8)}-0000-7000-8000-000000000000`,
) as [string, string, string];

const enqueue = (...jobs: Partial<NewJob>[]) =>
  quiet.write(async (tx) =>
    insertJobs(
      tx.sql,
      jobs.map((job) => ({ queue, projectId: PROJECT_A, payload: {}, maxAttempts: 3, ...job })),
    ),
  );
const claim = (limit: number, options: { perProject?: number; holder?: string; leaseMs?: number } = {}) =>
  quiet.write((tx) =>
    claimJobs(tx.sql, queue, options.holder ?? 'test', {
      leaseMs: options.leaseMs ?? 60_000,
      limit,
      perProject: options.perProject ?? 100,
    }),
  );
const names = (claims: readonly JobClaim[]) => claims.map((one) => one.payload['name'] as string);
const end = (job: JobClaim) => quiet.write((tx) => endJob(tx.sql, job, { state: 'succeeded' }));
const rows = () =>
  test_.asAdmin(
    `select payload ->> 'name' as name, state, attempts, last_error as error, result, progress,
       extract(epoch from run_at - clock_timestamp())::float8 as "dueIn"
     from kernel.job where queue = '${queue}' order by payload ->> 'name', id`,
  );

/** A handler of this test's queue that counts its ends in the database, as part of them. */
function handler(run: JobHandler['run'], options: Partial<JobHandler> = {}): JobHandler {
  return {
    queue,
    concurrency: 4,
    perProject: 100,
    retry: { baseMs: 200, capMs: 1000 },
    run,
    ended: async (tx, job, { state }) => {
      await tx.sql.query('insert into workshop.cell (uid, n, by) values ($1, 1, $2)', [job.id, state]);
    },
    ...options,
  };
}

/** How each job of the queue ended, as its handler's `ended` saw it. */
const ends = async () =>
  (
    await test_.asAdmin(`select c.by from workshop.cell c join kernel.job j on j.id = c.uid where j.queue = '${queue}'`)
  ).map((one) => one['by']);

async function serve(run: JobHandler['run'], options: Partial<JobHandler> = {}, kernel: TestKernelOptions = {}) {
  const dais = await startTestKernel(test_, { jobs: [handler(run, options)], ...kernel });
  running.push(dais);
  return dais;
}

describe('which job is next', () => {
  test('the oldest of the highest priority', async () => {
    await enqueue(
      { payload: { name: 'first' } },
      { payload: { name: 'second' } },
      { payload: { name: 'urgent' }, priority: 5 },
      { payload: { name: 'never mind' }, priority: -1 },
    );
    const order: unknown[] = [];
    for (let n = 0; n < 4; n++) order.push(...names(await claim(1)));
    expect(order).toEqual(['urgent', 'first', 'second', 'never mind']);
    expect(await claim(1)).toEqual([]);
  });

  test('fairly over projects: many jobs of one do not keep the others waiting', async () => {
    await enqueue(...Array.from({ length: 50 }, (_, n) => ({ payload: { name: `a${n}` } })));
    await enqueue({ projectId: PROJECT_B, payload: { name: 'b0' } }, { projectId: PROJECT_B, payload: { name: 'b1' } });
    await enqueue({ projectId: PROJECT_C, payload: { name: 'c0' } });
    expect(names(await claim(4)).toSorted()).toEqual(['a0', 'a1', 'b0', 'c0']);
    // Running jobs count too: b's second comes before a's third.
    expect(names(await claim(1))).toEqual(['b1']);
  });

  test('a higher priority precedes fairness', async () => {
    await enqueue(...['a0', 'a1', 'a2'].map((name) => ({ payload: { name }, priority: 1 })));
    await enqueue({ projectId: PROJECT_B, payload: { name: 'b0' } });
    expect(names(await claim(3)).toSorted()).toEqual(['a0', 'a1', 'a2']);
  });

  test('at most the limit of one project runs concurrently, over all processes', async () => {
    await enqueue(...Array.from({ length: 10 }, (_, n) => ({ payload: { name: `a${n}` } })));
    const claims = await Promise.all(Array.from({ length: 6 }, (_, n) => claim(2, { perProject: 3, holder: `h${n}` })));
    expect(claims.flat()).toHaveLength(3);
    await end(claims.flat()[0]!);
    expect(await claim(5, { perProject: 3 })).toHaveLength(1);
  });

  test('each job once, however many claim', async () => {
    await enqueue(...Array.from({ length: 40 }, (_, n) => ({ payload: { name: `a${n}` } })));
    const claims = await Promise.all(Array.from({ length: 8 }, (_, n) => claim(10, { holder: `h${n}` })));
    const claimed = names(claims.flat());
    expect(new Set(claimed).size).toBe(claimed.length);
    const rest = names(await claim(100));
    expect([...claimed, ...rest]).toHaveLength(40);
  });

  test('not before its time', async () => {
    await enqueue({ payload: { name: 'later' }, delayMs: 3_600_000 }, { payload: { name: 'soon' }, delayMs: 30 });
    await expect.poll(async () => names(await claim(5)), SOON).toEqual(['soon']);
    expect(await claim(5)).toEqual([]);
  });

  test('one whose worker lost its lease, under a new epoch', async () => {
    await enqueue({ payload: { name: 'x' } });
    const [first] = await claim(1, { leaseMs: 1 });
    await expect.poll(() => claim(1), SOON).toMatchObject([{ id: first!.id, attempt: 2, epoch: first!.epoch + 1n }]);
    const late = await quiet.write(async (tx) => [
      await holdJob(tx.sql, first!),
      await heartbeatJob(tx.sql, first!, 1000, { n: 1 }),
    ]);
    expect(late).toEqual([false, 'lost']);
    await end(first!);
    expect(await rows()).toMatchObject([{ state: 'running', attempts: 2 }]);
  });
});

describe('unique keys', () => {
  test('one job of a key waits or runs; when it has ended there may be another', async () => {
    for (let n = 0; n < 3; n++) await enqueue({ uniqueKey: 'k', payload: { name: `${n}` } });
    await Promise.all(Array.from({ length: 5 }, () => enqueue({ uniqueKey: 'k' })));
    expect(await rows()).toMatchObject([{ name: '0' }]);
    const [job] = await claim(1);
    await enqueue({ uniqueKey: 'k' });
    expect(await rows()).toHaveLength(1);
    await end(job!);
    await enqueue({ uniqueKey: 'k', payload: { name: 'again' } }, { uniqueKey: 'other' });
    expect(await rows()).toMatchObject([{ state: 'succeeded' }, { name: 'again' }, { state: 'pending' }]);
  });

  test('the same id twice is one job', async () => {
    const id = randomUUID();
    await enqueue({ id });
    await enqueue({ id });
    expect(await rows()).toHaveLength(1);
  });
});

describe('a job', () => {
  test('is run, and ends once, with its result', async () => {
    await enqueue({ payload: { name: 'x', n: 20 } });
    await serve(async (job) => ({ twice: (job.payload['n'] as number) * 2 }));
    await expect
      .poll(rows, SOON)
      .toMatchObject([{ state: 'succeeded', result: { twice: 40 }, attempts: 1, error: null }]);
    expect(await ends()).toEqual(['succeeded']);
  });

  test('exists only if the transaction that queued it commits', async () => {
    const work = quiet.write(async (tx) => {
      tx.enqueue({ queue, projectId: PROJECT_A, payload: {}, maxAttempts: 1 });
      throw new Error('changed my mind');
    });
    await expect(work).rejects.toThrow('changed my mind');
    expect(await rows()).toEqual([]);
  });

  test('that fails is retried with growing delays, then fails permanently', async () => {
    await enqueue({ maxAttempts: 3 });
    const waits: number[] = [];
    await serve(
      async () => {
        throw new Error('no luck');
      },
      {},
      { random: () => 1 },
    );
    await expect
      .poll(async () => {
        const [row] = await rows();
        if (row!['state'] === 'pending' && row!['attempts'] === 2) waits.push(row!['dueIn'] as number);
        return [row!['state'], row!['attempts'], row!['error']];
      }, SOON)
      .toEqual(['failed', 3, 'no luck']);
    // 200 ms doubled once: no longer than that away, ever.
    expect(Math.max(0, ...waits)).toBeLessThanOrEqual(0.4);
    expect(await ends()).toEqual(['failed']);
  });

  test('that fails permanently ends immediately, or is retried at the requested time', async () => {
    await enqueue({ payload: { name: 'final' } }, { payload: { name: 'patient' } });
    await serve(async (job) => {
      throw job.payload['name'] === 'final' ? new JobFailed('never') : new JobFailed('not yet', 3_600_000);
    });
    await expect.poll(rows, SOON).toMatchObject([
      { state: 'failed', attempts: 1, error: 'never' },
      { state: 'pending', attempts: 1, error: 'not yet' },
    ]);
    expect((await rows())[1]!['dueIn']).toBeGreaterThan(3000);
    expect(await ends()).toEqual(['failed']);
  });

  test('whose workers end abnormally each time is not retried forever', async () => {
    await enqueue({ maxAttempts: 2 });
    for (let n = 0; n < 2; n++) {
      await claim(1, { leaseMs: 60_000 });
      await test_.asAdmin(`update kernel.job set lease_until = now() - interval '1 second' where queue = '${queue}'`);
    }
    let ran = false;
    await serve(async () => {
      ran = true;
    });
    await expect.poll(rows, SOON).toMatchObject([{ state: 'failed', error: 'every attempt ended without a result' }]);
    expect([ran, await ends()]).toEqual([false, ['failed']]);
  });

  test('writes only while it has its claim; it ends once even if two workers did it', async () => {
    await enqueue({ payload: { name: 'x' } });
    const started = gate();
    const held = gate();
    const refused: string[] = [];
    // One job at a time: it must not take again itself what it lost.
    await serve(
      async (_job, io) => {
        started.resolve();
        await held.promise;
        await io
          .write(async () => {})
          .catch((error: Error) => {
            refused.push(error.name);
            throw error;
          });
      },
      { concurrency: 1 },
    );
    await started.promise;
    await test_.asAdmin(`update kernel.job set lease_until = now() - interval '1 second' where queue = '${queue}'`);
    await serve(async () => 'second');
    await expect.poll(rows, SOON).toMatchObject([{ state: 'succeeded', attempts: 2, result: 'second' }]);
    held.resolve();
    await expect.poll(() => refused, SOON).toEqual(['LeaseLost']);
    expect(await ends()).toEqual(['succeeded']);
  });

  test('that its own process claims after a pause past the lease restarts; the first run is stopped', async () => {
    await enqueue({ payload: { name: 'x' } });
    const started = gate();
    const held = gate();
    let runs = 0;
    let stopped: unknown;
    await serve(async (_job, io) => {
      if (++runs > 1) return 'second run';
      started.resolve();
      await held.promise;
      stopped = io.signal.reason;
      return 'first run';
    });
    await started.promise;
    await test_.asAdmin(`update kernel.job set lease_until = now() - interval '1 second' where queue = '${queue}'`);
    await expect.poll(rows, SOON).toMatchObject([{ state: 'succeeded', attempts: 2, result: 'second run' }]);
    held.resolve();
    await expect.poll(() => (stopped as Error | undefined)?.name, SOON).toBe('LeaseLost');
    expect([await rows(), await ends()]).toMatchObject([[{ result: 'second run' }], ['succeeded']]);
  });

  test('that runs long extends its claim and reports its progress', async () => {
    await enqueue({});
    const held = gate();
    await serve(
      async (_job, io) => {
        io.progress({ done: 7 });
        await held.promise;
      },
      {},
      { leaseMs: 150 },
    );
    await expect.poll(rows, SOON).toMatchObject([{ state: 'running', progress: { done: 7 }, attempts: 1 }]);
    await expect
      .poll(
        () =>
          test_.asAdmin(
            `select 1 from kernel.job where queue = '${queue}' and lease_until > created_at + interval '400 ms'`,
          ),
        SOON,
      )
      .toHaveLength(1);
    held.resolve();
    await expect.poll(rows, SOON).toMatchObject([{ state: 'succeeded', attempts: 1 }]);
  });

  test('stops with its process without losing an attempt, and is claimed by the next immediately', async () => {
    await enqueue({ maxAttempts: 1 });
    const started = gate();
    const first = await serve(async (_job, io) => {
      started.resolve();
      await new Promise((_, reject) => {
        io.signal.addEventListener('abort', () => reject(new Error('requested to stop')));
      });
    });
    await started.promise;
    await first.kernel.stop();
    expect(await rows()).toMatchObject([{ state: 'pending', attempts: 0 }]);
    await serve(async () => 'done by the next');
    await expect.poll(rows, SOON).toMatchObject([{ state: 'succeeded', result: 'done by the next', attempts: 1 }]);
  });

  test('runs concurrently with others, up to the limit of its handler', async () => {
    await enqueue(...Array.from({ length: 12 }, () => ({})));
    let now = 0;
    let most = 0;
    const full = gate();
    await serve(
      async () => {
        most = Math.max(most, ++now);
        if (now === 3) full.resolve();
        await full.promise;
        now--;
      },
      { concurrency: 3 },
    );
    await expect.poll(async () => (await rows()).every((row) => row['state'] === 'succeeded'), SOON).toBe(true);
    expect(most).toBe(3);
  });
});

describe('canceling', () => {
  const idOf = async () =>
    (await test_.asAdmin(`select id from kernel.job where queue = '${queue}'`))[0]!['id'] as string;
  const cancel = async () => {
    const id = await idOf();
    return await quiet.write((tx) => cancelJob(tx.sql, id));
  };

  test('a pending job ends without a run, and its follow-up is executed', async () => {
    await enqueue({ delayMs: 3_600_000 });
    expect(await cancel()).toBe(true);
    let ran = false;
    await serve(async () => {
      ran = true;
    });
    await expect.poll(rows, SOON).toMatchObject([{ state: 'canceled' }]);
    expect([ran, await ends(), await cancel()]).toEqual([false, ['canceled'], false]);
  });

  test('a running one is requested to stop', async () => {
    await enqueue({});
    const started = gate();
    await serve(
      async (_job, io) => {
        started.resolve();
        await new Promise((_, reject) => {
          io.signal.addEventListener('abort', () => reject(new Error('stopped half way')));
        });
      },
      {},
      { leaseMs: 150 },
    );
    await started.promise;
    expect(await cancel()).toBe(true);
    await expect.poll(rows, SOON).toMatchObject([{ state: 'canceled', error: 'canceled', attempts: 1 }]);
    expect(await ends()).toEqual(['canceled']);
  });

  test('one that ignores the cancellation is done', async () => {
    await enqueue({});
    const started = gate();
    const held = gate();
    await serve(async () => {
      started.resolve();
      await held.promise;
      return 'anyway';
    });
    await started.promise;
    await cancel();
    held.resolve();
    await expect.poll(rows, SOON).toMatchObject([{ state: 'succeeded', result: 'anyway' }]);
    expect(await ends()).toEqual(['succeeded']);
  });
});

test('health reports the numbers of waiting and running jobs', async () => {
  await enqueue({}, { delayMs: 3_600_000 }, { delayMs: 3_600_000 });
  const [job] = await claim(1);
  const counts = (await quiet.kernel.health()).jobs.filter((one) => one.queue === queue);
  expect(counts.toSorted((a, b) => a.n - b.n)).toEqual([
    { queue, state: 'running', n: 1 },
    { queue, state: 'pending', n: 2 },
  ]);
  await end(job!);
});
