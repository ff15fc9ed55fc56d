/**
 * Drift of all columns of one Parquet file against another, as a Monitor computes it, in CPU time of the query process
 * and of this one, and memory; compared with Evidently and NannyML on the same files. All start with the files and
 * loaded libraries. Peers that do not install are omitted, with the reason.
 *
 * `--rows N` for Dais alone (default 10,000,000, of which the claim is; scaled for others); `--peer-rows N` (default
 * 100,000) of 20 columns for the comparison; `--full`: 1,000,000 of 50 columns too. `--alone` omits the peers. `--hour
 * N` (default 1,000,000) predictions of a new hour.
 */
import { mkdir } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { QueryEngine, QueryResult } from '../packages/server/src/engines/query/contract.ts';
import { scan } from '../packages/server/src/engines/query/model/build.ts';
import { QueryRunner, type Rows } from '../packages/server/src/ledgers/monitoring/query-runner.ts';
import { asBaseline, edgesOf, storedOf } from '../packages/server/src/ledgers/monitoring/baselines/baselines.ts';
import { compareFields } from '../packages/server/src/ledgers/monitoring/checks/compared-fields.ts';
import { evaluateDrift } from '../packages/server/src/ledgers/monitoring/checks/drift.ts';
import { fieldsOfTable, type Field } from '../packages/server/src/ledgers/monitoring/metrics/fields.ts';
import { summarize } from '../packages/server/src/ledgers/monitoring/metrics/summaries.ts';
import { here, runPeer, type PeerUsage } from './data/peer.ts';
import { monitoredColumns, openEngine, writeTable } from './data/tables.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string' },
    'peer-rows': { type: 'string' },
    hour: { type: 'string', default: '1000000' },
    full: { type: 'boolean', default: false },
    alone: { type: 'boolean', default: false },
  },
});
const ROWS = Number(flags.rows ?? 10_000_000);
const HOUR = Number(flags.hour);
const GIBIBYTE = 1024 ** 3;
/** For 10 million rows of 20 columns. */
const CPU_SECONDS = 20;
const TICK_SECONDS = 3;
const TARGET = 20;

const folder = benchmarkFolder('monitoring');
const claims = new Claims();
const number = (value: number) => value.toLocaleString('en');
const load = () => `load ${loadavg()[0]?.toFixed(2)}`;
console.log(`${cpus().length} cores, ${load()}, Node ${process.version}\n`);
await mkdir(join(folder, 'files'));
const engine = openEngine(folder);

/** What several jobs took together, and this process meanwhile. */
class Usage {
  readonly #began = process.cpuUsage();
  readonly #at = performance.now();
  #engineMs = 0;
  #ownMs = 0;
  peakBytes = 0;
  wallMs = 0;

  get cpuMs(): number {
    return this.#engineMs + this.#ownMs;
  }

  /** The engine, counted. */
  of(counted: QueryEngine): QueryEngine {
    const run: QueryEngine['run'] = async (job, options) => this.#add(await counted.run(job, options));
    return Object.assign(Object.create(counted) as QueryEngine, { run });
  }

  end(): this {
    const { user, system } = process.cpuUsage(this.#began);
    this.#ownMs = (user + system) / 1000;
    this.wallMs = performance.now() - this.#at;
    return this;
  }

  #add(result: QueryResult): QueryResult {
    this.#engineMs += result.usage.cpuMs;
    this.peakBytes = Math.max(this.peakBytes, result.usage.peakMemoryBytes);
    return result;
  }
}

interface Table {
  readonly path: string;
  readonly data: Rows;
  readonly fields: readonly Field[];
}

async function table(name: string, sql: string): Promise<Table> {
  const path = await writeTable(engine, join(folder, 'files'), name, sql);
  const files = [{ path, format: 'parquet' as const }];
  const { columns } = await engine.describe({ files });
  const data = {
    tables: {
      t: { files, columns: columns.map(({ name: column, type }) => ({ name: column, type, nullable: true })) },
    },
    relation: scan('t'),
  };
  return { path, data, fields: fieldsOfTable({ columns, sizes: new Map(), masked: new Set() }) };
}

async function summaries(
  runner: QueryRunner,
  { data, fields }: Table,
  rows: number,
  edges: ReturnType<typeof edgesOf>,
) {
  return storedOf(await summarize(runner, data, fields, { rows, edges }));
}

