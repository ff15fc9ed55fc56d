/**
 * Collects the records of segments into files of predictions. The position in each segment is committed with the files
 * that contain the records before it: even after a kill, each record is in exactly one file.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { endpointHash } from '@dais/api/gateway';
import { findTenant, ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { checkProcess } from '#lib/system/process-identity.mjs';
import { insertFile, storePredictions, type NewFileRow, type StoredPredictions } from './file-rows.ts';
import { predictionTable } from './prediction-table.ts';
import type { PredictionsDependencies } from './predictions-dependencies.ts';
import { decodeHead, decodeRecord, RECORD_HEAD, RECORD_LIMIT, type StoredPrediction } from './segment-format.ts';
import { SEGMENT_SUFFIX } from './segment.ts';

const HOUR_MS = 3_600_000;
/** Bytes of segments per round: they are in memory until they are written to a file. */
const ROUND_BYTES = 64 * 1024 * 1024;
/** The liveness of a process on another machine is unknown: its segment has ended if it did not grow for this time. */
const QUIET_MS = 600_000;

interface Progress {
  readonly name: string;
  readonly path: string;
  readonly from: number;
  readonly to: number;
  readonly lost: number;
  readonly ended: boolean;
}

export interface CollectResult {
  readonly records: number;
  readonly files: number;
  readonly lostBytes: number;
}

class Overtaken extends Error {}

export class Collector {
  readonly #dependencies: PredictionsDependencies;
  #running: Promise<CollectResult> | undefined;

