/** Which files are read together. Pure. */

interface Sized {
  readonly digest: string;
  readonly bytes: number;
}

/** From here on a file stands alone. */
const ALONE = 8 * 2 ** 20;
/** Small ones are gathered: each group becomes one file of the version at least. */
const ENOUGH = 2 ** 20;

/**
 * Neighbours that are small are read together; where a group ends is said by the content of the files, so that one more,
 * one less or another one leaves the groups before and behind it as they are.
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
    // One in four, so that groups have about as many files beyond the least.
    const says = Number.parseInt(file.digest.slice(0, 2), 16) % 4 === 0;
    if (bytes >= ALONE || (bytes >= ENOUGH && says)) close();
  }
  close();
  return groups;
}
