/** Checks whether the outputs of a step fit the storage limits, by their sizes, before any byte is copied. */
import type { OutputFile } from '#engines/compute/contract.ts';
import { byteText } from '#lib/formats/byte-text.ts';
import { MOST_OUTPUT_FILES } from './disk-rules.ts';
import { ValueError } from '../machine/values.ts';

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
  isWanted: (output: string) => boolean,
  signal: AbortSignal,
): Promise<readonly OutputFile[]> {
  const listed: OutputFile[] = [];
  const counts = new Map<string, number>();
  for await (const file of files) {
    signal.throwIfAborted();
    if (!isWanted(file.output)) continue;
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
