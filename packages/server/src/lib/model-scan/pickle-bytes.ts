/** Reads the arguments of opcodes. */
import { PickleEnd, PickleError } from './pickle-error.ts';
import type { ScannedFile } from './scan-finding.ts';

/** Longer than any name. */
export const TEXT_LIMIT_BYTES = 2048;
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0b, 0x0c, 0x0d]);

/** The buffer size, and its minimum content before an opcode is read. */
const WINDOW = 8 * 1024 * 1024;
const AHEAD = 1024 * 1024;
/** Read of one file: what is stepped over by more than a window is not read. */
const MAX_READ = 2 * 1024 * 1024 * 1024;

/** The bytes of a pickle: all of them, or a window that moves along a file. */
export class PickleBytes {
  at: number;
  readonly size: number;
  readonly #read: (offset: number, length: number) => Promise<Buffer>;
  #window: Buffer;
  /** Offset of the window. */
  #base: number;
  #bytesRead = 0;

  private constructor(size: number, window: Buffer, read: ScannedFile['read']) {
    this.at = 0;
    this.size = size;
    this.#window = window;
    this.#base = 0;
    this.#read = read;
  }

  static of(bytes: Buffer): PickleBytes {
    return new PickleBytes(bytes.length, bytes, async () => await Promise.resolve(Buffer.alloc(0)));
  }

  static ofFile(file: ScannedFile): PickleBytes {
    return new PickleBytes(file.size, Buffer.alloc(0), async (offset, length) => await file.read(offset, length));
  }

  /** Whether arguments of the next opcode may be outside of the window. */
  get isShort(): boolean {
    const end = this.#base + this.#window.length;
    return this.at < this.#base || (this.at + AHEAD > end && end < this.size);
  }

  /** Moves the window to the next opcode. */
  async fill(): Promise<void> {
    const length = Math.min(WINDOW, this.size - this.at);
    this.#bytesRead += length;
    if (this.#bytesRead > MAX_READ) throw new PickleError('it is larger than the scan limit');
    this.#window = await this.#read(this.at, length);
    this.#base = this.at;
    if (this.#window.length < length) throw new PickleError('its bytes are unreadable');
  }

  /** Whether these bytes are among the first 64 ahead. */
  includesSoon(bytes: Buffer): boolean {
    const from = this.at - this.#base;
    return this.#window.subarray(from, from + 64).includes(bytes);
  }

  byte(): number {
    const value = this.#window[this.at - this.#base];
    if (value === undefined) throw new PickleEnd('it is truncated');
    this.at += 1;
    return value;
  }

  /** Reads a few bytes, for numbers and names. */
  take(length: number): Buffer {
    const from = this.at - this.#base;
    this.skip(length);
    if (from + length > this.#window.length) throw new PickleError('a value is too long');
    return this.#window.subarray(from, from + length);
  }

  skip(length: number): void {
    if (length < 0 || this.at + length > this.size) throw new PickleEnd('a value is truncated');
    this.at += length;
  }

  unsigned(): number {
    return this.take(4).readUInt32LE();
  }

  signed(): number {
    return this.take(4).readInt32LE();
  }

  long(): number {
    const length = this.take(8).readBigUInt64LE();
    if (length > BigInt(this.size)) throw new PickleEnd('a value is truncated');
    return Number(length);
  }

  line(): string {
    const start = this.at - this.#base;
    const end = this.#lineEnd();
    this.at = this.#base + end + 1;
    return this.#window.toString('utf8', start, Math.min(end, start + TEXT_LIMIT_BYTES));
  }

  /** Of the line that starts here, within the window. */
  #lineEnd(): number {
    const end = this.#window.indexOf(10, this.at - this.#base);
    if (end >= 0) return end;
    if (this.#base + this.#window.length < this.size) throw new PickleError('a line is too long');
    throw new PickleEnd('a line is truncated');
  }

  index(): number {
    const text = this.line().trim();
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw /^[-+]?[\d_]+$/.test(text) ? new PickleError('a number is too long') : new PickleEnd('a number is not valid');
  }

  /** Passes a number that is written as text. */
  number(): void {
    const text = this.line().trim();
    // More than Python accepts.
    if (!/^[-+]?[\w.+-]+$/.test(text)) throw new PickleEnd('a number is not valid');
    if (text.length >= TEXT_LIMIT_BYTES) throw new PickleError('a number is too long');
  }

  /** A quoted string; undefined if its value is unknown, because it contains escapes. */
  quoted(): string | undefined {
    const end = this.#lineEnd();
    const [start, last] = [this.#skipBlanks(this.at - this.#base, 1), this.#skipBlanks(end - 1, -1)];
    const quote = this.#window[start];
    if (start >= last || (quote !== 0x22 && quote !== 0x27) || this.#window[last] !== quote)
      throw new PickleEnd('a string has no quotes');
    this.at = this.#base + end + 1;
    const inside = last - start > TEXT_LIMIT_BYTES ? '\\' : this.#window.toString('utf8', start + 1, last);
    return inside.includes('\\') ? undefined : inside;
  }

  #skipBlanks(from: number, step: number): number {
    let at = from;
    while (BLANKS.has(this.#window[at] ?? 0)) at += step;
    return at;
  }
}
