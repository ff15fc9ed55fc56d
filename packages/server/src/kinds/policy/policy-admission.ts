import { DaisError, summarizeIssues, type Issue } from '@dais/api';
import type { PolicyMode } from '@dais/api/access';
import type { AdmitResult, AdmittedChange } from '#kernel/kind.ts';
import { readKinds } from '#kernel/store.ts';
import { tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** Port: what policies need of the engine that decides by them. */
export interface PolicyTools {
  /** Notifies, in the same transaction, that decisions can change. */
  readonly changed: (tx: Transaction) => Promise<void>;
  /** All errors of a policy text, its policies, and the results of its tests. */
  readonly check: (source: PolicySource) => Promise<CheckedSource>;
}

export interface PolicySource {
  readonly cedar: string;
  readonly tests?: readonly PolicySourceTest[] | undefined;
  /** Name of its project; empty for the organization. */
  readonly project: string;
}

export interface PolicySourceTest {
  readonly name: string;
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly entities?: readonly Readonly<Record<string, unknown>>[];
  readonly context?: Readonly<Record<string, unknown>>;
  readonly expect: 'allow' | 'deny' | 'refused' | 'silent';
}

export interface CheckedSource {
  readonly issues: readonly Issue[];
  readonly policies: readonly {
    readonly id: string;
    readonly effect: 'permit' | 'forbid';
    readonly message?: string;
  }[];
  /** SHA-256 of the text, hex. */
  readonly digest: string;
  readonly facts: readonly string[];
  readonly defaultMode: PolicyMode;
}

/**
 * Rejects a policy that does not parse, uses unknown names, fails its own tests or uses the id of another policy.
 * @throws DaisError `invalid_manifest`.
 */
export async function admitPolicy(
  tx: Transaction,
  change: AdmittedChange,
  kind: string,
  tools: PolicyTools,
): Promise<AdmitResult> {
  const { spec, projectId, name, dryRun } = change;
  if (spec === undefined) {
    await tools.changed(tx);
    return {};
  }
  const project = (await tenantNames(tx.sql, [projectId])).get(projectId) ?? '';
  const authored = spec as unknown as Pick<PolicySource, 'cedar' | 'tests'> & { readonly mode?: PolicyMode };
  const { cedar, tests } = authored;
  const { issues, policies, digest, facts, defaultMode } = await tools.check({ cedar, tests, project });
  if (issues.length > 0) throw new DaisError('invalid_manifest', summarizeIssues(issues), { issues });
  const ids = policies.map(({ id }) => id);
  await refuseTaken(tx, kind, name, ids);
  if (!dryRun) {
    // Other documents of the same apply are visible only at its end.
    tx.checkAtEnd(`policy ${projectId} ${kind} ${name}`, async () => {
      await tx.enter(projectId);
      await refuseTaken(tx, kind, name, ids);
    });
    await tools.changed(tx);
  }
  const mode = authored.mode ?? defaultMode;
  return { status: { policies, digest, facts, mode }, notes: notesOf(name, authored.mode, mode) };
}

function notesOf(name: string, request: PolicyMode | undefined, mode: PolicyMode): readonly string[] {
  if (request !== undefined || mode !== 'audit') return [];
  return [
    `Policy "${name}" uses upstream facts, so it is in audit mode: it denies nothing and records what it would deny. Review the output of \`dais policy violations\`, then set spec.mode to \`enforce\`.`,
  ];
}

/**
 * Ids are unique among the policies of a project, or of the organization, because denials and the audit log name them.
 */
async function refuseTaken(tx: Transaction, kind: string, name: string, ids: readonly string[]): Promise<void> {
  for (const row of await readKinds(tx.sql, [kind])) {
    if (row.name === name) continue;
    const { policies = [] } = row.status as { policies?: readonly { readonly id: string }[] };
    const taken = policies.find(({ id }) => ids.includes(id));
    if (taken === undefined) continue;
    const message = `has the @id "${taken.id}", which ${kind} "${row.name}" already uses`;
    throw new DaisError('invalid_manifest', `${kind} "${name}" ${message}.`, {
      issues: [{ path: 'spec.cedar', message, expected: 'a unique @id' }],
    });
  }
}
