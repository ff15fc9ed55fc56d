/** Operations about violations in production and about what policies in audit mode would have refused. */
import {
  evaluatePoliciesOperation,
  listAuditedRefusalsOperation,
  listViolationsOperation,
  type PolicyViolation,
} from '@dais/api/access';
import { entry, type Call, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { refusalOf } from '#kernel/refusal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { requestPolicies, type ProductionDependencies } from './evaluate-production.ts';
import { evaluatePage } from './evaluate-project.ts';
import { evaluatedAt, listAudited, listViolationRows } from './violation-store.ts';

/** Limits of one request; the job of the project evaluates without them. */
const REQUEST_LIMITS = { resources: 1000, milliseconds: 15_000 } as const;

export function violationEntries(dependencies: ProductionDependencies): readonly OperationEntry[] {
  return [
    entry(listViolationsOperation, async (tx, call) => await listViolations(dependencies, tx, call)),
    entry(evaluatePoliciesOperation, async (tx, { tenant }) => {
      const project = { projectId: tenant.id, project: tenant.name, startedAt: dependencies.now() };
      const { resources, violations, next } = await evaluatePage(
        dependencies,
        tx,
        project,
        { source: 0 },
        REQUEST_LIMITS,
      );
      return { resources, violations, complete: next === undefined };
    }),
    entry(listAuditedRefusalsOperation, async (tx, call) => {
      const { items, ...next } = await listAudited(tx, call.input);
      return { items: await readableOf(call, items), ...next };
    }),
  ];
}

async function listViolations(
  { engine, lineage }: ProductionDependencies,
  tx: Transaction,
  call: CallOf<typeof listViolationsOperation>,
) {
  const { items, ...next } = await listViolationRows(tx, call.input);
  const evaluated = await evaluatedAt(tx);
  const rules = await engine.rules.current(tx.sql);
  const shown = await readableOf(call, items);
  const keys = [...new Set(shown.flatMap(({ path }) => path.flatMap(({ node }) => node ?? [])))];
  const readable = await lineage.readable(tx, call, keys);
  return {
    items: shown.map((item) => withoutHidden(item, readable)),
    ...next,
    ...(evaluated !== undefined && { evaluatedAt: evaluated }),
    notEvaluated: requestPolicies(rules, call.tenant.name),
  };
}

/** Returns the items about resources that the caller may read. */
async function readableOf<Item extends { readonly kind: string; readonly name: string }>(
  call: Call,
  items: readonly Item[],
): Promise<Item[]> {
  const decided = new Map<string, boolean>();
  const shown: Item[] = [];
  for (const item of items) {
    const key = `${item.kind}/${item.name}`;
    const known = decided.get(key);
    const may = known ?? (item.name === '' || (await refusalOf(call, item, call.tenant, 'read')) === undefined);
    decided.set(key, may);
    if (may) shown.push(item);
  }
  return shown;
}

/** Of a node that the caller may not read, neither the name nor the id is shown, nor what is known of it. */
function withoutHidden(item: PolicyViolation, readable: ReadonlySet<string>): PolicyViolation {
  const { path, result, reason } = item;
  const isHidden = ({ node }: PolicyViolation['path'][number]) => node !== undefined && !readable.has(node);
  if (!path.some(isHidden)) return item;
  const last = path.findLast(({ node }) => node !== undefined);
  const causeHidden = last !== undefined && isHidden(last);
  return {
    ...item,
    reason: result === 'unknown' ? 'A fact that the policy uses is unknown.' : reason,
    path: path.map((one) => {
      if (isHidden(one) || (one.type === 'cause' && causeHidden)) return { type: one.type, name: 'hidden' };
      return one;
    }),
  };
}
