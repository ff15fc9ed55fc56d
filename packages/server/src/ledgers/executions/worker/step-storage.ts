/** Storage limits of a step: its disk limit, the quota of its project, and the free disk of the store. */
import { byteQuota } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { diskLimitOf, DISK_RULES } from './disk-rules.ts';
import type { AttemptClaim } from './attempts.ts';
import type { ExecutionParts } from '../execution-parts.ts';
import type { Step } from '../machine/plan.ts';
import type { StorageRoom } from './output-check.ts';

export class StepStorage {
  readonly #parts: Pick<ExecutionParts, 'database' | 'content' | 'diskRules'>;
  readonly #projectId: string;
  readonly #admittedBytes: number | undefined;
  #quota: Promise<number | null> | undefined;

  constructor(
    parts: Pick<ExecutionParts, 'database' | 'content' | 'diskRules'>,
    { projectId, requests }: Pick<AttemptClaim, 'projectId' | 'requests'>,
  ) {
    this.#parts = parts;
    this.#projectId = projectId;
    this.#admittedBytes = requests['disk'];
  }

  /** Returns the storage quota of the project, read on first use: most steps of a fan-out store nothing. */
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

  /** Returns the disk limit of the step in bytes. @throws ValueError when it requests more than the operator allows. */
  diskLimit(step: Step): number {
    const limit = diskLimitOf(step, this.#parts.diskRules ?? DISK_RULES);
    return Math.min(limit, this.#admittedBytes ?? limit);
  }

  /** Returns the limits that outputs are checked against before they are copied. */
  async room(step: Step): Promise<StorageRoom> {
    const { content } = this.#parts;
    const quota = await this.quotaBytes();
    return {
      stepBytes: this.diskLimit(step),
      quota: quota === null ? undefined : { bytes: quota, used: await content.usage(this.#projectId) },
      freeBytes: await content.freeBytes(),
    };
  }
}
