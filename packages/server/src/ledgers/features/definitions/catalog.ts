/** Compiled selections, kept for as long as nothing that they were compiled from has changed. */
import type { Transaction } from '#kernel/transaction.ts';
import type { Selection } from './compiled.ts';
import { loadSelection, type SelectionInput } from './load-selection.ts';

/** Called by the admission of each entity, view and service, in its transaction. */
export async function changeCatalog(tx: Transaction, projectId: string): Promise<void> {
  await tx.sql.query(
    `insert into features.catalog (project_id, version) values ($1, 1)
     on conflict (project_id) do update set version = catalog.version + 1`,
    [projectId],
    'change_catalog',
  );
}

/** Selections kept: about 20 KB each with 50 features. */
const MOST = 500;

export class Catalog {
  readonly #kept = new Map<string, { readonly version: bigint; readonly selection: Selection }>();

  /** Of the project of the transaction. */
  async version({ sql, projectId }: Transaction): Promise<bigint> {
    const [row] = await sql.query<{ version: bigint }>(
      'select version from features.catalog where project_id = $1',
      [projectId],
      'catalog_version',
    );
    return row?.version ?? 0n;
  }

  /** `version`: as this transaction read it. @throws as `loadSelection` does. */
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
