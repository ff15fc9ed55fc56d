/** Processes of a Dais that serves are killed while requests come; only what was inside of them may fail. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PredictionRows } from '@dais/api/serving';
import { vi } from 'vitest';
import {
  childrenOf,
  commandOf,
  controlOf,
  isAlive,
  killProcess,
  startDaisProcess,
  treeOf,
  type DaisProcess,
} from './dais-process.ts';
import { isServing, servingClient, type ServingClient } from './serving-client.ts';
import { ServingLoad, type Failure, type LoadTarget } from './serving-load.testing.ts';

export type Victim = 'worker' | 'gateway' | 'control' | 'database';
export const VICTIMS: readonly Victim[] = ['worker', 'gateway', 'control', 'database'];

/** A limit against hanging. */
const PATIENCE_MS = 120_000;
const POLL_MS = 50;
/** The last predictions may be missing in the first read, and one read of 87,000 requests takes long on a busy machine. */
const READ_PATIENCE_MS = 1_200_000;
/**
 * The gateway learns of the exit of a model process by an event: requests that it sends until then are inside as well.
 * On a busy machine this takes a moment.
 */
const PUBLISHED_MS = 2000;
/** The pool gives up a model after five crashes within a minute: the rounds stay below that. */
const CRASHES = { most: 4, withinMs: 61_000 };
const PAGE = 20_000;

export interface ServingWorld {
  readonly dais: DaisProcess;
  readonly url: string;
  readonly client: ServingClient;
  /** What a load needs; its endpoints answer. */
  readonly target: Omit<LoadTarget, 'perSecond' | 'factorOf'>;
  stop(): Promise<void>;
}

/** What each version of the model multiplies with: the world registers the first one. */
export const factorOf = (version: string): number | undefined => ({ 1: 2, 2: 3 })[Number(version)];

/**
 * A Dais with accounts: a model of a user runs in a separate process. Its endpoint `scaled` multiplies by two, and
 * stores each prediction before it responds.
 */
