/** How a step calls this server: as itself, with a token of its own, and in the words of the clients that it brings. */
import type { Actor } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { TrackedRun } from './tracked-runs.ts';

/** What a step is told of where it is. */
export interface StepTold {
  readonly url: string;
  readonly project: string;
  /** Id of its run. */
  readonly run: string;
  /** The run of the tracking ledger that it logs into. */
  readonly tracked?: TrackedRun | undefined;
}

/** What a client reads from its environment. */
export interface ClientWords {
  readonly variables: Readonly<Record<string, string>>;
  /** The names of those that have the token as their value. */
  readonly token: readonly string[];
}

/** Port: tokens of steps, and whom they are for. */
export interface StepCalls {
  /** In the project of the transaction. */
  issue(
    tx: Transaction,
    step: { readonly attempt: string; readonly run: string; readonly actor: Actor },
  ): Promise<{ readonly token: string; readonly project: string }>;
  /** When the transaction commits: nothing of the attempt is answered any more. */
  end(tx: Transaction, attempt: string): void;
  /** Of attempts that go on. */
  keep(sql: Sql, attempts: readonly string[]): Promise<void>;
  /** Address of this server for an isolated step, and for one that has the network of the machine. */
  readonly urls: { readonly inside: string; readonly outside: string };
  readonly clients: readonly ((told: StepTold) => ClientWords)[];
}

export interface Surroundings {
  readonly variables: Readonly<Record<string, string>>;
  readonly secretVariables: Readonly<Record<string, string>>;
}

/** What a step finds in its environment, so that it and the clients it brings find this server. */
export function surroundingsOf(calls: StepCalls, token: string, told: StepTold): Surroundings {
  const words = calls.clients.map((client) => client(told));
  return {
    variables: {
      DAIS_URL: told.url,
      DAIS_PROJECT: told.project,
      DAIS_RUN_ID: told.run,
      ...Object.assign({}, ...words.map(({ variables }) => variables)),
    },
    secretVariables: {
      DAIS_TOKEN: token,
      ...Object.fromEntries(words.flatMap((word) => word.token.map((name) => [name, token]))),
    },
  };
}
