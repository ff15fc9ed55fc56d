/**
 * A whole Dais is killed repeatedly while clients log; each retries a call until there is a response, like users'
 * clients.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { MetricPoint, Run } from '@dais/api/tracking';
import { expect } from 'vitest';
import { controlOf, freePort, isAlive, killTree, startDaisProcess, treeOf } from './dais-process.ts';

export interface TrackingKillReport {
  /** Calls that were answered with success; in the end all that were sent. */
  readonly acknowledged: number;
  /** Calls that were sent again. */
  readonly repeated: number;
  readonly points: number;
  readonly problems: readonly string[];
  readonly exitCode: number | string;
}

const CLIENTS = 16;
const PATIENCE = { timeout: 120_000, interval: 50 };
/** One call in so many causes a chunk, one in so many has decreasing steps. */
const CHUNK_EVERY = 7;
const LATE_EVERY = 5;
const CHUNK_POINTS = 300;

interface Client {
  readonly run: string;
  /** Steps that were acknowledged, by metric. */
  readonly logged: ReadonlyMap<'single' | 'batch', number[]>;
  calls: number;
}

export async function trackingKillRounds(
  folder: string,
  rounds: number,
  random: () => number,
): Promise<TrackingKillReport> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const problems: string[] = [];
  let [acknowledged, repeated] = [0, 0];
  const over = new AbortController();
  const launch = async () => {
    const dais = startDaisProcess({ data: join(folder, 'data'), 'keys.folder': join(folder, 'keys'), port });
    const at = await dais.ready;
    // The next port is used only if this one is occupied: by an orphan of the previous round.
    if (!at.endsWith(`:${port}`)) problems.push(`${at} instead of port ${port}`);
    return dais;
  };
  /** Until it is answered. */
  const send = async <Output>(path: string, body: object, headers: Record<string, string> = {}): Promise<Output> => {
    for (;;) {
      try {
        const response = await fetch(`${url}/api/v1/tracking/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        });
        const answer: unknown = await response.json();
        if (response.ok) {
          acknowledged += 1;
          return answer as Output;
        }
        // While the process shuts down it may respond that it stops or that its database is unavailable; other
        // responses are errors.
        if (response.status !== 503) problems.push(`${path}: ${response.status} ${JSON.stringify(answer)}`);
        if (response.status !== 503) return answer as Output;
      } catch {
        // The server is not running, or the response was lost.
      }
      repeated += 1;
      await delay(20 + random() * 50);
    }
  };
  const begin = async (client: number): Promise<Client> => {
    const key = { 'idempotency-key': `run-of-client-${client}` };
    const { id } = await send<Run>('runs', { experimentId: '0', startedAt: 1 }, key);
    return {
      run: id,
      logged: new Map([
        ['single', []],
        ['batch', []],
      ]),
      calls: 0,
    };
  };
  const log = async (client: Client): Promise<void> => {
    const n = client.calls++;
    const one = n % LATE_EVERY === 0 ? 1_000_000 - n : n;
    const steps = {
      single: [one],
      batch: n % CHUNK_EVERY === 0 ? Array.from({ length: CHUNK_POINTS }, (_, index) => n * CHUNK_POINTS + index) : [],
    };
    const metrics = (['single', 'batch'] as const).flatMap((key) =>
      steps[key].map((step) => ({ key, step, timestamp: step, value: step / 3 })),
    );
    const pairs = [{ key: `p${n % 50}`, value: `${n % 50}` }];
    await send(`runs/${client.run}/log`, { metrics, params: pairs, tags: pairs });
    for (const key of ['single', 'batch'] as const) client.logged.get(key)?.push(...steps[key]);
  };

  const clients: Client[] = [];
  const working = Array.from({ length: CLIENTS }, async (_, index) => {
    const client = await begin(index);
    clients.push(client);
    while (!over.signal.aborted) await log(client);
    await send(`runs/${client.run}`, { status: 'FINISHED', endedAt: 2 });
  });
  for (let round = 0; round < rounds; round++) {
    const dais = await launch();
    const reached = acknowledged;
    await expect.poll(() => problems.length > 0 || acknowledged - reached > CLIENTS, PATIENCE).toBe(true);
    await delay(random() * 500);
    if (random() < 0.3) {
      // First the control process alone: its supervisor starts another.
      const control = controlOf(dais.process.pid!);
      if (control !== undefined) process.kill(control, 'SIGKILL');
      await delay(random() * 1500);
    }
    await killTree(dais);
  }

  const dais = await launch();
  over.abort();
  await Promise.all(working);
  let points = 0;
  for (const client of clients) points += await expectLogged(url, client, problems);
  if (new Set(clients.map(({ run }) => run)).size !== CLIENTS) problems.push('two clients have one run');
  const { items } = await send<{ items: Run[] }>('search/runs', { experimentIds: ['0'] });
  if (items.length !== CLIENTS) problems.push(`${items.length} runs of ${CLIENTS} clients`);

  const tree = treeOf(dais.process.pid!);
  dais.process.kill('SIGTERM');
  const exitCode = await dais.ended;
  await expect.poll(() => tree.filter(isAlive), PATIENCE).toEqual([]);
  return { acknowledged, repeated, points, problems, exitCode };
}

/** Checks that every acknowledged point exists exactly once, and no others. Returns their number. */
async function expectLogged(url: string, client: Client, problems: string[]): Promise<number> {
  let points = 0;
  for (const [key, steps] of client.logged) {
    const found: number[] = [];
    for (let cursor = ''; ;) {
      const response = await fetch(`${url}/api/v1/tracking/runs/${client.run}/metrics/${key}?limit=10000${cursor}`);
      const page = (await response.json()) as { items: MetricPoint[]; nextCursor?: string };
      found.push(...page.items.map(({ step }) => step));
      if (page.nextCursor === undefined) break;
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
    }
    points += found.length;
    const expected = steps.toSorted((a, b) => a - b);
    const there = found.toSorted((a, b) => a - b);
    if (JSON.stringify(there) !== JSON.stringify(expected)) {
      problems.push(`${key} of ${client.run}: ${there.length} points, ${expected.length} acknowledged`);
    }
  }
  return points;
}
