/** Dataset versions of steps: inputs, and versions from output files. */
import { createReadStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { DaisError, type Actor } from '@dais/api';
import type { QueryOutput } from '#engines/query/contract.ts';
import { linkContent } from '#kernel/content/references.ts';
import { ensureResource } from '#kernel/resource-handlers.ts';
import { tenantNames } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { findDataset, requireDataset, readDatasetSpec } from '../dataset-rows.ts';
import { sourceFile } from '../ingest/file-format.ts';
import { pushedName } from '../ingest/gather.ts';
import { enqueueIngest, insertIngest, insertIngestFiles } from '../ingest/pushes.ts';
import { maskedColumns, type MaskedColumn } from '../reading/masks.ts';
import { maskedView } from '../reading/read-version.ts';
import { tableOf, withLocalFiles } from '../versions/local-files.ts';
import { requireUsable, resolveVersion } from '../versions/resolve.ts';
import { readVersion } from '../versions/version-rows.ts';

type DatasetAccess = (dataset: string) => (action: string) => Promise<boolean>;

/** A version as an input of a run. */
interface GivenVersion {
  readonly name: string;
  readonly number: number;
  readonly id: string;
  readonly versionDigest: string;
  readonly unmasked: readonly string[];
}

interface StepFile {
  readonly name: string;
  readonly open: () => Promise<Readable>;
}

interface Made {
  readonly dataset: string;
  readonly run: string;
  readonly attempt: string;
  readonly actor: Actor;
  readonly message: string;
  readonly files: readonly {
    readonly name: string;
    readonly content: string;
    readonly sha256: string;
    readonly bytes: number;
  }[];
}

export class StepVersions {
  readonly #dependencies: DataDependencies;

  constructor(dependencies: DataDependencies) {
    this.#dependencies = dependencies;
  }

  async find(tx: Transaction, reference: string, may: DatasetAccess | undefined): Promise<GivenVersion> {
    const { id, dataset: name, number, digest, schema } = requireUsable(await resolveVersion(tx, reference));
    const existing = new Set(schema.columns.map((column) => column.name));
    const hidden = await this.masked(tx, name, undefined);
    const still = new Set(may === undefined ? hidden : await this.masked(tx, name, may));
    const unmasked = hidden.filter((column) => existing.has(column) && !still.has(column));
    return { name, number, id, versionDigest: digest, unmasked };
  }

  async masked(tx: Transaction, dataset: string, may: DatasetAccess | undefined): Promise<readonly string[]> {
    return (await this.#masks(tx, dataset, may)).map(({ column }) => column);
  }

  /**
   * Provides the stored Parquet files if no column is masked, else a temporary masked copy.
   * @throws DaisError `invalid_state` for a version that was deleted or is broken.
   */
  async withFiles<T>(
    {
      projectId,
      input,
      signal,
    }: {
      readonly projectId: string;
      readonly input: GivenVersion & { readonly format: 'parquet' | 'csv' };
      readonly signal: AbortSignal;
    },
    work: (files: readonly StepFile[]) => Promise<T>,
  ): Promise<T> {
    const { database } = this.#dependencies;
    const { version, masked } = await transact(database, { mode: 'read', projectId }, async (tx) => {
      const found = requireUsable(await readVersion(tx, input.id));
      const shown = new Set(input.unmasked);
      const existing = new Set(found.schema.columns.map(({ name }) => name));
      const masks = await this.#masks(tx, found.dataset, undefined);
      return { version: found, masked: masks.filter(({ column }) => existing.has(column) && !shown.has(column)) };
    });
    return await withLocalFiles(this.#dependencies, version, async (files) => {
      const kept = files.every(({ format, source }) => format === 'parquet' && source === undefined);
      if (input.format === 'parquet' && masked.length === 0 && kept && files.length > 0) {
        return await work(files.map(({ name, path }) => fileAt(name.replaceAll('/', '_'), path)));
      }
      const folder = join(this.#dependencies.folder, 'steps', uuidv7(this.#dependencies.clock.now()));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      try {
        const path = join(folder, 'rows.csv');
        const output: QueryOutput =
          input.format === 'csv'
            ? { type: 'csv', path }
            : { type: 'parquet', folder, name: 'rows', split: { type: 'one' } };
        const engine = await this.#dependencies.query();
        const tables = { rows: tableOf(version, files) };
        const job = { tables, query: maskedView('rows', { version, masked }), output, owner: projectId };
        const made = await engine.run(job, { signal });
        return await work([fileAt(`rows.${input.format}`, made.files[0]?.path ?? path)]);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }

  /** Checks outputs that become versions. @throws DaisError `invalid_request` (unknown format), `invalid_state` (the dataset has a source). */
  async requireReadable(tx: Transaction, dataset: string, names: readonly string[]): Promise<void> {
    const existing = await findDataset(tx, dataset);
    const spec = existing === undefined ? undefined : await readDatasetSpec(tx, dataset);
    const source = spec?.source?.type ?? 'upload';
    if (source !== 'upload') {
      throw new DaisError(
        'invalid_state',
        `The rows of ${dataset} come from its source \`${source}\`. A step cannot write to it.`,
      );
    }
    for (const name of names) sourceFile('', name, spec?.format);
  }

  /** Passes content of the run to an ingest. */
  async make(tx: Transaction, { dataset: name, run, attempt, actor, message, files }: Made): Promise<void> {
    const { projectId } = tx;
    if ((await findDataset(tx, name)) === undefined) {
      const project = (await tenantNames(tx.sql, [projectId])).get(projectId) ?? '';
      const resource = { kind: 'Dataset', name, origin: 'step', spec: {} };
      await ensureResource(tx, this.#dependencies.kinds(), { id: projectId, name: project }, resource);
    }
    const dataset = await requireDataset(tx, name);
    const id = await insertIngest(tx, dataset, {
      message,
      tags: [],
      source: { type: 'step', invalidRows: 'refuse', execution: run, step: attempt },
      now: this.#dependencies.clock.now(),
      state: 'pending',
      by: actor,
    });
    await insertIngestFiles(
      tx,
      id,
      files.map((file) => ({ ...file, here: true })),
    );
    for (const [position, { content }] of files.entries()) {
      const to = { projectId, uid: id, name: pushedName(position) };
      // The project already stores these bytes.
      await linkContent(tx, { projectId, uid: run, name: content }, to, { quota: null });
    }
    enqueueIngest(tx, id);
  }

  async #masks(tx: Transaction, dataset: string, may: DatasetAccess | undefined): Promise<readonly MaskedColumn[]> {
    const { principal } = tx.by;
    return await maskedColumns(tx, this.#dependencies.hooks, dataset, {
      principal,
      ...(may !== undefined && { may: may(dataset) }),
    });
  }
}

function fileAt(name: string, path: string): StepFile {
  return { name, open: async () => await Promise.resolve(createReadStream(path)) };
}
