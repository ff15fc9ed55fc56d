import { DaisError, StillHeld, type Holder } from '@dais/api';
import type { Call } from '#kernel/entry.ts';
import { tenantNames, type Tenant } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** Why the caller may not do something to a resource; undefined: may. */
export async function refusalOf(call: Pick<Call, 'authorize'>, of: Holder, tenant: Tenant, verb: string) {
  const target = { kind: of.kind, name: of.name, ...(tenant.name !== '' && { project: tenant.name }) };
  try {
    await call.authorize(target, tenant, actionOf(of.kind, verb));
    return undefined;
  } catch (error) {
    if (error instanceof DaisError && !error.retryable) return error;
    throw error;
  }
}

/** `secret:read` */
export function actionOf(kind: string, verb: string): string {
  return `${kind.charAt(0).toLowerCase()}${kind.slice(1)}:${verb}`;
}

/** A resource that prevents a deletion, and its project. */
export interface PlacedHolder extends Holder {
  readonly project_id: string;
  /** The reference path; absent: it is contained in the target. */
  readonly to_uid?: string;
}

/** Returns the error for the caller: it names only those blocking resources that the caller may see. */
export async function visibleError(call: Pick<Call, 'authorize'>, tx: Transaction, error: unknown): Promise<unknown> {
  if (!(error instanceof StillHeld)) return error;
  return await (error as StillHeld<PlacedHolder>).asSeenBy(async (holder) => {
    await tx.enter('all');
    const names = await tenantNames(tx.sql, [holder.project_id]);
    const tenant = { id: holder.project_id, name: names.get(holder.project_id) ?? '' };
    return (await refusalOf(call, holder, tenant, 'read')) === undefined;
  });
}
