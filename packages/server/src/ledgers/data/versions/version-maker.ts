/** Creates versions from a query over versions and files. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Actor } from '@dais/api';
import type { DataSchema, VersionSource } from '@dais/api/data';
import type { TableSource } from '#engines/query/contract.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import { ensureResource } from '#kernel/resource-handlers.ts';
import { tenantNames } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { findDataset, readDatasetSpec } from '../dataset-rows.ts';
import { checkTable } from '../ingest/table-checks.ts';
import { commitVersion, type CommittedVersion } from './commit.ts';
import { tableOf, withLocalFiles } from './local-files.ts';
import { requireUsable } from './resolve.ts';
import { splitRows } from './split-rows.ts';
import { storeFiles } from './store-files.ts';
import { readVersion } from './version-rows.ts';

export interface MakeRequest {
  readonly projectId: string;
  readonly dataset: string;
  /** Whether to create the dataset if it does not exist. */
  readonly ensure?: { readonly origin: string; readonly spec?: Readonly<Record<string, unknown>> };
  /** Tables of the query: versions by id, or local files. */
  readonly tables: Readonly<Record<string, { readonly version: string } | TableSource>>;
  readonly query: Relation;
  /** Approximate number of rows, if known. */
  readonly expectedRows?: number;
  readonly source: VersionSource;
  /** See `NewVersion`. */
  readonly onto?: string | null;
  /** Keys of lineage nodes in addition to the versions of `tables`. */
  readonly parents?: readonly string[];
  readonly message?: string;
  readonly tags?: readonly string[];
  readonly by?: Actor;
  readonly origin?: string;
}

export type MakeIo = Pick<JobIo, 'signal' | 'write'> & { readonly progress?: (share: number) => void };

export class VersionMaker {
  readonly #dependencies: DataDependencies;

  constructor(dependencies: DataDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Runs the query, stores the result and commits it atomically as a version with its lineage. `also` runs in the same
   * transaction.
   * @throws QueryError; DaisError `not_found`, `invalid_state` (a version that is not ready), `conflict`, `data_invalid`.
   */
  async make(
    request: MakeRequest,
    io: MakeIo,
    also?: (tx: Transaction, made: CommittedVersion) => Promise<void>,
  ): Promise<CommittedVersion> {
    const folder = join(this.#dependencies.folder, 'make', uuidv7(this.#dependencies.clock.now()));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      await this.#ensure(request, io);
      return await this.#withTables(
        Object.entries(request.tables),
        {},
        async (tables, versions) => {
          return await this.#make(request, { tables, versions, folder, io, also });
        },
        request.projectId,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #make(
    request: MakeRequest,
    {
      tables,
      versions,
      folder,
      io,
      also,
    }: {
      tables: Readonly<Record<string, TableSource>>;
      versions: readonly string[];
      folder: string;
      io: MakeIo;
      also: ((tx: Transaction, made: CommittedVersion) => Promise<void>) | undefined;
    },
  ): Promise<CommittedVersion> {
    const { projectId, dataset, source } = request;
    const engine = await this.#dependencies.query();
    const spec = await transact(
      this.#dependencies.database,
      { mode: 'read', projectId },
      async (tx) => await readDatasetSpec(tx, dataset),
    );
    const { keys = [], sensitive = [] } = spec;
    const rows = splitRows(request.expectedRows ?? rowsOf(tables), undefined);
    const result = await engine.run(
      {
        tables,
        query: request.query,
        output: { type: 'parquet', folder, name: 'part', split: { type: 'content', rows } },
        owner: projectId,
      },
      { signal: io.signal, progress: ({ share = 0 }) => io.progress?.(share * 0.8) },
    );
    const schema: DataSchema = {
      columns: result.columns.map(({ name, type }) => ({ name, type, nullable: true })),
    };
    const written = result.files.filter((file) => file.rows > 0);
    const hidden = new Set(sensitive.map(({ column }) => column));
    const existing = new Set(schema.columns.map(({ name }) => name));
    const checkedKeys = keys.every((key) => existing.has(key)) ? keys : [];
    const local = written.map(({ path }) => ({ path, format: 'parquet' as const }));
    const options = { signal: io.signal, owner: projectId };
    await checkTable(engine, local, { columns: schema.columns, keys: checkedKeys, hidden }, options);
    const files = await storeFiles(this.#dependencies, { projectId, dataset }, written, io.signal);
    io.progress?.(0.95);
    return await io.write(async (tx) => {
      const made = await commitVersion(tx, this.#dependencies, {
        dataset,
        files,
        schema,
        source: { ...source, versions: [...new Set([...(source.versions ?? []), ...versions])] },
        splitRows: rows,
        ...pick(request),
      });
      await also?.(tx, made);
      return made;
    });
  }

  async #ensure({ projectId, dataset, ensure }: MakeRequest, io: MakeIo): Promise<void> {
    if (ensure === undefined) return;
    await io.write(async (tx) => {
      if ((await findDataset(tx, dataset)) !== undefined) return;
      const name = (await tenantNames(tx.sql, [projectId])).get(projectId) ?? '';
      const resource = { kind: 'Dataset', name: dataset, origin: ensure.origin, spec: ensure.spec ?? {} };
      await ensureResource(tx, this.#dependencies.kinds(), { id: projectId, name }, resource);
    });
  }

  /** Opens versions one after the other, and keeps all of them open until the end. */
  async #withTables<T>(
    [first, ...rest]: readonly (readonly [string, { readonly version: string } | TableSource])[],
    tables: Readonly<Record<string, TableSource>>,
    work: (tables: Readonly<Record<string, TableSource>>, versions: readonly string[]) => Promise<T>,
    projectId: string,
  ): Promise<T> {
    if (first === undefined) return await work(tables, []);
    const [name, table] = first;
    if (!('version' in table)) return await this.#withTables(rest, { ...tables, [name]: table }, work, projectId);
    const request = { mode: 'read', projectId } as const;
    const version = await transact(this.#dependencies.database, request, async (tx) =>
      requireUsable(await readVersion(tx, table.version)),
    );
    return await withLocalFiles(this.#dependencies, version, async (files) => {
      const own = { ...tables, [name]: tableOf(version, files) };
      const withOwn = async (all: Readonly<Record<string, TableSource>>, others: readonly string[]) =>
        await work(all, [version.id, ...others]);
      return await this.#withTables(rest, own, withOwn, projectId);
    });
  }
}

function pick({ onto, parents, message, tags, by, origin }: MakeRequest) {
  return {
    ...(onto !== undefined && { onto }),
    ...(parents !== undefined && { parents }),
    ...(message !== undefined && { message }),
    ...(tags !== undefined && { tags }),
    ...(by !== undefined && { by }),
    ...(origin !== undefined && { origin }),
  };
}

/** Estimates the number of rows from the file size, at ten bytes per value. */
function rowsOf(tables: Readonly<Record<string, TableSource>>): number {
  const files = Object.values(tables).flatMap((table) => ('files' in table ? table.files : []));
  return files.length * 100_000;
}
