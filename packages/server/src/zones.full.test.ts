/**
 * Three trees of Dais in three network namespaces, on one PostgreSQL and one S3 server, behind a plain TCP load balancer. Each test disrupts them
 * under load: metrics through the REST API of MLflow, jobs of two steps, and predictions. It compares everything that was acknowledged with what is stored, and
 * prints one line with the numbers.
 *
 * A prediction failed inside of the disruption if its connection went to the disrupted tree, before the end of the
 * disruption, and ended without a response. Other failures are outside. A response with an error always counts. The balancer gives a connection that a tree does not accept to the next
 * tree. It repeats no request, and neither does the client.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { readPredictionId } from '@dais/api/gateway';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countsOf } from './testing/serving-kill-rounds.testing.ts';
import { isServing, servingClient } from './testing/serving-client.ts';
import { ServingLoad } from './testing/serving-load.testing.ts';
import { skewedClock } from './testing/zones/skewed-clock.testing.ts';
import { until } from './testing/zones/until.testing.ts';
import { ZoneClient } from './testing/zones/zone-client.testing.ts';
import { PORTS, ZoneFleet, type ZoneTree } from './testing/zones/zone-fleet.testing.ts';
import { endedJobs, usageProblems, ZoneWriters } from './testing/zones/zone-writers.testing.ts';

const TREES = 3;
/** Longer than the longest lease, and than the time after which a node counts as unreachable: 30 s. */
const HOLD_MS = 45_000;
/** Of the database and of the blob store, for all trees. */
const AWAY_MS = 120_000;
const SKEW_SECONDS = 3600;
const SKEWED_MS = 20_000;
/** Each to two endpoints in turn. */
const PREDICTIONS_PER_SECOND = 20;
/** By endpoint: its capture policy. */
const POLICIES = { acked: 'ack', shortly: 'async' } as const;
/** Predictions of `async` that a killed gateway may lose: those of 10 ms, and some more where a busy machine delays the write. */
const MOST_LOST = 5;
/** In which all nodes collect what they captured: 15 s, and more on a busy machine. */
const CAPTURED_MS = 60_000;
const PATIENCE = { timeout: 120_000, interval: 100 };

let fleet: ZoneFleet;
let client: ZoneClient;
let disruptions = 0;

beforeAll(async () => {
  fleet = await ZoneFleet.start(TREES);
  client = new ZoneClient(fleet.api.url, fleet.token);
  const serving = servingClient(fleet.trees[0]?.url ?? '', { authorization: `Bearer ${fleet.token}` });
  const version = await serving.register('m', 2);
  const texts = Object.entries(POLICIES).map(([name, policy]) =>
    JSON.stringify({
      apiVersion: 'dais.dev/v1',
      kind: 'Endpoint',
      metadata: { name },
      spec: { model: `models:/m/${version}`, capture: { policy } },
    }),
  );
  const sources = texts.map((text) => ({ file: 'e', text }));
  const { status, body } = await serving.call('POST', '/api/v1/apply', { sources });
  if (status !== 200) throw new Error(JSON.stringify(body));
  for (const name of Object.keys(POLICIES)) {
    await serving.settled(name, (status) => isServing(status) && status.variants?.[0]?.gateways?.ready === TREES);
  }
  await gatewaysAnswer();
});
afterAll(async () => await fleet?.close());

/** Resolves when the gateway of every tree answers: it learns of a token a moment later than the API. */
async function gatewaysAnswer(): Promise<void> {
  const body = { inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [1] }] };
  for (const { zone } of fleet.trees) {
    const direct = new ZoneClient(`http://${zone.address}:${PORTS.inference}`, fleet.token);
    for (const name of Object.keys(POLICIES)) {
      const call = { method: 'POST', path: `/v2/models/${name}/infer`, body } as const;
      await until(`every gateway serves ${name}`, async () => (await direct.send(call)).status === 200);
    }
  }
}

interface Disruption {
  readonly name: string;
  /** Whose connections may end without a response. */
  readonly victim?: ZoneTree;
  /** Whether processes of the victim end, so that its gateway may lose what its capture policy says. */
  readonly kills?: boolean;
  readonly begin: () => Promise<void>;
  /** Default: `HOLD_MS`. */
  readonly holdMs?: number;
  /** Default: predictions go on. */
  readonly during?: () => Promise<void>;
  readonly end: () => Promise<void>;
}

