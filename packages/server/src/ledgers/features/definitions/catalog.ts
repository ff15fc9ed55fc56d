/** Caches compiled selections until one of their sources changes. */
import type { Transaction } from '#kernel/transaction.ts';
import type { Selection } from './compiled.ts';
import { loadSelection, type SelectionInput } from './load-selection.ts';

/** Invalidates the cache. Called by the admission of entities, views and services, in its transaction. */
export async function changeCatalog(tx: Transaction, projectId: string): Promise<void> {
  await tx.sql.query(
    `insert into features.catalog (project_id, version) values ($1, 1)
     on conflict (project_id) do update set version = catalog.version + 1`,
    [projectId],
    'change_catalog',
  );
}

/** Maximum number of cached selections: about 20 KB each with 50 features. */
const MOST = 500;

export class Catalog {
  readonly #kept = new Map<string, { readonly version: bigint; readonly selection: Selection }>();

  /** Returns the version of the project's catalog. */
  async version({ sql, projectId }: Transaction): Promise<bigint> {
    const [row] = await sql.query<{ version: bigint }>(
      'select version from features.catalog where project_id = $1',
      [projectId],
      'catalog_version',
    );
    return row?.version ?? 0n;
  }

  /** Returns a compiled selection. `version`: read in this transaction. @throws errors of `loadSelection` */
  async selection(tx: Transaction, input: SelectionInput, version: bigint): Promise<Selection> {
    const key = JSON.stringify([tx.projectId, input.service ?? null, input.features ?? null]);
    const kept = this.#kept.get(key);
    if (kept?.version === version) return kept.selection;
    const selection = await loadSelection(tx, input);
    this.#kept.delete(key);
    if (this.#kept.size >= MOST) this.#kept.delete(this.#kept.keys().next().value ?? '');
    this.#kept.set(key, { version, selection });
    return selection;
  }
}
