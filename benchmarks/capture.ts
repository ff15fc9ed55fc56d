/**
 * The cost of prediction capture: requests of 30 features with one number as the response, 1, 16 and 64 concurrent,
 * with each capture policy compared with none, in alternating rounds of one run. CPU time of this process for each
 * request, which does nothing else. Compare differences, and consider the printed load.
 */
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { predictionId } from '../packages/api/src/gateway/prediction-id.ts';
import type * as Segments from '../packages/server/src/ledgers/predictions/segment.ts';
import { builtModule } from './lib/built.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';
import { silentLog } from '../packages/server/src/lib/log.ts';

const segments = new URL('../packages/server/src/ledgers/predictions/segment.ts', import.meta.url);
const { SegmentWriter } = (await import((await builtModule(segments)).href)) as typeof Segments;
type Capture = Segments.CapturePolicy;
type PredictionRecord = Segments.PredictionRecord;

const REQUESTS = 20_000;
const ROUNDS = 5;
/** Limit of the CPU microseconds that `ack` adds to a request, with 16 and more concurrent requests. */
const MOST_US = 10;
const POLICIES = ['off', 'async', 'ack', 'sync'] as const;

const claims = new Claims();
const folder = benchmarkFolder('capture');
const features = Array.from({ length: 30 }, (_, index) => ({
  name: `feature_${index}`,
  datatype: 'FP32' as const,
  shape: [1],
  data: Float32Array.of(index / 7),
}));
const matrix = [{ name: 'input', datatype: 'FP32' as const, shape: [1, 30], data: new Float32Array(30).fill(0.5) }];
const outputs = [{ name: 'probability', datatype: 'FP32' as const, shape: [1], data: Float32Array.of(0.25) }];

let count = 0;
function recordOf(inputs: PredictionRecord['inputs']): PredictionRecord {
  const at = Date.now();
  return {
    id: predictionId({ at, gateway: 1, endpoint: 7 }, (count += 1)),
    at,
    project: 'default',
    endpoint: 'flights',
    endpointUid: '0190a1b2-0000-7000-8000-000000000001',
    variant: 'stable',
    model: 'flights',
    version: '7',
    shadowOf: undefined,
    protocol: 'open-inference',
    principal: 'user/ada',
    requestId: `r${count}`,
    callerId: undefined,
    traceparent: undefined,
    status: 200,
    error: undefined,
    latencyMicros: 412,
    inputs,
    outputs,
    parameters: {},
  };
}

/** CPU microseconds for each request at this concurrency; each response is sent after its record is stored. */
async function measure(policy: Capture['policy'], lanes: number, inputs: PredictionRecord['inputs']): Promise<number> {
  const writer = new SegmentWriter({
    folder: join(folder, `${policy}-${lanes}-${count}`),
    gateway: 'g',
    now: () => Date.now(),
    log: silentLog,
  });
  const capture: Capture = { policy, share: 1, overflow: 'drop', omit: [] };
  const requests = policy === 'sync' ? REQUESTS / 10 : REQUESTS;
  let left = requests;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await writer.append(recordOf(inputs), capture);
      // Requests come from the network, each in its own turn of the event loop.
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: lanes }, lane));
  await writer.close();
  const { user, system } = process.cpuUsage(before);
  const { dropped } = writer.stats();
  if (dropped > 0) throw new Error(`${dropped} records were dropped`);
  return (user + system) / requests;
}

const medianOf = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`);
console.log(`${REQUESTS} requests, median of ${ROUNDS} rounds, microseconds of CPU for each request\n`);
for (const [what, inputs] of [
  ['one tensor of 30', matrix],
  ['30 tensors of one', features],
] as const) {
  for (const lanes of [1, 16, 64]) {
    const found = new Map<string, number[]>(POLICIES.map((policy) => [policy, []]));
    for (let round = 0; round <= ROUNDS; round++) {
      for (const policy of POLICIES) {
        const one = await measure(policy, lanes, inputs);
        // The first round warms up.
        if (round > 0) found.get(policy)?.push(one);
      }
    }
    const off = medianOf(found.get('off') ?? []);
    const added = POLICIES.slice(1).map((policy) => [policy, medianOf(found.get(policy) ?? []) - off] as const);
    const reported = added.map(([policy, cost]) => `${policy} +${cost.toFixed(1)}`).join(', ');
    const ack = added.find(([policy]) => policy === 'ack')?.[1] ?? 0;
    const isRequired = lanes >= 16 && inputs === matrix;
    const judged = isRequired
      ? ` (target: ack at most +${MOST_US}: ${claims.judge(`capture ack, ${lanes} concurrent`, ack <= MOST_US, `${ack.toFixed(1)} µs more`)})`
      : '';
    console.log(`${what}, ${lanes} at once: off ${off.toFixed(1)}, ${reported}${judged}`);
  }
}
console.log(`\nload at the end ${loadavg()[0]?.toFixed(2)}`);
claims.end();