/** Prints the numbers. @returns everything that must not be, of which there should be nothing */
async function underLoad({
  name,
  victim,
  kills = false,
  holdMs = HOLD_MS,
  begin,
  during,
  end,
}: Disruption): Promise<readonly string[]> {
  disruptions += 1;
  const writers = new ZoneWriters(client, `disruption-${disruptions}`);
  const predictions = new ServingLoad({
    endpoints: Object.keys(POLICIES),
    host: fleet.inference.host,
    port: fleet.inference.port,
    headers: { authorization: `Bearer ${fleet.token}` },
    perSecond: PREDICTIONS_PER_SECOND,
    factorOf: () => 2,
  });
  const writesGoOn = async () => {
    const from = writers.acknowledged;
    await expect.poll(() => writers.acknowledged - from, PATIENCE).toBeGreaterThan(20);
  };
  let [begunAt, endedAt, recoveredAt] = [0, 0, 0];
  try {
    await Promise.all([writesGoOn(), predictions.goesOn(20)]);
    await expect.poll(() => writers.jobs.length, PATIENCE).toBeGreaterThan(1);
    begunAt = performance.now();
    try {
      await begin();
      const held = delay(holdMs);
      await (during ?? (async () => await predictions.goesOn(20)))();
      await held;
    } finally {
      await end();
      endedAt = performance.now();
    }
    await Promise.all([writesGoOn(), predictions.goesOn(20)]);
    await fleet.isUp();
    recoveredAt = performance.now();
  } finally {
    await Promise.all([writers.stop(), predictions.stop()]);
  }

  const isInside = ({ status, sentAt, endedAt: failedAt, localPort }: (typeof predictions.failures)[number]) =>
    status === 0 &&
    victim !== undefined &&
    fleet.inference.backendOf(localPort, failedAt) === victim.name &&
    failedAt >= begunAt &&
    sentAt <= endedAt;
  const inside = predictions.failures.filter(isInside);
  const outside = predictions.failures.filter((failure) => !isInside(failure));
  const lost = await writers.lost();
  const ids = writers.jobs.map(({ id }) => id);
  const jobs = await endedJobs(client, ids);
  const captured = await capturedOf(predictions);
  const report = writers.report();
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  process.stdout.write(
    `zones, ${name}: ${report.acknowledged} writes acknowledged (${report.runs} runs, ${report.points} points), ${lost.length} lost; ` +
      `${report.repeated} sent again, longest pause ${seconds(report.longestPauseMs)}; ${jobs.jobs} jobs, ${jobs.steps} steps, ` +
      `${jobs.problems.length} wrong, ${jobs.retried} attempts lost and retried; ${predictions.answered} predictions, ` +
      `${inside.length} failed inside, ${outside.length} outside; not stored: ${captured.missing.acked.length} of ack, ` +
      `${captured.missing.shortly.length} of async; all trees ready ${seconds(recoveredAt - endedAt)} after the end\n`,
  );
  const { acked, shortly } = captured.missing;
  const gateway = victim === undefined ? undefined : await fleet.gatewayOf(victim);
  const unexpected = kills ? shortly.filter((id) => readPredictionId(id)?.gateway !== gateway) : shortly;
  return [
    ...lost,
    ...jobs.problems,
    ...(await usageProblems(client, ids)),
    ...outside.map(
      (failure) =>
        `failed outside, ${seconds(failure.endedAt - begunAt)} after its begin, on ` +
        `${fleet.inference.backendOf(failure.localPort, failure.endedAt)}: ${JSON.stringify(failure)}`,
    ),
    ...captured.twice.map((id) => `the prediction ${id} is stored more than once`),
    ...[...acked, ...unexpected].map((id) => `the prediction ${id} is not stored`),
    ...(shortly.length > MOST_LOST ? [`${shortly.length} predictions of the policy async are not stored`] : []),
  ];
}

/** What is not stored in time, and what is stored more than once. */
async function capturedOf(predictions: ServingLoad) {
  // The balancer closes a kept connection when its backend goes down.
  const headers = { authorization: `Bearer ${fleet.token}`, connection: 'close' };
  const serving = servingClient(fleet.api.url, headers);
  const missing: Record<keyof typeof POLICIES, string[]> = { acked: [], shortly: [] };
  const twice: string[] = [];
  for (const endpoint of Object.keys(POLICIES) as (keyof typeof POLICIES)[]) {
    const answered = [...(predictions.predictions.get(endpoint) ?? [])];
    const look = async () => {
      const counts = await countsOf(serving, endpoint);
      missing[endpoint] = answered.filter((id) => !counts.has(id));
      twice.push(...answered.filter((id) => (counts.get(id) ?? 0) > 1));
    };
    // Those of `async` can be lost: the wait is for those that other nodes have not collected yet.
    missing[endpoint] = answered;
    const from = performance.now();
    let hasChecked = false;
    const limitMs = () => (hasChecked ? CAPTURED_MS : PATIENCE.timeout + CAPTURED_MS);
    do {
      hasChecked = await look().then(
        () => true,
        () => hasChecked,
      );
      if (missing[endpoint].length > 0) await delay(1000);
    } while (missing[endpoint].length > 0 && performance.now() - from < limitMs());
  }
  return { missing, twice };
}

