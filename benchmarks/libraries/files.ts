/** Files of foreign formats and locks: Avro (manifests of Iceberg), ZIP (wheels), Parquet (bodies of scoring requests), lock files. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { readParquet } from '../../packages/server/src/protocols/scoring/parquet.ts';
import { readAvroFile } from '../../packages/server/src/lib/formats/avro-file.ts';
import { processIdentity } from '../../packages/server/src/lib/system/process-identity.mjs';
import { withProcessLock } from '../../packages/server/src/lib/system/process-lock.mjs';
import { start } from '../../packages/server/src/lib/process.ts';
import { extractZipMember } from '../../packages/server/src/lib/formats/zip-member.ts';
import { zip } from '../../packages/server/src/lib/formats/zip.testing.ts';
import type { Candidates } from './candidates.ts';
import { compare } from './compare.ts';

const MANIFEST_ENTRIES = 2000;
const HOSTILE_VALUES = 2 ** 24;
const SYNC = Buffer.alloc(16, 7);

export async function compareFiles(candidates: Candidates): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-benchmark-files-'));
  try {
    await compareAvro(candidates);
    await compareZip(folder);
    await compareParquet(folder);
    await compareLocks(candidates, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function long(value: number): Buffer {
  let rest = BigInt(value) << 1n;
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const text = (value: string) => Buffer.concat([long(Buffer.byteLength(value)), Buffer.from(value)]);

function avroFile(schema: unknown, records: readonly Buffer[]): Buffer {
  const block = Buffer.concat(records);
  return Buffer.concat([
    Buffer.from('Obj\u0001'),
    long(2),
    text('avro.schema'),
    text(JSON.stringify(schema)),
    text('avro.codec'),
    text('null'),
    long(0),
    SYNC,
    long(records.length),
    long(block.length),
    block,
    SYNC,
  ]);
}

/** The fields of a manifest entry that readers use (Iceberg specification, version 2). */
const MANIFEST = {
  type: 'record',
  name: 'manifest_entry',
  fields: [
    { name: 'status', type: 'int' },
    { name: 'snapshot_id', type: ['null', 'long'] },
    {
      name: 'data_file',
      type: {
        type: 'record',
        name: 'r2',
        fields: [
          { name: 'content', type: 'int' },
          { name: 'file_path', type: 'string' },
          { name: 'file_format', type: 'string' },
          { name: 'record_count', type: 'long' },
          { name: 'file_size_in_bytes', type: 'long' },
          { name: 'value_counts', type: { type: 'map', values: 'long' } },
        ],
      },
    },
  ],
};

interface Avsc {
  readonly default: {
    readonly streams: {
      readonly BlockDecoder: new () => {
        on(event: 'data', listener: (record: unknown) => void): void;
        on(event: 'end', listener: () => void): void;
        on(event: 'error', listener: (error: Error) => void): void;
        end(bytes: Buffer): void;
      };
    };
  };
}

async function compareAvro(candidates: Candidates): Promise<void> {
  console.log(` ${candidates.facts('avsc')}`);
  const avsc = await candidates.load<Avsc>('avsc');
  const entry = (n: number) =>
    Buffer.concat([
      long(1),
      long(1),
      long(8_000_000_000_000 + n),
      long(0),
      text(`s3://bucket/table/data/part-${String(n).padStart(8, '0')}.parquet`),
      text('PARQUET'),
      long(100_000 + n),
      long(4_000_000 + n),
      long(3),
      ...['a', 'b', 'c'].flatMap((column) => [text(column), long(100_000)]),
      long(0),
    ]);
  const manifest = avroFile(
    MANIFEST,
    Array.from({ length: MANIFEST_ENTRIES }, (_, n) => entry(n)),
  );
  const decode =
    avsc &&
    ((bytes: Buffer) =>
      new Promise<number>((resolve, reject) => {
        let records = 0;
        const decoder = new avsc.default.streams.BlockDecoder();
        decoder.on('data', () => records++);
        decoder.on('end', () => resolve(records));
        decoder.on('error', reject);
        decoder.end(bytes);
      }));
  const limits = { bytes: 100_000_000, values: 1_000_000 };
  await compare(
    `a manifest of ${MANIFEST_ENTRIES} files`,
    () => readAvroFile(manifest, limits),
    decode && (() => decode(manifest)),
    'avsc',
  );
  const hostile = avroFile({ type: 'array', items: 'null' }, [Buffer.concat([long(HOSTILE_VALUES), long(0)])]);
  const outcome = (error: unknown) => (error instanceof Error ? error.message : String(error));
  let ours = 'reads it';
  try {
    readAvroFile(hostile, limits);
  } catch (error) {
    ours = `refuses it (${outcome(error)})`;
  }
  console.log(`  a file of ${hostile.length} bytes that announces ${HOSTILE_VALUES} nulls: ours ${ours}`);
  if (decode !== undefined) {
    const before = process.memoryUsage().heapUsed;
    let values = 0;
    const decoder = new (avsc as Avsc).default.streams.BlockDecoder();
    await new Promise<void>((resolve) => {
      decoder.on('data', (record) => {
        values = (record as unknown[]).length;
        const megabytes = (process.memoryUsage().heapUsed - before) / 1e6;
        console.log(`  the same file: avsc reads ${values} values into ${megabytes.toFixed(0)} MB`);
      });
      decoder.on('end', resolve);
      decoder.on('error', (error) => {
        console.log(`  the same file: avsc fails (${error.message})`);
        resolve();
      });
      decoder.end(hostile);
    });
  }
}

