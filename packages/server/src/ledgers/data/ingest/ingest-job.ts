/**
 * Creates a version from the files of an ingest, atomically: one transaction commits the version and ends the ingest.
 * Content that was stored before is garbage if that transaction never commits.
 */
import { createReadStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError, eventTypes, type DatasetSource, type DatasetSpec } from '@dais/api';
import { type DataColumn, type DatasetVersion, type IngestProblem } from '@dais/api/data';
import type { QueryEngine, SourceFile } from '#engines/query/contract.ts';
import { aggregate, named, scan } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import { QueryError } from '#engines/query/model/query-error.ts';
import { attachContent, detachContent } from '#kernel/content/references.ts';
import type { JobHandler, JobIo } from '#kernel/job-runner.ts';
import type { JobClaim } from '#kernel/jobs.ts';
import { byteQuota } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { keyOf } from '#ledgers/lineage/index.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { requireDataset, emitAboutDataset, readDatasetSpec } from '../dataset-rows.ts';
import { commitVersion, type NewFile } from '../versions/commit.ts';
import { withStoredFiles } from '../versions/local-files.ts';
import { requireUsable, resolveVersion } from '../versions/resolve.ts';
import { splitRows } from '../versions/split-rows.ts';
import { VersionMaker, type MakeRequest } from '../versions/version-maker.ts';
import { previousReady } from '../versions/version-rows.ts';
import { engineColumns, determineColumns } from './columns.ts';
import { commonUri, fetchAll, withSource } from './from-source.ts';
import { sourceFile } from './file-format.ts';
import { contentOfIngest, gatherPushed, pushedName, REJECTS, type GatheredFile } from './gather.ts';
import { problemOf, problemsOfError, SHOWN_PROBLEMS } from './ingest-problems.ts';
import {
  endIngest,
  noteProgress,
  readIngest,
  readIngestFiles,
  type IngestFileRow,
  type IngestRow,
} from './ingest-rows.ts';
import { readGroups, type GroupsRead } from './read-groups.ts';
import type { TableShape } from './reading-plan.ts';
import { checkTable } from './table-checks.ts';

export const INGEST_QUEUE = 'data-ingest';

interface Before {
  readonly row: IngestRow;
  readonly files: readonly IngestFileRow[];
  readonly spec: DatasetSpec;
  /** The newest ready version. */
  readonly version: DatasetVersion | undefined;
  readonly splitRows: number | undefined;
}

interface Reading {
  readonly gathered: readonly GatheredFile[];
  readonly sources: readonly SourceFile[];
  readonly columns: readonly DataColumn[];
  /** The version of an external table that was read. */
  readonly snapshot: string | undefined;
  readonly shape: TableShape | undefined;
}

interface Gathered {
  readonly gathered: readonly GatheredFile[];
  readonly sourceColumns: readonly DataColumn[] | undefined;
  readonly snapshot?: string | undefined;
  readonly shape?: TableShape | undefined;
  readonly mode: 'managed' | 'reference';
}

export function ingestHandler(dependencies: DataDependencies): JobHandler {
  return {
    queue: INGEST_QUEUE,
    concurrency: 2,
    perProject: 2,
    retry: { baseMs: 1000, capMs: 60_000 },
    run: async (job, io) => await new IngestRun(dependencies, job, io).run(),
    async ended(tx, job, end) {
      if (end.state === 'succeeded') return;
      const id = String(job.payload['ingest']);
      await tx.enter(job.projectId);
      const state = end.state === 'canceled' ? 'canceled' : 'failed';
      await failIngest(tx, id, state, { now: dependencies.clock.now(), problems: [{ message: end.error }] });
    },
  };
}

/** Ends an ingest without a version, and deletes its uploads. */
export async function failIngest(
  tx: Transaction,
  id: string,
  state: 'failed' | 'canceled',
  end: { readonly now: number; readonly problems: readonly IngestProblem[]; readonly rejects?: number },
): Promise<void> {
  const row = await readIngest(tx, id, true).catch(() => undefined);
  if (row === undefined || !(await endIngest(tx, id, { state, ...end }))) return;
  await dropPushed(tx, row);
  if (state === 'canceled') return;
  const dataset = await requireDataset(tx, row.name);
  const reason = (end.problems[0]?.message ?? '').slice(0, 2000);
  emitAboutDataset(tx, dataset, eventTypes.datasetIngestFailed, { ingest: id, reason });
}

