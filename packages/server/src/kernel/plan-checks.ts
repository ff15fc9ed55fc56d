import type { Change } from '@dais/api';
import { presentChange, type Desired } from '#kernel/decide.ts';
import type { PlacedHolder } from '#kernel/refusal.ts';
import { refuseWhileHeld, targetOf, type DeclaredReference } from '#kernel/references.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import type { ResourceRow } from '#kernel/store.ts';
import { checkResourceQuota, refuseUnlessEmpty, type Tenant, type TenantLimits } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { DecidedWrite } from '#kernel/write.ts';

/**
 * Finds the errors that apply would detect only during its writes, without writing: a successful plan must not fail at
 * apply, except for concurrent changes.
 */
export class PlanChecks {
  readonly #limits = new Map<string, TenantLimits>();
  /** Uids of resources whose stored references will be removed: they are rewritten or deleted. */
  readonly #dropped: string[] = [];
  readonly #added: PlacedHolder[] = [];
  readonly #gone: string[] = [];
  /** What is created in each tenant. */
  readonly #created: { readonly tenant: Tenant; readonly made: readonly Desired[] }[] = [];
  /** How many resources go, by the id of their tenant. */
  readonly #leaving = new Map<string, number>();

  /** After the writes of one tenant were decided. */
  decided(
    tenant: Tenant,
    writes: readonly DecidedWrite[],
    references: { readonly declared: readonly DeclaredReference[]; readonly found: ReadonlyMap<string, string> },
  ): void {
    const changed = writes.filter((write) => write.decision.action !== 'unchanged');
    const created = changed.filter((write) => write.decision.action === 'create');
    if (created.length > 0) {
      this.#created.push({ tenant, made: created.map(({ desired }) => desired) });
    }
    for (const write of changed) {
      const limits = write.definition.tenant?.(write.spec);
      if (limits !== undefined) this.#limits.set(write.desired.name, limits);
      this.#dropped.push(write.uid);
    }
    const rewritten = new Set(changed.map((write) => write.uid));
    for (const reference of references.declared) {
      const target = targetOf(references.found, reference);
      if (target === undefined || !rewritten.has(reference.from.uid)) continue;
      const { kind, name } = reference.from;
      this.#added.push({ to_uid: target, project_id: tenant.id, kind, name, path: reference.path });
    }
  }

  /** Rows of one tenant that would be deleted. @throws DaisError `still_referenced`, `invalid_state` */
  async deleted(tx: Transaction, kinds: KindRegistry, rows: readonly ResourceRow[]): Promise<void> {
    await refuseWhileHeld(tx, rows, { dropped: this.#dropped, added: this.#added });
    for (const row of rows) {
      if (kinds.find(row.kind)?.tenant === undefined) continue;
      const created = this.#created.find(({ tenant }) => tenant.id === row.uid)?.made ?? [];
      await refuseUnlessEmpty(tx, { id: row.uid, name: row.name }, { gone: this.#gone, created });
    }
    // One that waits for its finalizer is still there, and still refers to others.
    const gone = rows.filter((row) => row.finalizers.length === 0);
    for (const { uid, project_id } of gone) {
      this.#gone.push(uid);
      this.#dropped.push(uid);
      this.#leaving.set(project_id, (this.#leaving.get(project_id) ?? 0) + 1);
    }
  }

  /** What apply checks just before it commits. @throws DaisError `quota_exceeded` */
  async atEnd(tx: Transaction): Promise<void> {
    for (const { tenant, made } of this.#created) {
      const more = made.length - (this.#leaving.get(tenant.id) ?? 0);
      await checkResourceQuota(tx, tenant, { more, limits: this.#limits.get(tenant.name) });
    }
  }
}

/** The generation after a decided write; its version is not known before the write. */
export function withNotes(change: Change, { notes }: Pick<DecidedWrite, 'notes'>): Change {
  return notes.length === 0 ? change : { ...change, notes: [...notes] };
}

export function plannedChange(tenant: Tenant, write: DecidedWrite): Change {
  const { desired, decision, before } = write;
  const key = { kind: desired.kind, name: desired.name, project: tenant.name };
  if (decision.action === 'unchanged') return presentChange(key, decision.action, [], before);
  const after = { generation: (before?.generation ?? 0n) + 1n };
  return withNotes(presentChange(key, decision.action, decision.fields, after), write);
}
