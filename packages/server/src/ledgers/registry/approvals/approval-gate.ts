import { DaisError } from '@dais/api';
import type { ApprovalRule, ModelVersion } from '@dais/api/registry';
import type { Transaction } from '#kernel/transaction.ts';
import { approvalsForMove, approvalsIn } from './approval-rows.ts';
import { missingApprovals, missingText, moveText, rulesFor, type Move } from './approval-rule.ts';
import type { LockedModel } from '../model-rows.ts';
import { readSpec } from '../models.ts';

/** Returns the current rules for a change of an alias or stage. */
export async function rulesOf(tx: Transaction, name: string, move: Move): Promise<readonly ApprovalRule[]> {
  const { approvals = [] } = (await readSpec(tx, tx.projectId, name)) as { approvals?: readonly ApprovalRule[] };
  return rulesFor(approvals, move);
}

/**
 * Checks that all required approvals of the current rules are given; returns their numbers. The caller has locked the
 * model. @throws DaisError `approval_missing` naming the missing approvals.
 */
export async function requireApproval(
  tx: Transaction,
  model: LockedModel,
  { version }: ModelVersion,
  move: Move,
): Promise<readonly number[]> {
  const rules = await rulesOf(tx, model.name, move);
  if (rules.length === 0) return [];
  const rows = await approvalsForMove(tx.sql, model.id, version, move);
  const missing = missingApprovals(rules, approvalsIn(rows));
  if (missing.length === 0) return rows.map(({ number }) => number);
  const pending = rows.find(({ state }) => state === 'pending');
  const next =
    pending === undefined
      ? 'Request an approval on the page of the version, or with the operation modelApproval.request.'
      : `Approval ${pending.number} is pending.`;
  throw new DaisError(
    'approval_missing',
    `Version ${version} of Model "${model.name}" needs approval for the ${moveText(move)} by ${missingText(missing)}. ${next}`,
  );
}