  constructor(dependencies: PredictionsDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Collects everything that was written before the call. Rounds are sequential: calls during a round share the next
   * one.
   */
  async collect(signal?: AbortSignal): Promise<CollectResult> {
    while (this.#running !== undefined) await this.#running.catch(() => {});
    this.#running = this.#rounds(signal).finally(() => (this.#running = undefined));
    return await this.#running;
  }

  async #rounds(signal: AbortSignal | undefined): Promise<CollectResult> {
    const all = { records: 0, files: 0, lostBytes: 0 };
    for (;;) {
      signal?.throwIfAborted();
      const round = await this.#round();
      all.records += round.records;
      all.files += round.files;
      all.lostBytes += round.lostBytes;
      if (!round.more) return all;
    }
  }

  async #round(): Promise<CollectResult & { readonly more: boolean }> {
    const { database, clock, log, folder } = this.#dependencies;
    const { gateways, names } = await findSegments(this.#dependencies.spool);
    // Without an endpoint there has never been a gateway.
    if (gateways.length === 0) return { records: 0, files: 0, lostBytes: 0, more: false };
    const known = await this.#readPositions(gateways, names);
    const groups = new Map<string, StoredPrediction[]>();
    const progress: Progress[] = [];
    let bytes = 0;
    let more = false;
    for (const name of names) {
      if (bytes >= ROUND_BYTES) {
        more = true;
        break;
      }
      const path = join(this.#dependencies.spool, name);
      const from = known.get(name) ?? 0;
      if (from === 'ended') {
        await this.#remove(name, path);
        continue;
      }
      const read = await readSegment(path, from, ROUND_BYTES - bytes, clock.now(), isLast(name, names));
      if (read === undefined) continue;
      bytes += read.to - from;
      more ||= read.more;
      for (const record of read.records) {
        const hour = record.at - (record.at % HOUR_MS);
        const key = `${record.project}\n${record.endpointUid}\n${record.endpoint}\n${hour}`;
        const group = groups.get(key);
        if (group === undefined) groups.set(key, [record]);
        else group.push(record);
      }
      if (read.to > from || read.ended) progress.push({ name, path, from, ...read });
    }
    const lostBytes = progress.reduce((sum, { lost }) => sum + lost, 0);
    if (lostBytes > 0) log.warn('removed incompletely written predictions', { bytes: lostBytes });
    if (progress.length === 0) return { records: 0, files: 0, lostBytes, more: false };
    const scratch = join(folder, uuidv7());
    const stored: StoredPredictions[] = [];
    try {
      await mkdir(scratch, { recursive: true, mode: 0o700 });
      for (const records of groups.values()) {
        const made = await this.#write(records, scratch);
        if (made !== undefined) stored.push(made);
      }
      const now = clock.now();
      await transact(database, { mode: 'write', projectId: ORGANIZATION }, async (tx) => {
        for (const one of progress) await advance(tx, one, now);
        for (const one of stored) await insertFile(tx, one, now);
      });
    } catch (error) {
      // Another process collected these records: its files contain them, and ours have no owner.
      if (error instanceof Overtaken) return { records: 0, files: 0, lostBytes: 0, more: false };
      throw error;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    for (const { name, path, ended } of progress) if (ended) await this.#remove(name, path);
    const records = [...groups.values()].reduce((sum, some) => sum + some.length, 0);
    return { records, files: stored.length, lostBytes, more };
  }

  async #readPositions(
    gateways: readonly string[],
    names: readonly string[],
  ): Promise<ReadonlyMap<string, number | 'ended'>> {
    return await transact(this.#dependencies.database, { mode: 'write', projectId: ORGANIZATION }, async ({ sql }) => {
      const rows = await sql.query<{ name: string; read_bytes: bigint; ended: boolean }>(
        'select name, read_bytes, ended from predictions.segment where project_id = $1',
        [ORGANIZATION],
        'prediction_segments',
      );
      // Missing segments of this node were finished and removed: only their rows remain. Those of other nodes can still exist
      // there: without its row, a segment would be collected again.
      const isOwn = (name: string) => gateways.includes(name.slice(0, name.indexOf('/')));
      const vanished = rows
        .filter(({ name, ended }) => ended && isOwn(name) && !names.includes(name))
        .map(({ name }) => name);
      if (vanished.length > 0) {
        await sql.query('delete from predictions.segment where name = any($1::text[])', [vanished], 'forget_segments');
      }
      return new Map(rows.map((row) => [row.name, row.ended ? ('ended' as const) : Number(row.read_bytes)]));
    });
  }

  async #remove(name: string, path: string): Promise<void> {
    await rm(path, { force: true });
    await transact(this.#dependencies.database, { mode: 'write', projectId: ORGANIZATION }, async ({ sql }) => {
      await sql.query('delete from predictions.segment where name = $1', [name], 'forget_segment');
    });
  }

  /** Returns undefined for a deleted project: nobody may read its predictions. */
  async #write(records: readonly StoredPrediction[], scratch: string): Promise<StoredPredictions | undefined> {
    const { database, query, log } = this.#dependencies;
    const [first] = records;
    if (first === undefined) return undefined;
    const tenant = await transact(
      database,
      { mode: 'read', projectId: ORGANIZATION },
      async ({ sql }) => await findTenant(sql, first.project),
    );
    if (tenant === undefined) {
      log.warn('skipping predictions of a deleted project', { project: first.project, count: records.length });
      return undefined;
    }
    const table = predictionTable(records);
    const name = uuidv7();
    const source = join(scratch, `${name}.ndjson`);
    await pipeline(
      Readable.from(inChunks(table.lines()), { objectMode: true }),
      createWriteStream(source, { mode: 0o600 }),
    );
    const engine = await query();
    const result = await engine.run({
      tables: {
        predictions: { files: [{ path: source, name: 'predictions', format: 'ndjson' }], columns: table.columns },
      },
      query: { type: 'scan', table: 'predictions' },
      output: { type: 'parquet', folder: scratch, name, split: { type: 'one' } },
      owner: tenant.id,
    });
    await rm(source);
    const written = result.files[0];
    if (written === undefined || written.rows !== table.rows)
      throw new Error('the number of rows in the file differs from the records');
    const at = records.map((one) => one.at);
    const models = new Set(records.flatMap(({ model, version }) => (model === '' ? [] : [`${model}/${version}`])));
    const file: NewFileRow = {
      project_id: tenant.id,
      endpoint: first.endpointUid,
      name: first.endpoint,
      mark: BigInt(endpointHash(first.endpointUid)),
      hour: BigInt(first.at - (first.at % HOUR_MS)),
      predictions: records.length,
      rows: table.rows,
      erased: 0,
      columns: table.columns,
      models: [...models].toSorted(),
      first_at: BigInt(at.reduce((a, b) => Math.min(a, b))),
      last_at: BigInt(at.reduce((a, b) => Math.max(a, b))),
    };
    return await storePredictions(this.#dependencies, file, written.path);
  }
}

