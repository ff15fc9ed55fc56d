/** A tar archive (POSIX ustar) of a few small files; every program that opens archives reads it. */
export interface TarFile {
  /** ASCII, at most 100 bytes. */
  readonly name: string;
  readonly bytes: Buffer;
}

const BLOCK = 512;

export function tarOf(files: readonly TarFile[], now: number): Buffer {
  const parts = files.flatMap(({ name, bytes }) => [
    header(name, bytes.length, Math.floor(now / 1000)),
    bytes,
    Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function header(name: string, size: number, seconds: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new Error(`${name} is too long a name for this archive`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'ascii');
  block.write(name, 0, 'ascii');
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(seconds, 136, 12);
  // The checksum counts its own field as spaces.
  block.write('        0', 148, 'ascii');
  block.write('ustar\u000000', 257, 'ascii');
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return block;
}
