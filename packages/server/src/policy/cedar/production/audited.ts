/** Records what policies in audit mode would have denied. The evaluation runs in addition to the decision. */
import { eventTypes } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import type { Question } from '#kernel/principal.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { auditSetsOf, authorize, type Inquiry } from '#policy/cedar/authorize.ts';
import { unknownSentence } from '#policy/cedar/denial-message.ts';
import type { TargetView } from '#policy/cedar/target-view.ts';
import type { Entity } from '#policy/cedar/language/values.ts';

export interface AuditedRefusal {
  readonly policy: string;
  readonly result: 'violated' | 'unknown';
  readonly reason: string;
}

/** Evaluates the policies in audit mode on the entities of a decision that was permitted. */
export function auditDecisions(
  inquiry: Inquiry,
  view: TargetView,
  entities: readonly Entity[],
): readonly AuditedRefusal[] {
  const sets = auditSetsOf(inquiry);
  const policies = sets.flatMap((set) => set.policies);
  const found = new Map<string, AuditedRefusal>();
  for (const entity of entities) {
    const { reasons, errors } = authorize(inquiry, view.uid, entity, sets);
    for (const id of new Set([...reasons, ...errors])) {
      const policy = policies.find((one) => one.id === id);
      if (policy === undefined || found.has(id)) continue;
      const message = policy.annotations['message'];
      const output = typeof message === 'string' && message !== '' ? message : 'The policy forbids it.';
      const unknown = errors.includes(id);
      const why = unknown
        ? (unknownSentence(policy, view.unknownFacts) ?? 'The policy cannot be evaluated for this request.')
        : output;
      found.set(id, { policy: id, result: unknown ? 'unknown' : 'violated', reason: why });
    }
  }
  return [...found.values()];
}

type AuditedQuestion = Pick<Question, 'principal' | 'operation' | 'target' | 'projectId'>;

/** In the transaction of the change, which is in the project of the question. */
export async function recordAudited(
  tx: Transaction,
  { principal, operation, target, projectId }: AuditedQuestion,
  refusals: readonly AuditedRefusal[],
  now: number,
): Promise<void> {
  for (const { policy, result, reason } of refusals) {
    await tx.sql.query(
      `insert into policy.audited_decision as a (project_id, policy, action, kind, name, result, reason, principal, count, first_at, last_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9)
       on conflict (project_id, policy, action, kind, name) do update set result = excluded.result,
         reason = excluded.reason, principal = excluded.principal, count = a.count + 1, last_at = excluded.last_at`,
      [
        projectId,
        policy,
        operation.action,
        target.kind,
        target.name ?? '',
        result,
        reason,
        `${principal.type}:${principal.id}`,
        now,
      ],
      'record_audited_refusal',
    );
    const name = target.name === undefined ? {} : { name: target.name };
    const data = { policy, action: operation.action, kind: target.kind, ...name, result, reason };
    tx.emit({ type: eventTypes.policyAudited, projectId, data });
  }
}

/** One that is repeated within a minute is recorded once. */
const WINDOW_MS = 60_000;
const MAX_REMEMBERED = 10_000;

/** Records what happens in transactions that cannot write: reads, and streams. */
export class AuditRecorder {
  readonly #dependencies: { readonly database: Database; readonly clock: Clock; readonly log: Log };
  readonly #recorded = new Map<string, number>();

  constructor(dependencies: { readonly database: Database; readonly clock: Clock; readonly log: Log }) {
    this.#dependencies = dependencies;
  }

  /** In the background, in a separate transaction, so that a read does not wait for it. */
  record(question: Question, refusals: readonly AuditedRefusal[]): void {
    const { principal, operation, target, project } = question;
    const now = this.#dependencies.clock.now();
    const key = JSON.stringify([principal.type, principal.id, operation.action, target.kind, target.name, project]);
    if ((this.#recorded.get(key) ?? -WINDOW_MS) > now - WINDOW_MS) return;
    if (this.#recorded.size >= MAX_REMEMBERED) this.#recorded.clear();
    this.#recorded.set(key, now);
    const { client, requestId, projectId } = question;
    const by = { principal, requestId, origin: 'manifest', ...(client !== undefined && { client }) };
    transact(this.#dependencies.database, { mode: 'write', projectId, by }, async (tx) => {
      await recordAudited(tx, question, refusals, now);
    }).catch((error: unknown) => {
      this.#dependencies.log.warn('could not record the denial of a policy in audit mode', { error });
    });
  }
}
