/**
 * The storage of a second version of a dataset, compared with DVC: a folder of Parquet files, of which 1 % has changed.
 * Three ways to change: one file of a hundred is replaced; 1 % adjacent rows of one large file have other values; 1 %
 * of the rows, spread over that file. DVC stores whole files. Dais uses content-defined chunks of rows and stores equal
 * chunks once, so that the layout of the files does not matter, but the distance between changes does: the third way is
 * reported without a claim.
 *
 * `--megabytes N` (default 100) is the size of each folder; `--full` is 1,000.
 */
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startOwn, type Own } from './data/own.ts';
import { here, runPeer, type PeerUsage } from './data/peer.ts';
import { openEngine, writeTable } from './data/tables.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';

const { values: flags } = parseArgs({
  options: { megabytes: { type: 'string' }, full: { type: 'boolean', default: false } },
});
const MEGABYTES = Number(flags.megabytes ?? (flags.full ? 1000 : 100));
/** Of the rows below in Parquet with zstd. */
const BYTES_A_ROW = 61;
const ROWS = Math.floor((MEGABYTES * 1e6) / BYTES_A_ROW);
const FILES = 100;
/** Of what the first version stores. */
const TARGET = 0.03;

const folder = benchmarkFolder('data-versions');
const load = () => `load ${loadavg()[0]?.toFixed(2)}`;
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
console.log(`${cpus().length} cores, ${load()}, Node ${process.version}; ${ROWS.toLocaleString('en')} rows a folder\n`);

const engine = openEngine(folder);
/** Nine columns; `changed` selects the rows with new values. */
const rowsOf = (from: number, to: number, changed: string) =>
  `SELECT range AS id, ${Array.from(
    { length: 8 },
    (_, n) =>
      `CAST(hash(range, ${n}, CASE WHEN ${changed} THEN 1 ELSE 0 END) >> 11 AS DOUBLE) / 9007199254740992 AS x${n}`,
  ).join(', ')} FROM range(${from}, ${to})`;
const [hundred, hundredAfter, one, near, far] = ['hundred', 'hundred-after', 'one', 'near', 'far'].map((name) =>
  join(folder, name),
) as [string, string, string, string, string];
for (const path of [hundred, one, near, far]) await mkdir(path);
for (let file = 0; file < FILES; file++) {
  const [from, to] = [file, file + 1].map((at) => Math.floor((at * ROWS) / FILES)) as [number, number];
  await writeTable(engine, hundred, `part-${String(file).padStart(3, '0')}`, rowsOf(from, to, 'FALSE'));
}
await cp(hundred, hundredAfter, { recursive: true });
const middle = FILES / 2;
const [from, to] = [middle, middle + 1].map((at) => Math.floor((at * ROWS) / FILES)) as [number, number];
await writeTable(engine, hundredAfter, `part-${String(middle).padStart(3, '0')}`, rowsOf(from, to, 'TRUE'));
await writeTable(engine, one, 'all', rowsOf(0, ROWS, 'FALSE'));
await writeTable(engine, near, 'all', rowsOf(0, ROWS, `range >= ${from} AND range < ${to}`));
await writeTable(engine, far, 'all', rowsOf(0, ROWS, 'hash(range) % 100 = 0'));
await engine.close();

interface Stored {
  readonly first: number;
  readonly second: number;
  readonly cpuMs: number;
}

const own = await startOwn(folder);
const claims = new Claims();
try {
  await printResult('one file of a hundred', [hundred, hundredAfter], TARGET);
  await printResult('1 % of the rows of one file, neighbors', [one, near], TARGET);
  await printResult('1 % of the rows of one file, all over it', [one, far], undefined);
} finally {
  await own.stop();
}
claims.end();

async function printResult(
  what: string,
  versions: readonly [string, string],
  target: number | undefined,
): Promise<void> {
  const name = what.replaceAll(/[^a-z0-9]+/g, '-');
  const ours = await storedByOwn(own, name, versions);
  const theirs = await storedByDvc(name, versions);
  const share = ours.second / ours.first;
  const result =
    target === undefined
      ? 'no target'
      : `target at most ${percent(target)}: ${claims.judge(what, share <= target, `${percent(share)} new bytes`)}`;
  console.log(
    `${what}\n  new bytes of the second version: Dais ${percent(share)} (${result}), DVC ${percent(theirs.second / theirs.first)}` +
      `\n  first version: Dais ${(ours.first / 1e6).toFixed(0)} MB, DVC ${(theirs.first / 1e6).toFixed(0)} MB` +
      `\n  CPU of the second version: Dais ${(ours.cpuMs / 1000).toFixed(1)} s, with its Parquet written anew; DVC ${(theirs.cpuMs / 1000).toFixed(1)} s; ${load()}`,
  );
}

interface Version {
  readonly files: readonly { readonly digest: string; readonly bytes: number }[];
}

async function storedByOwn(dais: Own, dataset: string, versions: readonly string[]): Promise<Stored> {
  const known = new Set<string>();
  const stored: number[] = [];
  let cpuMs = 0;
  for (const [at, version] of versions.entries()) {
    const files = (await readdir(version)).toSorted().map((file) => join(version, file));
    const before = dais.cpu();
    await dais.push(dataset, files);
    cpuMs = dais.cpu() - before;
    const made = await dais.ask<Version>('GET', `/api/v1/data/datasets/${dataset}/versions/${at + 1}`);
    const fresh = made.files.filter(({ digest }) => !known.has(digest));
    for (const { digest } of fresh) known.add(digest);
    stored.push(fresh.reduce((sum, { bytes }) => sum + bytes, 0));
  }
  return { first: stored[0] ?? NaN, second: stored[1] ?? NaN, cpuMs };
}

async function storedByDvc(name: string, versions: readonly string[]): Promise<Stored> {
  const repository = join(folder, `dvc-${name}`);
  const data = join(repository, 'data');
  const environment = { name: 'dvc', requirements: here('requirements-dvc.txt') };
  const held: number[] = [];
  let cpuMs = 0;
  for (const version of versions) {
    await rm(data, { recursive: true, force: true });
    await cp(version, data, { recursive: true });
    const result = await runPeer<PeerUsage & { bytes: number }>(environment, repository, [
      'dvc_add.py',
      repository,
      'data',
    ]);
    held.push(result.bytes);
    cpuMs = result.cpuMs;
  }
  await rm(repository, { recursive: true });
  return { first: held[0] ?? NaN, second: (held[1] ?? NaN) - (held[0] ?? NaN), cpuMs };
}