/** How the rows of a version are split into files. */
export async function splitBefore({ sql }: Transaction, version: string): Promise<number | undefined> {
  const [row] = await sql.query<{ split_rows: number | null }>(
    'select split_rows from data.version where id = $1',
    [version],
    'split_before',
  );
  return row?.split_rows ?? undefined;
}

async function dropPushed(tx: Transaction, row: IngestRow): Promise<void> {
  const files = await readIngestFiles(tx, row.id);
  const names = files.map(({ position }) => pushedName(position));
  if (names.length > 0) await detachContent(tx, contentOfIngest(row), names);
}

class IngestRun {
  readonly #dependencies: DataDependencies;
  readonly #id: string;
  readonly #io: JobIo;
  readonly #folder: string;
  #notedAt = 0;
  /** The input of an ingest, after the files are known. */
  #reading: Reading | undefined;

  constructor(dependencies: DataDependencies, job: JobClaim, io: JobIo) {
    this.#dependencies = dependencies;
    this.#id = String(job.payload['ingest']);
    this.#io = io;
    this.#folder = join(dependencies.folder, 'ingest', this.#id);
  }

  async run(): Promise<unknown> {
    // An earlier attempt can have ended here.
    await rm(this.#folder, { recursive: true, force: true });
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    try {
      return await this.#make();
    } catch (error) {
      if (!(error instanceof DaisError) || error.retryable || this.#io.signal.aborted) throw error;
      await this.#refuse(error);
      return { ingest: this.#id, state: 'failed' };
    } finally {
      await rm(this.#folder, { recursive: true, force: true });
    }
  }

  async #make(): Promise<unknown> {
    const { signal } = this.#io;
    const before = await this.#io.read(async (tx) => await this.#readBefore(tx));
    if (before.row.ended_at !== null) return { ingest: this.#id };
    if (before.spec.source?.type === 'dataset') return await this.#query(before, before.spec.source);
    await this.#note('fetch', 0);
    const { gathered, sourceColumns, mode, snapshot, shape } = await this.#gather(before, signal);
    const engine = await this.#dependencies.query();
    const formats = { ...before.spec.format };
    const sources = gathered.map(({ path, name, format, part }) => ({
      ...sourceFile(path ?? '', name, format === undefined ? before.spec.format : { ...formats, type: format }),
      ...(part !== undefined && { part }),
    }));
    const columns = sourceColumns ?? (await this.#columns(engine, before, { gathered, sources, shape }));
    const reading = { gathered, sources, columns, snapshot, shape };
    this.#reading = reading;
    if (mode === 'reference') return await this.#pin(engine, before, reading);
    const read = await this.#read(engine, before, reading);
    await this.#note('check', 0);
    await this.#check(engine, before, columns, read);
    await this.#note('store', 0);
    return await this.#commit(before, { gathered, columns, read });
  }

  /** Describes the files to read. `sourceColumns`: columns from the source, if the manifest declares none. */
  async #gather({ row, files, spec }: Before, signal: AbortSignal): Promise<Gathered> {
    const { source = { type: 'upload' as const } } = spec;
    if (source.type === 'upload' || source.type === 'dataset') {
      const gathered = await gatherPushed(this.#dependencies, row, files, { folder: this.#folder, signal });
      return { gathered, sourceColumns: undefined, mode: 'managed' };
    }
    return await withSource(this.#dependencies, { source, projectId: row.project_id }, async (opened) => {
      const progress = (share: number) => void this.#note('fetch', share);
      const mode = 'mode' in source ? source.mode : 'managed';
      const found = await fetchAll(opened, { folder: this.#folder, mode, signal, progress });
      const gathered = found.files.map(({ object, ...file }) => ({ ...file, format: object.format }));
      const snapshot = found.files[0]?.object.snapshot;
      const { columns, shape } = found;
      return { gathered, sourceColumns: spec.columns === undefined ? columns : undefined, mode, snapshot, shape };
    });
  }

  /** Creates a version by SQL from other versions. */
  async #query({ row }: Before, source: Extract<DatasetSource, { type: 'dataset' }>): Promise<unknown> {
    const { sql, tables: named } = source;
    const found = await this.#io.read(async (tx) => {
      const versions: [string, string][] = [];
      for (const [table, reference] of Object.entries(named)) {
        versions.push([table, requireUsable(await resolveVersion(tx, reference)).id]);
      }
      return versions;
    });
    const views = Object.fromEntries(found.map(([table]) => [table, scan(`dataset ${table}`)]));
    const request: MakeRequest = {
      projectId: row.project_id,
      dataset: row.name,
      tables: Object.fromEntries(found.map(([table, version]) => [`dataset ${table}`, { version }])),
      query: { type: 'sql', dialect: 'duckdb', sql, views },
      source: { type: 'query', sql },
      message: row.message,
      tags: row.tags,
      by: row.created_by,
      origin: row.origin,
    };
    const io = { ...this.#io, progress: (share: number) => void this.#note('read', share) };
    const made = await new VersionMaker(this.#dependencies).make(request, io, async (tx, { version, unchanged }) => {
      await endIngest(tx, row.id, { state: 'succeeded', now: this.#dependencies.clock.now(), version, unchanged });
    });
    return { ingest: row.id, version: made.version.number, unchanged: made.unchanged };
  }

  /** Creates a version that refers to external files. They are read once to determine the schema. */
  async #pin(engine: QueryEngine, { row, spec }: Before, from: Reading): Promise<unknown> {
    const { gathered, sources, columns } = from;
    const files: NewFile[] = [];
    for (const [at, source] of sources.entries()) {
      const file = gathered[at];
      if (file?.uri === undefined) throw new Error('a pinned file has no URI');
      const table = { files: [source], columns: engineColumns(columns), invalidRows: row.source.invalidRows };
      const count: Relation = {
        type: 'aggregate',
        from: scan('rows'),
        by: [],
        columns: [named('n', aggregate('count'))],
      };
      const job = {
        tables: { rows: table },
        query: count,
        output: { type: 'rows', limit: 1 } as const,
        owner: row.project_id,
      };
      const result = await engine.run(job, { signal: this.#io.signal });
      const rows = Number(result.rows[0]?.[0] ?? 0);
      files.push({
        digest: file.digest,
        bytes: file.bytes,
        rows,
        uri: file.uri,
        pin: file.pin ?? '',
        format: source.format,
      });
      await this.#note('read', (at + 1) / sources.length);
    }
    const options = { signal: this.#io.signal, owner: row.project_id };
    const hidden = new Set((spec.sensitive ?? []).map(({ column }) => column));
    await checkTable(engine, sources, { columns, keys: spec.keys ?? [], hidden }, options);
    const read = { files, rejects: [], rejectCount: 0, paths: new Map<string, string>(), splitRows: undefined };
    return await this.#commit({ row, spec }, { gathered, columns, read, mode: 'reference' });
  }

  async #readBefore(tx: Transaction): Promise<Before> {
    const row = await readIngest(tx, this.#id);
    const [files, spec, version] = [
      await readIngestFiles(tx, row.id),
      await readDatasetSpec(tx, row.name),
      await previousReady(tx, row.name, 2 ** 31 - 1),
    ];
    const split = version === undefined ? undefined : await splitBefore(tx, version.id);
    return { row, files, spec, version, splitRows: split };
  }

  async #columns(
    engine: QueryEngine,
    { spec, version }: Before,
    { gathered, sources, shape }: Pick<Reading, 'gathered' | 'sources' | 'shape'>,
  ): Promise<readonly DataColumn[]> {
    const { columns } = await determineColumns(spec, version?.schema.columns, async () => {
      await this.#note('infer', 0);
      const here = sources.filter((_, at) => gathered[at]?.path !== undefined);
      // Deleted rows do not change columns.
      const plain = here.map(({ part, ...file }) =>
        part === undefined ? file : { ...file, part: { values: part.values ?? [] } },
      );
      const table = { files: plain, ...(shape !== undefined && { shape }) };
      return await engine.describe(table, { signal: this.#io.signal });
    });
    return columns;
  }

  async #read(
    engine: QueryEngine,
    { row, spec, version, splitRows: splitBefore }: Before,
    { gathered, sources, columns, shape }: Reading,
  ): Promise<GroupsRead & { readonly splitRows: number }> {
    const bytes = gathered.reduce((sum, file) => sum + file.bytes, 0);
    // The number of rows is unknown before reading: text files have about ten bytes per value.
    const guess =
      version === undefined || version.bytes === 0 ? bytes / (10 * Math.max(1, columns.length)) : version.rows;
    const rows = splitRows(guess, splitBefore);
    const read = await readGroups(
      this.#dependencies,
      engine,
      {
        projectId: row.project_id,
        dataset: row.name,
        files: gathered.map(({ name, digest, bytes: size }, at) => ({
          name,
          digest,
          bytes: size,
          source: sources[at] ?? { path: '', format: 'csv' },
        })),
        columns,
        shape,
        keys: spec.keys ?? [],
        splitRows: rows,
        invalidRows: row.source.invalidRows,
        folder: this.#folder,
        owner: row.project_id,
      },
      { signal: this.#io.signal, progress: (share) => void this.#note('read', share) },
    );
    return { ...read, splitRows: rows };
  }

  /** Checks the stored files, because some of them were read by an earlier ingest. */
  async #check(
    engine: QueryEngine,
    { row, spec }: Before,
    columns: readonly DataColumn[],
    { files, paths }: GroupsRead,
  ): Promise<void> {
    const { keys = [], sensitive = [] } = spec;
    if (keys.length === 0 && columns.every(({ nullable }) => nullable)) return;
    const hidden = new Set(sensitive.map(({ column }) => column));
    const kept = files.flatMap(({ digest, bytes, rows }) =>
      paths.has(digest) ? [] : [{ name: digest, digest, bytes, rows }],
    );
    const of = { project: row.project_id, dataset: row.name };
    await withStoredFiles(this.#dependencies, of, kept, async (local) => {
      const locations = new Map([...paths, ...local.map(({ digest, path }) => [digest, path] as const)]);
      const all = files.map(({ digest }) => ({ path: locations.get(digest) ?? '', format: 'parquet' as const }));
      const options = { signal: this.#io.signal, owner: row.project_id };
      await checkTable(engine, all, { columns, keys, hidden }, options);
    });
  }

  async #commit(
    { row, spec }: Pick<Before, 'row' | 'spec'>,
    made: {
      gathered: readonly GatheredFile[];
      columns: readonly DataColumn[];
      read: GroupsRead & { readonly splitRows: number | undefined };
      mode?: 'reference';
    },
  ): Promise<unknown> {
    const { gathered, columns, read, mode } = made;
    const { invalidRows: _, ...source } = row.source;
    const reading = this.#reading;
    const rejects = read.rejectCount === 0 || reading === undefined ? undefined : await this.#keepRejects(row, reading);
    const parents = row.source.step === undefined ? [] : [keyOf('step', row.source.step)];
    return await this.#io.write(async (tx) => {
      const locked = await readIngest(tx, this.#id, true);
      if (locked.ended_at !== null) return { ingest: this.#id };
      const { version, unchanged } = await commitVersion(tx, this.#dependencies, {
        dataset: row.name,
        files: read.files,
        schema: { columns: [...columns] },
        ...(mode !== undefined && { mode }),
        parents,
        source: {
          ...source,
          ...(gathered[0]?.uri !== undefined && { uri: commonUri(gathered) }),
          ...(reading?.snapshot !== undefined && { snapshot: reading.snapshot }),
          files: gathered.slice(0, 1000).map(({ name, digest, bytes }) => ({ name, digest, bytes })),
        },
        message: row.message,
        tags: row.tags,
        by: row.created_by,
        origin: row.origin,
        ...(read.splitRows !== undefined && { splitRows: read.splitRows }),
      });
      if (rejects !== undefined) {
        await attachContent(tx, contentOfIngest(row), [{ lease: rejects, name: REJECTS }], { replace: true });
      }
      await endIngest(tx, this.#id, {
        state: 'succeeded',
        now: this.#dependencies.clock.now(),
        problems: read.rejects.slice(0, SHOWN_PROBLEMS).map(problemOf(spec)),
        rejects: read.rejectCount,
        version: { id: version.id, number: version.number },
        unchanged,
      });
      await dropPushed(tx, row);
      return { ingest: this.#id, version: version.number, unchanged };
    });
  }

  /** Handles invalid data, which is not a failure of the job. */
  async #refuse(error: DaisError): Promise<void> {
    const { row, spec } = await this.#io.read(async (tx) => await this.#readBefore(tx));
    const problems = problemsOfError(error, spec);
    const count = error instanceof QueryError ? error.errorCount : 0;
    const lease = count === 0 || this.#reading === undefined ? undefined : await this.#tryRejects(row, this.#reading);
    await this.#io.write(async (tx) => {
      if (lease !== undefined) {
        await attachContent(tx, contentOfIngest(row), [{ lease, name: REJECTS }], { replace: true });
      }
      await failIngest(tx, row.id, 'failed', {
        now: this.#dependencies.clock.now(),
        problems,
        rejects: lease === undefined ? 0 : count,
      });
    });
  }

  /** Stores rejected rows. Unreadable files have no rows. */
  async #tryRejects(row: IngestRow, reading: Reading): Promise<string | undefined> {
    try {
      return await this.#keepRejects(row, reading);
    } catch (error) {
      this.#io.signal.throwIfAborted();
      this.#dependencies.log.debug('rejected rows could not be stored', { ingest: row.id, error });
      return undefined;
    }
  }

  /** Writes all invalid rows to one file; undefined if that fails. */
  async #keepRejects(row: IngestRow, { gathered, sources, columns, shape }: Reading): Promise<string | undefined> {
    const rejectsPath = join(this.#folder, REJECTS);
    const engine = await this.#dependencies.query();
    const files = sources.filter((_, at) => gathered[at]?.path !== undefined);
    await engine.run(
      {
        tables: {
          rows: { files, ...(shape !== undefined && { shape }), columns: engineColumns(columns), invalidRows: 'keep' },
        },
        query: scan('rows'),
        output: { type: 'none' },
        rejectsPath,
        owner: row.project_id,
      },
      { signal: this.#io.signal },
    );
    const existing = await stat(rejectsPath).catch(() => undefined);
    if (existing === undefined) return undefined;
    const quota = await this.#io.read(async (tx) => await byteQuota(tx, row.project_id));
    const { id } = await this.#dependencies.content.upload(createReadStream(rejectsPath), {
      projectId: row.project_id,
      quota,
    });
    return id;
  }

  /** Reports progress, at most a few times per second. */
  async #note(phase: string, share: number): Promise<void> {
    const now = this.#dependencies.clock.now();
    this.#io.progress({ phase, share });
    if (share > 0 && now - this.#notedAt < 300) return;
    this.#notedAt = now;
    try {
      await this.#io.write(async (tx) => await noteProgress(tx, this.#id, phase, overall(phase, share)));
    } catch (error) {
      // Progress is best effort; a lost lease is detected at the next step.
      this.#dependencies.log.debug('the progress of an ingest could not be recorded', { ingest: this.#id, error });
    }
  }
}

/** Start and end of each phase as a share of the whole. */
const PHASES: Readonly<Record<string, readonly [number, number]>> = {
  fetch: [0, 0.05],
  infer: [0.05, 0.2],
  read: [0.2, 0.9],
  check: [0.9, 0.97],
  store: [0.97, 1],
};

function overall(phase: string, share: number): number {
  const [from, to] = PHASES[phase] ?? [0, 1];
  return from + (to - from) * Math.min(1, Math.max(0, share));
}
