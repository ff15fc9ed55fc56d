/**
 * Tokens of steps. Whoever had a command run does not hand it their own rights: the command acts for them in the project of
 * its run, and only logs. A token ends in the transaction that ends its attempt.
 */
import type { Actor } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { Principal } from '#kernel/principal.ts';
import { tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { secretDigest, type RandomSource } from '#lib/secret-digest.ts';
import { makeTokenText, STEP_FORM, tokenForm } from '#policy/identity/token-text.ts';

/** What training does: read, log, register what came of it. It deletes nothing, governs nothing and runs nothing. */
export const STEP_SCOPES: readonly string[] = [
  'experiment:read',
  'experiment:create',
  'experiment:update',
  'run:read',
  'run:create',
  'run:update',
  'run:log',
  'artifact:read',
  'artifact:write',
  'loggedModel:read',
  'loggedModel:create',
  'loggedModel:update',
  'trace:read',
  'trace:log',
  'assessment:read',
  'assessment:create',
  'assessment:update',
  'evaluationDataset:read',
  'evaluationDataset:create',
  'evaluationDataset:update',
  'scorer:read',
  'scorer:create',
  'model:read',
  'model:write',
  'model:register',
  'model:promote',
  'lineage:read',
  'lineage:write',
  // Clients of MLflow first ask which server this is.
  'server:read',
];

/** Without anybody who looks after the step. */
const LIFE = "interval '1 day'";
const REST = "interval '23 hours'";

export interface StepIdentity {
  readonly attempt: string;
  readonly run: string;
  /** Who had it run. */
  readonly actor: Actor;
}

/** In the project of the transaction. One attempt may have several: a claim that was interrupted gets another. */
export async function issueStepToken(
  tx: Transaction,
  { attempt, run, actor }: StepIdentity,
  random: RandomSource,
): Promise<{ readonly token: string; readonly project: string }> {
  const token = makeTokenText(STEP_FORM, random);
  const project = (await tenantNames(tx.sql, [tx.projectId])).get(tx.projectId);
  if (project === undefined) throw new Error(`the project ${tx.projectId} was deleted`);
  tx.sql.defer(
    `insert into policy.step_token (digest, attempt, run, project, actor_type, actor_id, expires_at)
     values ($1, $2, $3, $4, $5, $6, clock_timestamp() + ${LIFE})`,
    [secretDigest(token), attempt, run, project, actor.type, actor.id],
    'insert_step_token',
  );
  return { token, project };
}

/** Those of an attempt, when the transaction commits. */
export function endStepTokens({ sql }: Transaction, attempt: string): void {
  sql.defer('delete from policy.step_token where attempt = $1', [attempt], 'end_step_tokens');
}

/** Those of steps that somebody looks after hold as long as these run. */
export async function keepStepTokens(sql: Sql, attempts: readonly string[]): Promise<void> {
  await sql.query(
    `update policy.step_token set expires_at = clock_timestamp() + ${LIFE}
     where attempt = any($1::uuid[]) and expires_at < clock_timestamp() + ${REST}`,
    [attempts],
    'keep_step_tokens',
  );
}

/** Read for each request and kept nowhere: they end with each step, and nobody is told. */
export async function findStepToken(sql: Sql, text: string): Promise<Principal | undefined> {
  if (tokenForm(text) !== STEP_FORM) return undefined;
  const [row] = await sql.query<{ attempt: string; project: string; actor_type: Actor['type']; actor_id: string }>(
    `select attempt, project, actor_type, actor_id from policy.step_token
     where digest = $1 and expires_at > clock_timestamp()`,
    [secretDigest(text)],
    'find_step_token',
  );
  if (row === undefined) return undefined;
  return {
    type: row.actor_type,
    id: row.actor_id,
    project: row.project,
    scopes: STEP_SCOPES,
    via: { method: 'step', credential: row.attempt, mfa: false },
  };
}
