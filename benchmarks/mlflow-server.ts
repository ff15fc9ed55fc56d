/**
 * The same load against `mlflow server` (one worker, SQLite, its defaults) and against Dais, in one run: what each call
 * costs the server, in CPU of all its processes (Dais: with its PostgreSQL, which writes durably). Times of CPU, because
 * wall time says more about what else the machine does: read the load beside them. Calls come one after the other over
 * one connection that stays open, the first third of each kind unmeasured.
 *
 * `--runs N` (default 1,000) is how many runs the searches go through, each with 20 metrics and 20 parameters.
 * `--only PATTERN` measures only the lines that it matches.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import { startMlflowServer } from '../conformance/mlflow/mlflow-server.ts';
import { startDaisProcess, treeOf } from '../packages/server/src/testing/dais-process.ts';
import {
  field,
  keyValue,
  requestBytes,
  spanBytes,
  text,
  varintField,
} from '../packages/server/src/protocols/otlp/testing/otlp-bytes.ts';

const { values: flags } = parseArgs({
  options: { runs: { type: 'string', default: '1000' }, only: { type: 'string', default: '' } },
});
const RUNS = Number(flags.runs);
const ONLY = new RegExp(flags.only);

interface Peer {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly token: string;
  stop(): Promise<void>;
}

const folder = await mkdtemp(join(tmpdir(), 'dais-benchmark-mlflow-'));
const agent = new Agent({ connections: 1, pipelining: 1 });

async function startMlflow(): Promise<Peer> {
  const server = await startMlflowServer(folder);
  return { ...server, name: 'mlflow server', token: '' };
}

async function startOwn(): Promise<Peer> {
  const dais = startDaisProcess({ data: join(folder, 'dais') });
  const url = await dais.ready;
  const token = (await readFile(join(folder, 'dais', 'owner-token'), 'utf8')).trim();
  const stop = async () => {
    dais.process.kill('SIGTERM');
    await dais.ended;
  };
  return { name: 'Dais', url, pid: dais.process.pid ?? 0, token, stop };
}

/** Milliseconds of CPU of a process, all below it, and those of them that have ended. */
function cpuOf(pid: number): number {
  let ticks = 0;
  for (const one of [pid, ...treeOf(pid)]) {
    try {
      const stat = readFileSync(`/proc/${one}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      ticks += fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    } catch {
      // It has ended meanwhile.
    }
  }
  return ticks * 10;
}

function memoryOf(pid: number): number {
  return [pid, ...treeOf(pid)].reduce((sum, one) => {
    try {
      // Proportional, because the processes of PostgreSQL share most of theirs.
      return sum + Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      return sum;
    }
  }, 0);
}

class Client {
  readonly #peer: Peer;
  constructor(peer: Peer) {
    this.#peer = peer;
  }

  async send(method: 'GET' | 'POST' | 'PUT', path: string, body?: Buffer | string): Promise<string> {
    const { url, token } = this.#peer;
    const answer = await request(`${url}/api/2.0/${path}`, {
      method,
      dispatcher: agent,
      headers: {
        ...(token !== '' && { authorization: `Bearer ${token}` }),
        ...(typeof body === 'string' && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
    });
    const text = Buffer.from(await answer.body.arrayBuffer());
    if (answer.statusCode !== 200)
      throw new Error(`${path}: ${answer.statusCode} ${text.toString('utf8').slice(0, 300)}`);
    return text.toString('latin1');
  }

  /** As an exporter of OpenTelemetry sends them. */
  async export(experiment: string, body: Buffer): Promise<void> {
    const { url, token } = this.#peer;
    const answer = await request(`${url}/v1/traces`, {
      method: 'POST',
      dispatcher: agent,
      headers: {
        ...(token !== '' && { authorization: `Bearer ${token}` }),
        'content-type': 'application/x-protobuf',
        'x-mlflow-experiment-id': experiment,
      },
      body,
    });
    const told = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`/v1/traces: ${answer.statusCode} ${told.slice(0, 300)}`);
  }

  async post(path: string, body: unknown): Promise<Record<string, never>> {
    return JSON.parse(await this.send('POST', `mlflow/${path}`, JSON.stringify(body))) as Record<string, never>;
  }
}

const ATTRIBUTES = [
  ['mlflow.spanInputs', text(1, '{"messages": [{"role": "user", "content": "What is the capital of France?"}]}')],
  ['mlflow.spanOutputs', text(1, '{"choices": [{"message": {"role": "assistant", "content": "Paris."}}]}')],
  ['mlflow.spanType', text(1, 'CHAT_MODEL')],
  ['model', text(1, 'some-model-2026-11')],
  ['gen_ai.usage.input_tokens', varintField(3, 120n)],
  ['gen_ai.usage.output_tokens', varintField(3, 12n)],
] as const;

/** One trace of so many spans: a step that has all others below it. */
function exportOf(count: number): Buffer {
  const hex = (bytes: number) => randomBytes(bytes).toString('hex');
  const [traceId, first] = [hex(16), hex(8)];
  const attributes = ATTRIBUTES.map(([key, value]) => field(9, keyValue(key, value)));
  const spans = Array.from({ length: count }, (_, n) => {
    const ids = n === 0 ? { spanId: first } : { spanId: hex(8), parentId: first };
    return spanBytes({ traceId, ...ids, name: `step ${n}` }, attributes);
  });
  return requestBytes(Buffer.concat(spans), field(1, keyValue('service.name', text(1, 'shop'))));
}

type Figures = Map<string, number>;

/** In the same order for both, so that both have the same data at each step. */
async function load(peer: Peer): Promise<Figures> {
  const client = new Client(peer);
  const figures: Figures = new Map();
  const measure = async (name: string, times: number, work: (index: number) => Promise<unknown>) => {
    if (!ONLY.test(name)) return;
    // Both servers run at the speed of one that has been up for a while.
    for (let index = 0; index < Math.ceil(times / 2); index++) await work(-1 - index);
    const from = cpuOf(peer.pid);
    for (let index = 0; index < times; index++) await work(index);
    figures.set(name, (cpuOf(peer.pid) - from) / times);
  };
  const experiment = (await client.post('experiments/create', { name: 'benchmark' })) as { experiment_id: string };
  const newRun = async () => {
    const made = (await client.post('runs/create', {
      experiment_id: experiment.experiment_id,
      start_time: 1_770_000_000_000,
      tags: [
        { key: 'mlflow.user', value: 'ada' },
        { key: 'mlflow.source.name', value: 'train.py' },
      ],
    })) as { run: { info: { run_id: string } } };
    return made.run.info.run_id;
  };
  const point = (key: string, step: number) => ({ key, value: step / 7, timestamp: 1_770_000_000_000 + step, step });
  const many = (count: number, make: (index: number) => unknown) =>
    Array.from({ length: count }, (_, index) => make(index));

  await measure('create a run', 500, newRun);
  const run_id = await newRun();
  await measure('log-metric', 1500, (index) =>
    client.post('runs/log-metric', { run_id, ...point('one', index + 1000) }),
  );
  await measure('log-batch, 10 keys', 800, (index) =>
    client.post('runs/log-batch', { run_id, metrics: many(10, (key) => point(`ten ${key}`, index + 1000)) }),
  );
  await measure('log-batch, 1,000 points of a key', 30, (index) =>
    client.post('runs/log-batch', { run_id, metrics: many(1000, (step) => point('long', (index + 10) * 1000 + step)) }),
  );
  await measure('log-batch, 1,000 keys', 15, (index) =>
    client.post('runs/log-batch', { run_id, metrics: many(1000, (key) => point(`wide ${key}`, index + 1000)) }),
  );
  await measure('history of 25,000 points', 5, () =>
    client.send('GET', `mlflow/metrics/get-history?run_id=${run_id}&metric_key=long&max_results=25000`),
  );
  for (const [count, times] of [
    [10, 600],
    [100, 200],
  ] as const) {
    await measure(`OTLP export, ${count} spans`, times, () => client.export(experiment.experiment_id, exportOf(count)));
  }
  await measure('traces found, 100 of them', 20, () =>
    client.send('GET', `mlflow/traces?experiment_ids=${experiment.experiment_id}&max_results=100`),
  );
  for (let number = 0; number < RUNS && ONLY.test('search'); number++) {
    await client.post('runs/log-batch', {
      run_id: await newRun(),
      metrics: many(20, (key) => ({ ...point(`m${key}`, 0), value: (number * 7919 + key) % 1000 })),
      params: many(20, (key) => ({ key: `p${key}`, value: String((number + key) % 10) })),
    });
  }
  const search = (max_results: number, filter: string) => async () =>
    await client.post('runs/search', {
      experiment_ids: [experiment.experiment_id],
      filter,
      order_by: ['metrics.m1 DESC'],
      max_results,
    });
  await measure(`search 100 of ${RUNS} runs`, 20, search(100, "metrics.m0 > 100 AND params.p0 != '3'"));
  await measure(`search ${RUNS} of ${RUNS} runs`, 10, search(RUNS, ''));
  const bytes = Buffer.alloc(10_000_000, 'artifact');
  const artifact = `mlflow-artifacts/artifacts/${experiment.experiment_id}/${run_id}/artifacts/large`;
  await measure('artifact PUT 10 MB', 10, (index) => {
    bytes.writeInt32LE(index, 0);
    return client.send('PUT', artifact, bytes);
  });
  await measure('artifact GET 10 MB', 10, () => client.send('GET', artifact));
  figures.set('memory, MB', memoryOf(peer.pid) / 1024);
  return figures;
}

/** How many times less Dais takes; lines without one are shown only. */
const TARGETS: readonly (readonly [pattern: RegExp, times: number])[] = [
  [/^(?:create|log-|OTLP)/, 10],
  [/^(?:history|search)/, 20],
  [/^memory/, 2],
];

const results: Figures[] = [];
console.log(`load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}\n`);
for (const begin of [startMlflow, startOwn]) {
  const peer = await begin();
  try {
    results.push(await load(peer));
  } finally {
    await peer.stop();
  }
  console.log(`${peer.name} done, load ${loadavg()[0]?.toFixed(2)}`);
}
await agent.close();
await rm(folder, { recursive: true, force: true });

const [theirs = new Map<string, number>(), ours = new Map<string, number>()] = results;
console.log(`\n${'ms of CPU a call'.padEnd(36)} ${'mlflow'.padStart(9)} ${'Dais'.padStart(9)}   times less`);
for (const [name, value] of theirs) {
  const own = ours.get(name) ?? NaN;
  const times = value / own;
  const target = TARGETS.find(([pattern]) => pattern.test(name))?.[1];
  const verdict = target === undefined ? '' : `target ${target}: ${times >= target ? 'kept' : 'NOT KEPT'}`;
  if (target !== undefined && !(times >= target)) process.exitCode = 1;
  console.log(
    `${name.padEnd(36)} ${value.toFixed(2).padStart(9)} ${own.toFixed(2).padStart(9)} ${times.toFixed(1).padStart(9)}   ${verdict}`,
  );
}