async function compareZip(folder: string): Promise<void> {
  const archive = join(folder, 'wheel.zip');
  const member = Buffer.concat(Array.from({ length: 300 }, (_, n) => Buffer.from(randomUUID().repeat(500) + n)));
  const files = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`package/module_${n}.py`, `value = ${n}\n`]));
  await writeFile(archive, zip({ ...files, program: member }));
  const target = join(folder, 'program');
  await compare(
    `a member of ${(member.length / 1e6).toFixed(1)} MB of an archive of 51`,
    async () => {
      await rm(target, { force: true });
      await extractZipMember(archive, 'program', target, 2 ** 28);
    },
    undefined,
  );
}

async function compareParquet(folder: string): Promise<void> {
  const file = join(folder, 'rows.parquet');
  const database = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await database.connect();
  const columns = Array.from({ length: 10 }, (_, n) => `(i * ${n + 1})::double / 7 as x${n}`).join(', ');
  for (const rows of [10, 1000]) {
    await connection.run(`copy (select ${columns} from range(${rows}) r(i)) to '${file}' (format parquet)`);
    const body = await readFile(file);
    await compare(
      `a Parquet body of ${rows} rows with 10 columns (hyparquet)`,
      () => readParquet(body),
      async () => {
        // A request's body has to be written first: DuckDB reads files.
        await writeFile(file, body);
        const reader = await connection.runAndReadAll(`select * from read_parquet('${file}')`);
        return reader.getColumnsJS();
      },
      'DuckDB inside the process',
    );
  }
  connection.closeSync();
  database.closeSync();
}

interface ProperLockfile {
  readonly default: {
    readonly lock: (file: string, options: { readonly realpath: boolean }) => Promise<() => Promise<void>>;
  };
}

async function compareLocks(candidates: Candidates, folder: string): Promise<void> {
  console.log(` ${candidates.facts('proper-lockfile')}`);
  const library = await candidates.load<ProperLockfile>('proper-lockfile');
  const theirs = library?.default;
  await compare(
    'take and release a lock',
    async () => await withProcessLock(join(folder, 'own'), async () => {}),
    theirs && (async () => await (await theirs.lock(join(folder, 'theirs'), { realpath: false }))()),
    'proper-lockfile',
  );

  // A process that was killed while it had the lock.
  const holder = start('sleep', ['100'], { stdio: 'ignore', env: { PATH: '/usr/bin:/bin' } });
  const identity = processIdentity(holder.pid as number);
  holder.kill('SIGKILL');
  await new Promise((resolve) => holder.once('close', resolve));
  await mkdir(join(folder, 'killed'));
  await writeFile(join(folder, 'killed', randomUUID()), JSON.stringify(identity));
  const from = performance.now();
  await withProcessLock(join(folder, 'killed'), async () => {});
  console.log(`  until the lock of a killed process is free: ours ${(performance.now() - from).toFixed(0)} ms`);
  if (theirs === undefined) return;
  await mkdir(join(folder, 'left.lock'));
  const since = performance.now();
  for (;;) {
    const release = await theirs.lock(join(folder, 'left'), { realpath: false }).catch(() => undefined);
    if (release !== undefined) {
      console.log(`  the same: proper-lockfile ${(performance.now() - since).toFixed(0)} ms`);
      await release();
      return;
    }
    await delay(50);
  }
}