/** Resolves when another tree numbers events. */
async function isSucceeded(victim: ZoneTree): Promise<void> {
  const survivor = fleet.trees.find((tree) => tree !== victim);
  const id = await victim.nodeId();
  const from = performance.now();
  const leader = async () => (await fleet.nodes(survivor)).find(({ leases }) => leases.includes('sequencer'))?.id ?? id;
  await expect.poll(leader, PATIENCE).not.toBe(id);
  process.stdout.write(`zones: another tree leads after ${((performance.now() - from) / 1000).toFixed(1)} s\n`);
}

test('kill -9 of the tree that leads', async () => {
  const victim = await fleet.leader();
  const problems = await underLoad({
    name: 'kill -9 of the leading tree',
    victim,
    kills: true,
    begin: async () => await victim.kill(),
    during: async () => await isSucceeded(victim),
    end: async () => await victim.start(),
  });
  expect(problems.join('\n')).toBe('');
});

test('the tree that leads stops for longer than its leases, and continues', async () => {
  const victim = await fleet.leader();
  const problems = await underLoad({
    name: `SIGSTOP of the leading tree for ${HOLD_MS / 1000} s`,
    victim,
    begin: async () => victim.zone.signal('SIGSTOP'),
    during: async () => await isSucceeded(victim),
    end: async () => victim.zone.signal('SIGCONT'),
  });
  expect(problems.join('\n')).toBe('');
});

test('no packet reaches or leaves the tree that leads', async () => {
  const victim = await fleet.leader();
  const problems = await underLoad({
    name: `partition of the leading tree for ${HOLD_MS / 1000} s`,
    victim,
    begin: async () => await victim.zone.disconnect(),
    during: async () => await isSucceeded(victim),
    end: async () => await victim.zone.connect(),
  });
  expect(problems.join('\n')).toBe('');
});

test('clients reach the tree that leads, but it does not reach the database and the blob store', async () => {
  const victim = await fleet.leader();
  const ports = [fleet.databasePort, fleet.s3Port];
  const problems = await underLoad({
    name: `partition of the leading tree from the database and the blob store for ${HOLD_MS / 1000} s`,
    begin: async () => await victim.zone.block(ports),
    during: async () => await isSucceeded(victim),
    end: async () => await victim.zone.unblock(ports),
  });
  expect(problems.join('\n')).toBe('');
});

test.each([
  ['the database', () => [fleet.databasePort]],
  ['the blob store', () => [fleet.s3Port]],
])('no tree reaches %s', async (what, ports) => {
  const all = async (act: (tree: ZoneTree) => Promise<void>) => void (await Promise.all(fleet.trees.map(act)));
  const problems = await underLoad({
    name: `${what} away for ${AWAY_MS / 1000} s`,
    holdMs: AWAY_MS,
    begin: async () => await all(async ({ zone }) => await zone.block(ports())),
    end: async () => await all(async ({ zone }) => await zone.unblock(ports())),
  });
  expect(problems.join('\n')).toBe('');
});

test('the clocks of two trees are an hour off, in both directions', async () => {
  const [ahead, behind] = fleet.trees;
  const restart = async (tree: ZoneTree | undefined, command: readonly string[]) => {
    await tree?.stop();
    await tree?.start(command);
  };
  await restart(ahead, await skewedClock(SKEW_SECONDS));
  await restart(behind, await skewedClock(-SKEW_SECONDS));
  await fleet.isUp();
  expect(await clockOf(ahead!)).toBeGreaterThan(SKEW_SECONDS * 900);
  expect(await clockOf(behind!)).toBeLessThan(-SKEW_SECONDS * 900);
  const problems = await underLoad({
    name: 'clocks of two trees an hour ahead and an hour behind',
    begin: async () => {},
    holdMs: SKEWED_MS,
    end: async () => {},
  });
  expect(problems.join('\n')).toBe('');
  for (const tree of [ahead, behind]) await restart(tree, []);
  await fleet.isUp();
});

/** Difference to the clock of this process in ms, from the header `date`. */
async function clockOf(tree: ZoneTree): Promise<number> {
  const answer = await fetch(`${tree.url}/livez`);
  await answer.arrayBuffer();
  return Date.parse(answer.headers.get('date') ?? '') - Date.now();
}