/** @throws Overtaken if the position has changed since it was read. */
async function advance({ sql }: Transaction, { name, from, to, lost, ended }: Progress, now: number): Promise<void> {
  const rows = await sql.query(
    `insert into predictions.segment as s (name, project_id, read_bytes, lost_bytes, ended, updated_at)
     values ($1, $2, $4, $5, $6, $7)
     on conflict (name) do update set read_bytes = $4, lost_bytes = $5, ended = $6, updated_at = $7
       where s.read_bytes = $3 and not s.ended
     returning read_bytes, (xmax = 0) as made`,
    [name, ORGANIZATION, from, to, lost, ended, now],
    'advance_segment',
  );
  const [row] = rows as readonly { readonly made: boolean }[];
  if (row === undefined || (row.made && from !== 0)) throw new Overtaken(name);
}

/** The gateways that have written to this node's folder: one, unless its number has changed. */
async function findSegments(spool: string): Promise<{ readonly gateways: string[]; readonly names: string[] }> {
  const gateways = await readdir(spool).catch(() => []);
  const names: string[] = [];
  for (const gateway of gateways) {
    for (const name of await readdir(join(spool, gateway)).catch(() => [])) {
      if (name.endsWith(SEGMENT_SUFFIX)) names.push(`${gateway}/${name}`);
    }
  }
  return { gateways, names: names.toSorted() };
}

/** Whether the process has no later segment: only the last one may still grow. */
function isLast(name: string, names: readonly string[]): boolean {
  const [, folder, token, count] = /^(.*\/)\d+-([0-9a-f]+)-(\d+)\./.exec(name) ?? [];
  return !names.some((other) => {
    const parts = /^(.*\/)\d+-([0-9a-f]+)-(\d+)\./.exec(other) ?? [];
    return parts[1] === folder && parts[2] === token && Number(parts[3]) > Number(count);
  });
}

interface SegmentRead {
  readonly to: number;
  readonly records: readonly StoredPrediction[];
  /** Returns the bytes of an incomplete record at the end of a segment without a writer. */
  readonly lost: number;
  readonly ended: boolean;
  /** The round reached its limit. */
  readonly more: boolean;
}

async function readSegment(
  path: string,
  from: number,
  count: number,
  now: number,
  last: boolean,
): Promise<SegmentRead | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    // Check the writer before reading the size: data that it wrote before its end is then included.
    const opening = Buffer.alloc(8192);
    const { bytesRead } = await file.read(opening, 0, opening.length, 0);
    const head = decodeHead(opening.subarray(0, bytesRead));
    const { mtimeMs } = await file.stat();
    const fate = head?.head.process === undefined ? 'other' : checkProcess(head.head.process);
    const quiet = now - mtimeMs > QUIET_MS;
    const finished = !last || fate === 'gone' || (fate === 'other' && quiet);
    const { size } = await file.stat();
    if (head === undefined) return { to: from, records: [], lost: 0, ended: finished, more: false };
    const start = Math.max(from, head.bytes);
    const length = Math.min(size - start, Math.max(count, RECORD_LIMIT + RECORD_HEAD));
    const bytes = Buffer.allocUnsafe(Math.max(length, 0));
    const { bytesRead: read } = await file.read(bytes, 0, bytes.length, start);
    const whole = bytes.subarray(0, read);
    const records: StoredPrediction[] = [];
    let at = 0;
    let torn = false;
    while (at < whole.length) {
      const next = decodeRecord(whole, at);
      if (typeof next === 'string') {
        torn = next === 'broken' || start + whole.length >= size;
        break;
      }
      records.push(next.record);
      at += next.bytes;
    }
    const to = start + at;
    const rest = size - to;
    const done = finished && (rest === 0 || torn);
    return { to, records, lost: done ? rest : 0, ended: done, more: !torn && rest > 0 };
  } catch (error) {
    if (error instanceof Error && error.message.includes('not a segment')) {
      return { to: from, records: [], lost: 0, ended: false, more: false };
    }
    throw error;
  } finally {
    await file.close();
  }
}

/** Yields lines in pieces of about 64 KiB. */
function* inChunks(lines: Iterable<string>): IterableIterator<string> {
  let chunk = '';
  for (const line of lines) {
    chunk += `${line}\n`;
    if (chunk.length < 65_536) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