export async function startServingWorld(flags: Readonly<Record<string, unknown>> = {}): Promise<ServingWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-serving-'));
  const data = join(folder, 'data');
  const accounts = { 'authentication.mode': 'accounts' };
  const dais = startDaisProcess({ data, 'keys.folder': join(folder, 'keys'), ...accounts, ...flags });
  const stop = async () => {
    dais.process.kill('SIGTERM');
    await dais.ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  try {
    const url = await dais.ready;
    const owner = `Bearer ${(await readFile(join(data, 'owner-token'), 'utf8')).trim()}`;
    const client = servingClient(url, { authorization: owner });
    const { token } = await signIn(url, client);
    await client.register('m', 2, { example: { inputs: [[1]] } });
    await client.call('POST', '/api/v1/serving/endpoints/scaled/deploy', { model: 'models:/m/1' });
    await client.settled('scaled', isServing);
    const { port } = (await client.call('GET', '/api/v1/serving/endpoints/scaled/contract')).body;
    const target = { endpoints: ['scaled'], port: port!, headers: { authorization: `Bearer ${token}` } };
    const headers = { ...target.headers, 'content-type': 'application/json' };
    const ask = async () => {
      const body = '{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}]}';
      return (await fetch(`http://127.0.0.1:${port}/v2/models/scaled/infer`, { method: 'POST', headers, body })).status;
    };
    await until(async () => (await ask()) === 200);
    return { dais, url, client, target, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A caller with a token for calls. */
async function signIn(url: string, client: ServingClient) {
  const invited = await client.call('POST', '/api/v1/invitations/administrators', { email: 'ada@example.com' });
  const secret = new URL(String(invited.body['link'])).hash.slice(1);
  const json = { 'content-type': 'application/json' };
  const body = JSON.stringify({ secret, password: 'gravel-orbit-mango-7' });
  const accepted = await fetch(`${url}/auth/invitation/accept`, { method: 'POST', headers: json, body });
  const headers = { ...json, cookie: accepted.headers.getSetCookie()[0]?.split(';')[0] ?? '', origin: url };
  const made = await fetch(`${url}/api/v1/tokens`, { method: 'POST', headers, body: '{"title": "calls"}' });
  return { headers, ...((await made.json()) as { readonly token: string; readonly id: string }) };
}

export interface RoundsPlan {
  readonly perSecond: number;
  readonly withinMs: number;
  readonly random: () => number;
  readonly onRound?: (victim: Victim, ms: number) => void;
}

export interface RoundsReport {
  readonly rounds: Readonly<Record<Victim, number>>;
  readonly answered: number;
  /** Requests that were inside of what was killed. */
  readonly failed: Readonly<Record<Victim, number>>;
  readonly problems: readonly string[];
}

/** Kills one after the other; each when all is well again, at a moment of the next `withinMs`. */
export async function servingKillRounds(
  { dais, url, client, target }: ServingWorld,
  victims: readonly Victim[],
  { perSecond, withinMs, random, onRound }: RoundsPlan,
): Promise<RoundsReport> {
  const load = new ServingLoad({ ...target, perSecond, factorOf });
  const rounds = { worker: 0, gateway: 0, control: 0, database: 0 };
  const failed = { ...rounds };
  const problems: string[] = [];
  const crashes: number[] = [];
  const supervisor = dais.process.pid!;
  try {
    await load.goesOn(20);
    for (const drawn of victims) {
      const recent = crashes.filter((at) => performance.now() - at < CRASHES.withinMs);
      const victim = drawn === 'worker' && recent.length >= CRASHES.most ? 'control' : drawn;
      if (victim === 'worker') crashes.push(performance.now());
      if (victim === 'gateway') crashes.length = 0;
      await delay(random() * withinMs);
      const seen = load.failures.length;
      const pid = pidOf(supervisor, victim)!;
      const killedAt = performance.now();
      killProcess(pid);
      await until(() => !isAlive(pid), 1);
      const goneAt = performance.now();
      await until(() => ![undefined, pid].includes(pidOf(supervisor, victim)));
      await until(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200);
      await load.goesOn(20);
      rounds[victim] += 1;
      onRound?.(victim, performance.now() - killedAt);
      for (const failure of load.failures.slice(seen)) {
        if (wasInside(victim, failure, killedAt, goneAt)) failed[victim] += 1;
        else problems.push(describeResult(`kill of ${victim}`, failure, killedAt, goneAt));
      }
    }
  } finally {
    await load.stop();
  }
  const unexplained =
    load.failures.length - Object.values(failed).reduce((sum, count) => sum + count) - problems.length;
  if (unexplained > 0)
    problems.push(`${unexplained} requests failed at the end: ${JSON.stringify(load.failures.at(-1))}`);
  problems.push(...(await capturedProblems(client, load)));
  return { rounds, answered: load.answered, failed, problems };
}

/** Every answered prediction is found exactly once, and no other is found twice. */
export async function capturedProblems(client: ServingClient, load: ServingLoad): Promise<string[]> {
  const problems: string[] = [];
  for (const [endpoint, answered] of load.predictions) {
    let counts = new Map<string, number>();
    let missing: string[] = [];
    await until(
      async () => {
        counts = await countsOf(client, endpoint);
        missing = [...answered].filter((id) => !counts.has(id));
        return missing.length === 0;
      },
      POLL_MS,
      READ_PATIENCE_MS,
    ).catch((error: unknown) =>
      problems.push(
        `${endpoint}: ${missing.length} of ${answered.size} are not kept, as ${missing[0]} (${String(error)})`,
      ),
    );
    const twice = [...counts].filter(([, count]) => count !== 1);
    if (twice.length > 0) problems.push(`${endpoint}: ${twice.length} are kept more than once, as ${String(twice[0])}`);
  }
  return problems;
}

/** Returns how often each prediction of an endpoint is stored, by its id. */
export async function countsOf(client: ServingClient, endpoint: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let last = ''; ;) {
    const sql = `select prediction_id::varchar, count(*) from predictions where prediction_id::varchar > '${last}' group by 1 order by 1`;
    const answer = await client.call('POST', `/api/v1/predictions/endpoints/${endpoint}/query`, { sql, limit: PAGE });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    const { rows, truncated } = answer.body as unknown as PredictionRows;
    for (const [id, count] of rows) counts.set((last = String(id)), Number(count));
    if (!truncated) return counts;
  }
}

async function until(
  holds: () => boolean | Promise<boolean>,
  interval = POLL_MS,
  timeout = PATIENCE_MS,
): Promise<void> {
  const probe = async () => {
    if (!(await holds())) throw new Error('it did not come to it in time');
  };
  await vi.waitFor(probe, { timeout, interval });
}

function pidOf(supervisor: number, victim: Victim): number | undefined {
  const child = (pattern: RegExp) => childrenOf(supervisor).find((pid) => pattern.test(commandOf(pid)));
  const gateway = child(/\/gateway-process\.[jt]s/);
  if (victim === 'gateway') return gateway;
  if (victim === 'control') return controlOf(supervisor);
  if (victim === 'database') return child(/postgres -D/);
  return gateway === undefined ? undefined : treeOf(gateway).findLast((pid) => WORKER.test(commandOf(pid)));
}

/** Not bubblewrap around it. */
const WORKER = /^(?!\S*bwrap).*(onnx-process\.[jt]s|dais_worker)/;

function wasInside(
  victim: Victim,
  { status, message, sentAt, endedAt }: Failure,
  killedAt: number,
  goneAt: number,
): boolean {
  if (victim === 'control' || victim === 'database') return false;
  if (victim === 'gateway' && status === 503 && endedAt >= killedAt) return isSlowLoad(message, endedAt - sentAt);
  const isOfIt =
    victim === 'gateway'
      ? status === 0 && ['ECONNRESET', 'EPIPE'].includes(message)
      : message.includes('process ended');
  return isOfIt && endedAt >= killedAt && sentAt <= goneAt + (victim === 'worker' ? PUBLISHED_MS : 0);
}

/** A gateway keeps a request while the model loads: for 3 s, or not at all when the load is expected to take more than 2 s. */
function isSlowLoad(message: string, waitedMs: number): boolean {
  const retryS = Number(/The model is loading.* Retry in (\d+) s/.exec(message)?.[1]);
  return retryS > 2 || (retryS > 0 && waitedMs >= 3000);
}

function describeResult(
  what: string,
  { status, message, sentAt, endedAt, endpoint }: Failure,
  killedAt: number,
  goneAt: number,
) {
  const at = (time: number) => `${Math.round(time - killedAt)} ms`;
  return `${what}, gone after ${at(goneAt)}: ${endpoint}, sent at ${at(sentAt)}, ended at ${at(endedAt)}: ${status} ${message}`;
}
