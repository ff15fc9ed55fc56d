/**
 * Tokens of steps. A step does not get the permissions of the user who started it: it acts for the user in the project
 * of its run and can only log. The transaction that ends the attempt also ends the token.
 */
import type { Actor } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { Principal } from '#kernel/principal.ts';
import { tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { secretDigest, type RandomSource } from '#lib/crypto/digests.ts';
import { makeTokenText, STEP_FORM, tokenForm } from '#policy/identity/tokens/token-text.ts';

/** The actions of training: read, log, register models. It cannot delete, administer or run anything. */
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
  // MLflow clients first query the version of the server.
  'server:read',
];

/** The step has no worker. */
const LIFE = "interval '1 day'";
const REST = "interval '23 hours'";

export interface StepIdentity {
  readonly attempt: string;
  readonly run: string;
  /** The user who started the step. */
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

/** Ends the tokens of an attempt, when the transaction commits. */
export function endStepTokens({ sql }: Transaction, attempt: string): void {
  sql.defer('delete from policy.step_token where attempt = $1', [attempt], 'end_step_tokens');
}

/** Extends the tokens of steps that a worker manages. */
export async function extendStepTokens(sql: Sql, attempts: readonly string[]): Promise<void> {
  await sql.query(
    `update policy.step_token set expires_at = clock_timestamp() + ${LIFE}
     where attempt = any($1::uuid[]) and expires_at < clock_timestamp() + ${REST}`,
    [attempts],
    'keep_step_tokens',
  );
}

/** Read for each request without a cache: a token ends with its step, without a notification. */
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
