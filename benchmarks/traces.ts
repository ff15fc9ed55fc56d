/**
 * What traces cost, in CPU of this process and of PostgreSQL together: exports of 10 and 100 spans as OpenTelemetry's
 * exporters and MLflow's clients send them, from their bytes on, without HTTP; and searches among 50,000 traces of one
 * experiment with 4 spans each. The database is a test server on the same machine (no fsync). Times of CPU: read the load
 * beside them.
 *
 * Limits are a tenth (search: a twentieth) of what MLflow's server took for such a call in an earlier measurement on
 * another machine, HTTP included: goals. How the two compare is measured by mlflow-server.ts, in one run.
 */
import { randomBytes } from 'node:crypto';
import type { Trace } from '../packages/api/src/tracking/index.ts';
import { startTrackingWorld } from '../packages/server/src/ledgers/tracking/testing/tracking-world.ts';
import { decodeProtobuf } from '../packages/server/src/protocols/otlp/decode-protobuf.ts';
import {
  field,
  keyValue,
  requestBytes,
  spanBytes,
  text,
  varintField,
} from '../packages/server/src/protocols/otlp/testing/otlp-bytes.ts';
import { Report, ServerCpu } from './lib/server-cpu.ts';

const TRACES = 50_000;

const world = await startTrackingWorld();
const call = async <Output>(operation: string, input: unknown) => await world.dais.call<Output>(operation, input);
const cpu = new ServerCpu(world.test.connection);
const report = new Report();
const hex = (bytes: number) => randomBytes(bytes).toString('hex');

const attributes = [
  keyValue('client.inputs', text(1, '{"messages": [{"role": "user", "content": "What is the capital of France?"}]}')),
  keyValue('client.outputs', text(1, '{"choices": [{"message": {"role": "assistant", "content": "Paris."}}]}')),
  keyValue('client.type', text(1, 'CHAT_MODEL')),
  keyValue('model', text(1, 'some-model-2026-11')),
  keyValue('tokens.in', varintField(3, 120n)),
  keyValue('tokens.out', varintField(3, 12n)),
].map((pair) => field(9, pair));

function exported(count: number): Buffer {
  const traceId = hex(16);
  const parentId = hex(8);
  const spans = Array.from({ length: count }, (_, n) =>
    spanBytes(
      { traceId, spanId: n === 0 ? parentId : hex(8), ...(n > 0 && { parentId }), name: `step ${n}` },
      attributes,
    ),
  );
  return requestBytes(Buffer.concat(spans), field(1, keyValue('service.name', text(1, 'shop'))));
}

const experimentId = await world.experiment();
const log = async (bytes: Buffer) =>
  await call('span.log', { experimentId, resources: decodeProtobuf(bytes).resources });

for (const [count, times, limit] of [
  [1, 1000, undefined],
  [10, 600, 1.5],
  [100, 200, 3.65],
  [1000, 30, undefined],
] as const) {
  const requests = Array.from({ length: times + 50 }, () => exported(count));
  for (const bytes of requests.slice(times)) await log(bytes);
  const decoding = await cpu.measure(times, async (n) => decodeProtobuf(requests[n] ?? Buffer.alloc(0)));
  const { node, postgres } = await cpu.measureParts(times, async (n) => await log(requests[n] ?? Buffer.alloc(0)));
  const more = `decoding ${decoding.toFixed(2)}, Node ${node.toFixed(2)}, PostgreSQL ${postgres.toFixed(2)}; ${requests[0]?.length} bytes`;
  report.tell(`export of ${count} span(s)`, node + postgres, 'ms CPU/call', limit, more);
}

const searched = await world.experiment();
for (let n = 0; n < TRACES; n += 250) {
  const spans = Array.from({ length: 1000 }, (_, m) => {
    const trace = n + Math.floor(m / 4);
    const state = trace % 100 === 7 && m % 4 === 0 ? 'ERROR' : 'OK';
    return {
      traceId: trace.toString(16).padStart(32, '0').replace(/^0/, 'a'),
      id: (n * 4 + m + 1).toString(16).padStart(16, '0'),
      ...(m % 4 > 0 && { parentId: 'f'.repeat(16) }),
      name: m % 4 === 0 ? `request ${trace % 10}` : `step ${m % 4}`,
      startNs: String(1_790_000_000_000_000_000n + BigInt(trace) * 1_000_000n),
      endNs: String(1_790_000_000_000_000_000n + BigInt(trace) * 1_000_000n + 5_000_000n),
      status: state,
      attributes: { 'client.traceTag.team': `team ${trace % 7}`, model: `model ${trace % 5}`, text: `word${trace}` },
    };
  });
  await call('span.log', { experimentId: searched, resources: [{ spans }] });
}
await world.test.asAdmin('vacuum analyze');

for (const [name, input, times, limit] of [
  ['100 traces, newest first', {}, 50, 1.2],
  ["a state that is rare: status = 'ERROR'", { filter: "status = 'ERROR'" }, 20, undefined],
  ['a tag', { filter: "tags.team = 'team 3'" }, 20, undefined],
  [
    'a name of a span, of an attribute too',
    { filter: "span.name = 'step 2' and span.attributes.model = 'model 3'" },
    20,
    undefined,
  ],
  ['one trace by a text in its spans', { filter: "text LIKE '%word77%'" }, 3, undefined],
  ['by a tag', { orderBy: ['tags.team DESC'] }, 5, undefined],
] as const) {
  let found = 0;
  const search = async () =>
    (await call<{ items: Trace[] }>('trace.search', { experimentIds: [searched], limit: 100, ...input })).items.length;
  for (let n = 0; n < 2; n++) found = await search();
  const { node, postgres } = await cpu.measureParts(times, search);
  const more = `Node ${node.toFixed(1)}, PostgreSQL ${postgres.toFixed(1)}; ${found} traces`;
  report.tell(`search: ${name}`, node + postgres, 'ms CPU/call', limit, more);
}
const [size] = await world.test.asAdmin(
  `select pg_total_relation_size('tracking.trace') + pg_total_relation_size('tracking.trace_spans') as bytes`,
);
report.tell('on disk', Number(size?.['bytes']) / 1e6, 'MB');
await world.stop();
report.end();
