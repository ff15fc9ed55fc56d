/** Credentials and variables with which a step calls this server, also through the clients of other systems. */
import type { Actor } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { TrackedRun } from './tracked-runs.ts';

/** The server, project and run of a step. */
export interface StepContext {
  readonly url: string;
  readonly project: string;
  /** Id of the job or pipeline run. */
  readonly run: string;
  /** The tracked run that the step logs to. */
  readonly tracked?: TrackedRun | undefined;
}

/** Environment variables that a client library reads. */
export interface ClientVariables {
  readonly variables: Readonly<Record<string, string>>;
  /** Names of variables whose value is the token. */
  readonly token: readonly string[];
}

/** Interface: tokens of steps. */
export interface StepCalls {
  /** Issues a token for an attempt in the project of the transaction. */
  issue(
    tx: Transaction,
    step: { readonly attempt: string; readonly run: string; readonly actor: Actor },
  ): Promise<{ readonly token: string; readonly project: string }>;
  /** Revokes the token of the attempt when the transaction commits. */
  end(tx: Transaction, attempt: string): void;
  /** Extends the tokens of running attempts. */
  keep(sql: Sql, attempts: readonly string[]): Promise<void>;
  /** URL of this server for an isolated step, and for a step with the network of the machine. */
  readonly urls: { readonly inside: string; readonly outside: string };
  readonly clients: readonly ((context: StepContext) => ClientVariables)[];
}

export interface CallVariables {
  readonly variables: Readonly<Record<string, string>>;
  readonly secretVariables: Readonly<Record<string, string>>;
}

/** Returns the environment variables with which a step and its client libraries find this server. */
export function callVariables(calls: StepCalls, token: string, context: StepContext): CallVariables {
  const clients = calls.clients.map((client) => client(context));
  return {
    variables: {
      DAIS_URL: context.url,
      DAIS_PROJECT: context.project,
      DAIS_RUN_ID: context.run,
      ...Object.assign({}, ...clients.map(({ variables }) => variables)),
    },
    secretVariables: {
      DAIS_TOKEN: token,
      ...Object.fromEntries(clients.flatMap((client) => client.token.map((name) => [name, token]))),
    },
  };
}