/** The whole report from both files; `second`: a window against a baseline that was counted before. */
async function drift(reference: Table, current: Table, rows: number): Promise<{ whole: Usage; second: Usage }> {
  const whole = new Usage();
  const runner = new QueryRunner(whole.of(engine), 'benchmark', new AbortController().signal);
  const about = { type: 'dataset', name: 'reference', rows };
  const fields = await summaries(runner, reference, rows, new Map());
  const baseline = asBaseline({ id: 'b', key: 'b', about, fields });
  const second = new Usage();
  const window = new QueryRunner(second.of(whole.of(engine)), 'benchmark', new AbortController().signal);
  const now = await summaries(window, current, rows, edgesOf(baseline));
  const outcome = evaluateDrift(
    { type: 'drift', method: 'auto', share: 0 },
    {
      spec: { severity: 'warning', correction: 'benjamini-hochberg', minSamples: 1 },
      rows,
      fields: compareFields(now, baseline, undefined),
      against: 'reference',
      unknown: undefined,
      lost: [],
    },
  );
  const bad = outcome.results.filter(({ column, status }) => column !== undefined && status === 'failing');
  if (bad.length === 0 || bad.length === current.fields.length) throw new Error(`${bad.length} columns drift`);
  return { whole: whole.end(), second: second.end() };
}

const format = ({ cpuMs, peakBytes }: Pick<PeerUsage, 'cpuMs' | 'peakBytes'>) =>
  `${(cpuMs / 1000).toFixed(2)} CPU s, ${(peakBytes / GIBIBYTE).toFixed(2)} GiB`;

async function pair(rows: number, columns: number): Promise<readonly [Table, Table]> {
  const name = `${rows}x${columns}`;
  return [
    await table(`reference-${name}`, monitoredColumns(rows, columns, 0)),
    await table(`current-${name}`, monitoredColumns(rows, columns, 1)),
  ];
}

const large = await pair(ROWS, 20);
const { whole } = await drift(...large, ROWS);
const allowed = (CPU_SECONDS * ROWS) / 10_000_000;
const kept = claims.judge('drift report', whole.cpuMs / 1000 <= allowed, format(whole));
const within = claims.judge('drift report within 2 GiB', whole.peakBytes <= 2 * GIBIBYTE, format(whole));
console.log(
  `drift of ${number(ROWS)} × 20 against as many: ${format(whole)} (target: ${allowed.toFixed(1)} CPU s: ${kept}; 2 GiB: ${within}), ${load()}`,
);

const hour = HOUR === ROWS ? large : await pair(HOUR, 20);
const { second } = await drift(...hour, HOUR);
const inTime = claims.judge('a new hour', second.cpuMs / 1000 <= TICK_SECONDS, format(second));
console.log(
  `a new hour of ${number(HOUR)} × 20 against a stored baseline: ${format(second)}, ${(second.wallMs / 1000).toFixed(1)} s (target: ${TICK_SECONDS} CPU s: ${inTime}), ${load()}`,
);

if (!flags.alone) {
  const sizes = [
    [Number(flags['peer-rows'] ?? 100_000), 20],
    ...(flags.full ? [[1_000_000, 50] as const] : []),
  ] as const;
  for (const [rows, columns] of sizes) {
    const [reference, current] = await pair(rows, columns);
    const { whole: own } = await drift(reference, current, rows);
    console.log(`\n${number(rows)} × ${columns}: ${format(own)}`);
    for (const { what, of, script, target } of [
      { what: 'Evidently', of: 'evidently', script: 'evidently_report.py', target: TARGET },
      { what: 'NannyML', of: 'nannyml', script: 'nannyml_drift.py', target: undefined },
    ]) {
      const environment = {
        name: `monitoring-${of}`,
        requirements: here(`../../conformance/monitoring/requirements-${of}.txt`),
      };
      try {
        const usage = await runPeer<PeerUsage>(environment, join(folder, of), [script, reference.path, current.path]);
        const times = usage.cpuMs / own.cpuMs;
        const targetText =
          target === undefined
            ? 'no target'
            : `target ${target}: ${claims.judge(`${target} times less CPU than ${what}, ${number(rows)} × ${columns}`, times >= target, `${times.toFixed(1)} ×`)}`;
        console.log(`${what}: ${format(usage)}; times less: ${times.toFixed(1)} (${targetText}), ${load()}`);
      } catch (error) {
        console.log(`${what} is left out: ${String(error).slice(-300)}`);
      }
    }
  }
}
await engine.close();
claims.end();
