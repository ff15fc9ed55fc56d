/** Schemas of packed rows. They are immutable, so they are cached. */
import { createHash } from 'node:crypto';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { Database } from '#engines/database/contract.ts';
import type { CompiledView } from '../definitions/compiled.ts';
import type { PackedColumn } from '../values/packed-row.ts';

export interface Packing {
  readonly id: number;
  readonly columns: readonly PackedColumn[];
}

/** Maximum number of cached schemas. */
const MOST = 5000;

export class Packings {
  readonly #database: Database;
  /** By project and id. */
  readonly #byId = new Map<number, readonly PackedColumn[]>();
  readonly #ofView = new Map<string, Packing>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Returns the schema for new rows of a view. */
  async of(projectId: string, view: CompiledView): Promise<Packing> {
    const columns = view.features.map(({ name, type }) => ({ name, type }));
    const text = JSON.stringify(columns);
    const key = `${view.uid} ${text}`;
    const kept = this.#ofView.get(key);
    if (kept !== undefined) return kept;
    const digest = createHash('sha256').update(text).digest('hex');
    const id = await transact(this.#database, { mode: 'write', projectId }, async (tx) => {
      const [row] = await tx.sql.query<{ id: bigint }>(
        `insert into features.packing as p (project_id, view, digest, columns) values ($1, $2, $3, $4)
         on conflict (view, digest) do update set digest = p.digest returning id`,
        [projectId, view.uid, digest, text],
        'packing_of',
      );
      return Number(row?.id);
    });
    const packing = { id, columns };
    if (this.#ofView.size >= MOST) this.#ofView.clear();
    this.#ofView.set(key, packing);
    this.#keep(id, columns);
    return packing;
  }

  #keep(id: number, columns: readonly PackedColumn[]): void {
    if (this.#byId.size >= MOST) this.#byId.clear();
    this.#byId.set(id, columns);
  }

  /** Returns the schemas of known ids; reads those that are not cached. */
  async read(tx: Transaction, ids: ReadonlySet<number>): Promise<ReadonlyMap<number, readonly PackedColumn[]>> {
    const missing = [...ids].filter((id) => !this.#byId.has(id));
    if (missing.length > 0) {
      const rows = await tx.sql.query<{ id: bigint; columns: PackedColumn[] }>(
        'select id, columns from features.packing where id = any($1::bigint[])',
        [missing],
        'read_packings',
      );
      for (const { id, columns } of rows) this.#keep(Number(id), columns);
    }
    return this.#byId;
  }
}
