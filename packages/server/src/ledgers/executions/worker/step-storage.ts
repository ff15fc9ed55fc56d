/** How much a step may use and keep: its disk limit, the quota of its project, and the free disk of the store. */
import { byteQuota } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { diskLimitOf, DISK_RULES } from '../disk-rules.ts';
import type { ExecutionParts } from '../execution-parts.ts';
import type { Step } from '../machine/plan.ts';
import type { StorageRoom } from './output-check.ts';

export class StepStorage {
  readonly #parts: Pick<ExecutionParts, 'database' | 'content' | 'diskRules'>;
  readonly #projectId: string;
  #quota: Promise<number | null> | undefined;

  constructor(parts: Pick<ExecutionParts, 'database' | 'content' | 'diskRules'>, projectId: string) {
    this.#parts = parts;
    this.#projectId = projectId;
  }

  /** Returns the storage quota of the project. It is read when a step keeps something: most steps of a fan-out keep nothing. */
  async quotaBytes(): Promise<number | null> {
    const projectId = this.#projectId;
    const request = { mode: 'read', projectId } as const;
    this.#quota ??= transact(this.#parts.database, request, async (tx) => await byteQuota(tx, projectId)).catch(
      (error: unknown) => {
        this.#quota = undefined;
        throw error;
      },
    );
    return await this.#quota;
  }

  /** Returns bytes. @throws ValueFault when the step sets more than it may. */
  async diskLimit(step: Step): Promise<number> {
    const rules = await this.#parts.diskRules?.(this.#projectId);
    return diskLimitOf(step, rules ?? DISK_RULES);
  }

  /** Returns what outputs are checked against before they are copied. */
  async room(step: Step): Promise<StorageRoom> {
    const { content } = this.#parts;
    const quota = await this.quotaBytes();
    return {
      stepBytes: await this.diskLimit(step),
      quota: quota === null ? undefined : { bytes: quota, used: await content.usage(this.#projectId) },
      freeBytes: await content.freeBytes(),
    };
  }
}
