/**
 * Storage limits of a step: its disk limit, the quota of its project, and the free disk of the store. Outputs are checked by
 * their sizes, before any byte is copied.
 */
import type { OutputFile } from '#engines/compute/contract.ts';
import { byteQuota } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { byteText } from '#lib/formats/byte-text.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';
import type { Step } from '../machine/plan.ts';
import { ValueError } from '../machine/values.ts';
import type { AttemptClaim } from './attempts.ts';

export interface DiskRules {
  /** Limit of a step that requests no disk. */
  readonly defaultBytes: number;
  /** Largest limit that a step can request. */
  readonly maxBytes: number;
}

const DISK_RULES: DiskRules = { defaultBytes: 10 * 2 ** 30, maxBytes: 100 * 2 ** 30 };

/** Files and folders of one step. More of them exhaust the inodes of a disk. */
export const MOST_STEP_FILES = 1_000_000;
/** Files of one output: the same limit as for the inputs of a step. */
const MOST_OUTPUT_FILES = 100_000;

/** Returns the bytes of disk that the step may use. @throws ValueError when it requests more than the operator allows. */
function diskLimitOf({ resources }: Pick<Step, 'resources'>, { defaultBytes, maxBytes }: DiskRules): number {
  const requested = resources['disk'];
  if (requested === undefined) return Math.min(defaultBytes, maxBytes);
  if (requested <= maxBytes) return requested;
  throw new ValueError(
    `The step requests ${byteText(requested)} of disk, and the limit is ${byteText(maxBytes)}. Request less in ` +
      '`resources.disk`, or ask the operator to raise `executions.maxStepDiskBytes`.',
  );
}

export class StepStorage {
  readonly #dependencies: Pick<ExecutionDependencies, 'database' | 'content' | 'diskRules'>;
  readonly #projectId: string;
  readonly #admittedBytes: number | undefined;
  #quota: Promise<number | null> | undefined;

  constructor(
    dependencies: Pick<ExecutionDependencies, 'database' | 'content' | 'diskRules'>,
    { projectId, requests }: Pick<AttemptClaim, 'projectId' | 'requests'>,
  ) {
    this.#dependencies = dependencies;
    this.#projectId = projectId;
    this.#admittedBytes = requests['disk'];
  }

  /** Returns the storage quota of the project, read on first use: most steps of a fan-out store nothing. */
  async quotaBytes(): Promise<number | null> {
    const projectId = this.#projectId;
    const request = { mode: 'read', projectId } as const;
    this.#quota ??= transact(this.#dependencies.database, request, async (tx) => await byteQuota(tx, projectId)).catch(
      (error: unknown) => {
        this.#quota = undefined;
        throw error;
      },
    );
    return await this.#quota;
  }

  /** Returns the disk limit of the step in bytes. @throws ValueError when it requests more than the operator allows. */
  diskLimit(step: Step): number {
    const limit = diskLimitOf(step, this.#dependencies.diskRules ?? DISK_RULES);
    return Math.min(limit, this.#admittedBytes ?? limit);
  }

  /** Returns the limits that outputs are checked against before they are copied. */
  async room(step: Step): Promise<StorageRoom> {
    const { content } = this.#dependencies;
    const quota = await this.quotaBytes();
    return {
      stepBytes: this.diskLimit(step),
      quota: quota === null ? undefined : { bytes: quota, used: await content.usage(this.#projectId) },
      freeBytes: await content.freeBytes(),
    };
  }
}

export interface StorageRoom {
  /** Bytes that the step may use. */
  readonly stepBytes: number;
  /** Storage quota and usage of the project in bytes. Undefined: it has no quota. */
  readonly quota?: { readonly bytes: number; readonly used: number } | undefined;
  /** Free bytes of the disk that stores content. Undefined: unknown. */
  readonly freeBytes?: number | undefined;
}

/** Bytes that stay free on the disk: the same limit as in the readiness check. */
const KEPT_FREE_BYTES = 64 * 2 ** 20;

/** Lists files, and stops when an output has too many. @throws ValueError */
export async function listOutputs(
  files: AsyncIterable<OutputFile>,
  isRequested: (output: string) => boolean,
  signal: AbortSignal,
): Promise<readonly OutputFile[]> {
  const listed: OutputFile[] = [];
  const counts = new Map<string, number>();
  for await (const file of files) {
    signal.throwIfAborted();
    if (!isRequested(file.output)) continue;
    const count = (counts.get(file.output) ?? 0) + 1;
    counts.set(file.output, count);
    if (count > MOST_OUTPUT_FILES) {
      const most = MOST_OUTPUT_FILES.toLocaleString('en-US');
      throw new ValueError(`Output \`${file.output}\` has more than ${most} files. Pack them into an archive.`);
    }
    listed.push(file);
  }
  return listed;
}

/**
 * Checks the sizes of output files against the limits. A sparse file counts with its full size, since it is stored that way.
 * A file with several names counts once, since its bytes are stored once. @throws ValueError
 */
export function requireRoom(files: readonly OutputFile[], { stepBytes, quota, freeBytes }: StorageRoom): void {
  const { total, byOutput } = sizesOf(files);
  const limit = `the disk limit of the step is ${byteText(stepBytes)}`;
  if (total > stepBytes) {
    const remedy = 'Write smaller outputs, or request more disk with `resources.disk` (`dais run --disk`).';
    throw new ValueError(`${sizeText(total, byOutput)}; ${limit}. ${remedy}`);
  }
  if (quota !== undefined && quota.used + total > quota.bytes) {
    throw new ValueError(
      `${sizeText(total, byOutput)}; the project uses ${byteText(quota.used)} of its storage quota of ` +
        `${byteText(quota.bytes)}. Write smaller outputs, delete old runs, or ask an administrator to raise \`quotas.blobBytes\`.`,
    );
  }
  if (freeBytes !== undefined && total > 0 && total + KEPT_FREE_BYTES > freeBytes) {
    throw new ValueError(
      `${sizeText(total, byOutput)}; the disk of the server has ${byteText(freeBytes)} left. Write smaller outputs, or ask the operator for a larger disk.`,
    );
  }
}

interface Sizes {
  readonly total: number;
  readonly byOutput: ReadonlyMap<string, number>;
}

function sizesOf(files: readonly OutputFile[]): Sizes {
  const byOutput = new Map<string, number>();
  const seen = new Set<string>();
  let total = 0;
  for (const { output, size, identity } of files) {
    if (seen.has(identity)) continue;
    seen.add(identity);
    total += size;
    byOutput.set(output, (byOutput.get(output) ?? 0) + size);
  }
  return { total, byOutput };
}

function sizeText(total: number, byOutput: ReadonlyMap<string, number>): string {
  const [[largest, bytes] = ['', 0], other] = [...byOutput].toSorted(([, one], [, two]) => two - one);
  if (other === undefined) return `Output \`${largest}\` is ${byteText(total)}`;
  return `The outputs are ${byteText(total)} together (largest: \`${largest}\`, ${byteText(bytes)})`;
}
