/** Whether what a step left may be stored: decided by the sizes of its files, before a byte is copied. */
import type { OutputFile } from '#engines/compute/contract.ts';
import { byteText } from '#lib/formats/byte-text.ts';
import { MOST_OUTPUT_FILES } from '../disk-rules.ts';
import { ValueFault } from '../machine/values.ts';

export interface StorageRoom {
  /** Bytes that the step may use. */
  readonly stepBytes: number;
  /** Bytes that the project may hold, and holds; undefined: it has no quota. */
  readonly quota?: { readonly bytes: number; readonly used: number } | undefined;
  /** Free bytes of the disk that stores content; undefined where that is not known. */
  readonly freeBytes?: number | undefined;
}

/** The store keeps this much free, as does its check of readiness. */
const KEPT_FREE_BYTES = 64 * 2 ** 20;

/** Lists files, and stops at the first that are too many. @throws ValueFault */
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
      throw new ValueFault(`Output \`${file.output}\` has more than ${most} files: pack them into an archive.`);
    }
    listed.push(file);
  }
  return listed;
}

/**
 * A sparse file counts with all its bytes, since that is what it is stored as and what others read. A file with several names
 * counts once: its bytes are stored once. @throws ValueFault
 */
export function requireRoom(files: readonly OutputFile[], { stepBytes, quota, freeBytes }: StorageRoom): void {
  const { total, byOutput } = sizesOf(files);
  const limit = `the disk limit of the step is ${byteText(stepBytes)}`;
  if (total > stepBytes) {
    const remedy = 'Keep less, or ask for more with `resources.disk` (`dais run --disk`).';
    throw new ValueFault(`${said(total, byOutput)}; ${limit}. ${remedy}`);
  }
  if (quota !== undefined && quota.used + total > quota.bytes) {
    throw new ValueFault(
      `${said(total, byOutput)}; the project's storage quota is ${byteText(quota.bytes)}, of which it uses ` +
        `${byteText(quota.used)}. Keep less, delete runs, or have \`quotas.blobBytes\` of the project raised.`,
    );
  }
  if (freeBytes !== undefined && total > 0 && total + KEPT_FREE_BYTES > freeBytes) {
    throw new ValueFault(
      `${said(total, byOutput)}; the disk of the server has ${byteText(freeBytes)} left. Keep less, or have the disk enlarged.`,
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

function said(total: number, byOutput: ReadonlyMap<string, number>): string {
  const [[largest, bytes] = ['', 0], other] = [...byOutput].toSorted(([, one], [, two]) => two - one);
  if (other === undefined) return `Output \`${largest}\` is ${byteText(total)}`;
  return `The outputs are ${byteText(total)} together (largest: \`${largest}\`, ${byteText(bytes)})`;
}
