/** Groups of files that are read together. Pure. */

interface Sized {
  readonly digest: string;
  readonly bytes: number;
}

/** A larger file is its own group. */
const ALONE = 8 * 2 ** 20;
/** Small files are combined: each group becomes at least one file of the version. */
const ENOUGH = 2 ** 20;

/**
 * Groups small neighboring files. The content of files determines the end of a group, so that an added, removed or changed file
 * does not affect the groups before and after it.
 */
export function groupFiles<File extends Sized>(files: readonly File[]): readonly (readonly File[])[] {
  const groups: File[][] = [];
  let open: File[] = [];
  let bytes = 0;
  const close = () => {
    if (open.length > 0) groups.push(open);
    open = [];
    bytes = 0;
  };
  for (const file of files) {
    if (file.bytes >= ALONE) {
      close();
      groups.push([file]);
      continue;
    }
    open.push(file);
    bytes += file.bytes;
    // One in four, so that groups have about this many files more than the minimum.
    const isCut = Number.parseInt(file.digest.slice(0, 2), 16) % 4 === 0;
    if (bytes >= ALONE || (bytes >= ENOUGH && isCut)) close();
  }
  close();
  return groups;
}
