/** Refusals on record: each is written once a minute at most, and how often it was repeated is written with it. */
import { eventTypes } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import type { Decision, Question } from '#kernel/principal.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

export interface Denial {
  readonly question: Question;
  readonly decision: Decision;
}

export interface DenialDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

const WINDOW_MS = 60_000;
/** Maximum distinct denials that are counted in memory; further denials are written individually. */
const MOST = 10_000;

interface Counted {
  readonly denial: Denial;
  repeated: number;
}

export class DenialRecorder {
  readonly #dependencies: DenialDependencies;
  readonly #counted = new Map<string, Counted>();

  constructor(dependencies: DenialDependencies) {
    this.#dependencies = dependencies;
  }

  /** In a separate transaction, because the transaction of the operation is over. */
  async record(denial: Denial): Promise<void> {
    const { principal, operation, target, project } = denial.question;
    const key = JSON.stringify([principal.type, principal.id, operation.action, target.kind, target.name, project]);
    const before = this.#counted.get(key);
    if (before !== undefined) {
      before.repeated += 1;
      return;
    }
    if (this.#counted.size < MOST) {
      this.#counted.set(key, { denial, repeated: 0 });
      this.#dependencies.clock.after(WINDOW_MS, () => void this.#close(key));
    }
    await this.#write(denial, 0);
  }

  async #close(key: string): Promise<void> {
    const counted = this.#counted.get(key);
    this.#counted.delete(key);
    if (counted === undefined || counted.repeated === 0) return;
    try {
      await this.#write(counted.denial, counted.repeated);
    } catch (error) {
      this.#dependencies.log.warn('could not record repeated denials', { error, repeated: counted.repeated });
    }
  }

  async #write({ question, decision }: Denial, repeated: number): Promise<void> {
    const { principal, client, requestId, operation, target, project } = question;
    const by = { principal, requestId, origin: 'manifest', ...(client !== undefined && { client }) };
    await transact(this.#dependencies.database, { mode: 'write', projectId: ORGANIZATION, by }, async (tx) => {
      tx.decided(decision);
      tx.emit({
        // In the organization, because not everyone who reads the events of a project may see denials.
        type: eventTypes.accessDenied,
        projectId: ORGANIZATION,
        data: {
          action: operation.action,
          kind: target.kind,
          ...(target.name !== undefined && { name: target.name }),
          ...(project !== '' && { project }),
          policies: [...decision.policies],
          repeated,
        },
      });
    });
  }
}
