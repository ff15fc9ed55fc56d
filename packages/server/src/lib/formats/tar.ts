/** Files and folders as a tar archive (POSIX ustar), written and read with bounded memory. */
const BLOCK = 512;
const MAX_NAME_BYTES = 100;
/** Of the eleven octal digits of the header. */
const MAX_SIZE = 0o77_777_777_777;

export interface TarEntry {
  /** Relative, with slashes. */
  readonly name: string;
  readonly isFolder: boolean;
  /** Bytes of a file; 0 for a folder. */
  readonly size: number;
}

/** Ends an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK);

/** The header before the content of an entry. Only the owner has permissions. @throws RangeError if it does not fit. */
export function tarHeader({ name, isFolder, size }: TarEntry): Buffer {
  const path = isFolder ? `${name}/` : name;
  if (Buffer.byteLength(path) > MAX_NAME_BYTES) throw new RangeError(`the name is too long for a tar archive: ${name}`);
  if (size > MAX_SIZE) throw new RangeError(`the file is too large for a tar archive: ${name}`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number) =>
    header.write(value.toString(8).padStart(digits, '0'), at);
  header.write(path, 0);
  octal(isFolder ? 0o700 : 0o600, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(0, 136, 11);
  // The checksum counts its own field as blanks.
  header.write('        ', 148);
  header.write(isFolder ? '5' : '0', 156);
  header.write('ustar\u000000', 257, 'latin1');
  octal(checksumOf(header), 148, 6);
  header.write('\u0000 ', 154, 'latin1');
  return header;
}

/** Follows the content of an entry. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/**
 * Reads the entries of an archive in order. The content of an entry must be read before the next entry; what is not read is
 * skipped. @throws RangeError for an archive that is damaged or incomplete, or has entries other than files and folders.
 */
export async function* readTar(
  source: AsyncIterable<Buffer>,
): AsyncGenerator<TarEntry & { readonly content: AsyncGenerator<Buffer> }> {
  const reader = new BlockReader(source);
  for (;;) {
    const header = await reader.exactly(BLOCK);
    if (header.every((byte) => byte === 0)) return;
    const entry = parseHeader(header);
    const content = reader.part(entry.size);
    yield { ...entry, content };
    for await (const _ of content) {
      // Skips the rest.
    }
    await reader.exactly(tarPadding(entry.size).length);
  }
}

function parseHeader(header: Buffer): TarEntry {
  const text = (at: number, length: number) => header.toString('latin1', at, at + length).replace(/\0.*$/s, '');
  const octal = (at: number, length: number) => Number.parseInt(text(at, length).trim() || '0', 8);
  const type = text(156, 1);
  const path = header.subarray(0, MAX_NAME_BYTES).toString('utf8').replace(/\0.*$/s, '');
  const copy = Buffer.from(header);
  copy.write('        ', 148);
  if (octal(148, 8) !== checksumOf(copy)) throw new RangeError('the tar archive is damaged');
  if (type !== '0' && type !== '5') throw new RangeError(`the tar archive contains an entry of type ${type}: ${path}`);
  const isFolder = type === '5';
  return { name: isFolder ? path.replace(/\/$/, '') : path, isFolder, size: isFolder ? 0 : octal(124, 12) };
}

function checksumOf(header: Buffer): number {
  return header.reduce((sum, byte) => sum + byte, 0);
}

class BlockReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async exactly(length: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.part(length)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async *part(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0;) {
      if (this.#rest.length === 0) {
        const next = await this.#source.next();
        if (next.done === true) throw new RangeError('the tar archive is incomplete');
        this.#rest = next.value;
      }
      const chunk = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(chunk.length);
      left -= chunk.length;
      yield chunk;
    }
  }
}
