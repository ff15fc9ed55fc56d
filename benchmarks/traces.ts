/**
 * What traces cost over HTTP: exports of spans as OpenTelemetry's exporters and MLflow's clients send them, and searches among
 * 50,000 traces of one experiment with 4 spans each. CPU of all processes of a `dais up` per call, over kept connections and with a
 * new connection for each call.
 *
 * Limits are a tenth (search: a twentieth) of what MLflow's server took for such a call in an earlier measurement on another
 * machine: goals. The comparison with MLflow in one run is mlflow-server.ts.
 *
 * `--traces N` (default 50,000), `--share 0.1` makes a tenth of the calls, `--rounds N` is the number of rounds, `--only PATTERN`
 * selects calls.
 */
import type { Experiment } from '@dais/api/tracking';
import { OwnCalls } from './lib/own-calls.ts';
import { exportOf } from './mlflow/spans.ts';

/** Traces per request that fills the experiment. */
const BATCH = 250;
const SPANS = 4;

const dais = await OwnCalls.start('traces', { traces: '50000' });
const { call } = dais;
const TRACES = Number(dais.flags['traces']);
const { id: exported } = await call<Experiment>('experiment.create', { name: 'exported' });
for (const [count, times, limit] of [
  [1, 200, undefined],
  [10, 120, 1.5],
  [100, 40, 3.65],
  [1000, 6, undefined],
] as const) {
  const headers = { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': exported };
  const request = () => ({ method: 'POST', path: '/v1/traces', headers, body: exportOf(count) }) as const;
  await dais.measureRequest(`export of ${count} span${count === 1 ? '' : 's'}`, times, request, limit);
}

if (dais.isSelected('search')) {
  const { id: searched } = await call<Experiment>('experiment.create', { name: 'searched' });
  for (let n = 0; n < TRACES; n += BATCH) {
    const spans = Array.from({ length: BATCH * SPANS }, (_, m) => spanOf(n + Math.floor(m / SPANS), m % SPANS));
    await call('span.log', { experimentId: searched, resources: [{ spans }] });
  }
  for (const [name, input, times, limit] of [
    ['100 traces, newest first', {}, 20, 1.2],
    ["a rare state: status = 'ERROR'", { filter: "status = 'ERROR'" }, 10, undefined],
    ['a tag', { filter: "tags.team = 'team 3'" }, 10, undefined],
    [
      'name and attribute of a span',
      { filter: "span.name = 'step 2' and span.attributes.model = 'model 3'" },
      10,
      undefined,
    ],
    ['one trace by a text in its spans', { filter: "text LIKE '%word77%'" }, 2, undefined],
    ['ordered by a tag', { orderBy: ['tags.team DESC'] }, 3, undefined],
  ] as const) {
    await dais.measure(
      `search: ${name}`,
      times,
      async (send) => {
        await send('trace.search', { experimentIds: [searched], limit: 100, ...input });
      },
      limit,
    );
  }
}
await dais.end();

/** Returns a span of a trace: the first one is the root, one root in a hundred has failed. */
function spanOf(trace: number, at: number): object {
  const startNs = 1_790_000_000_000_000_000n + BigInt(trace) * 1_000_000n;
  return {
    traceId: trace.toString(16).padStart(32, '0').replace(/^0/, 'a'),
    id: (trace * SPANS + at + 1).toString(16).padStart(16, '0'),
    ...(at > 0 && { parentId: (trace * SPANS + 1).toString(16).padStart(16, '0') }),
    name: at === 0 ? `request ${trace % 10}` : `step ${at}`,
    startNs: String(startNs),
    endNs: String(startNs + 5_000_000n),
    status: trace % 100 === 7 && at === 0 ? 'ERROR' : 'OK',
    attributes: { 'mlflow.traceTag.team': `team ${trace % 7}`, model: `model ${trace % 5}`, text: `word${trace}` },
  };
}
