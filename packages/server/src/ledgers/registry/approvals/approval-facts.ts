/** Facts for policies about the approvals of upstream versions. */
import type { ApprovalRule } from '@dais/api/registry';
import type { Transaction } from '#kernel/transaction.ts';
import { keyOf, type NodeMeasure, type UpstreamMeasure } from '#ledgers/lineage/index.ts';
import { approvedRows, approvalsIn, moveOf, type NamedApprovalRow } from './approval-rows.ts';
import { missingApprovals, rulesFor } from './approval-rule.ts';
import { readSpec } from '../models.ts';

/** Model versions without a complete approval, under the current rules. */
export const upstreamApprovals: UpstreamMeasure = {
  fact: 'upstreamUnapprovedVersions',
  nodes: 'model-version',
  combine: 'sum',
  measure: async (tx, ids) => {
    const rows = await approvedRows(tx.sql, tx.projectId, ids);
    const rules = new Map<string, readonly ApprovalRule[]>();
    for (const name of new Set(rows.map((row) => row.name))) rules.set(name, await rulesIn(tx, name));
    return ids.map((id): NodeMeasure => {
      const node = keyOf('model-version', id);
      const approved = rows.some((row) => `${row.model}.${row.version}` === id && isApproved(row, rules.get(row.name)));
      return approved ? { node, value: 0 } : { node, value: 1, cause: 'this version has no approval' };
    });
  },
};

async function rulesIn(tx: Transaction, name: string): Promise<readonly ApprovalRule[]> {
  const { approvals = [] } = (await readSpec(tx, tx.projectId, name)) as { approvals?: readonly ApprovalRule[] };
  return approvals;
}

function isApproved(row: NamedApprovalRow, rules: readonly ApprovalRule[] = []): boolean {
  const applicable = rulesFor(rules, moveOf(row));
  return applicable.length > 0 && missingApprovals(applicable, approvalsIn([row])).length === 0;
}
