/** Reads the arguments of opcodes. */
import { PickleCut, PickleEnd, PickleFault } from './pickle-fault.ts';

/** Longer than any name. */
export const KEPT_TEXT = 2048;
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0b, 0x0c, 0x0d]);

export class PickleBytes {
  at: number;
  readonly bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw new PickleCut('it is cut off');
    this.at += 1;
    return value;
  }

  take(length: number): Buffer {
    if (length < 0 || this.at + length > this.bytes.length) throw new PickleCut('a value is cut off');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  unsigned(): number {
    return this.take(4).readUInt32LE();
  }

  signed(): number {
    return this.take(4).readInt32LE();
  }

  long(): number {
    const length = this.take(8).readBigUInt64LE();
    if (length > BigInt(this.bytes.length)) throw new PickleCut('a value is cut off');
    return Number(length);
  }

  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw new PickleCut('a line is cut off');
    const text = this.bytes.toString('utf8', this.at, Math.min(end, this.at + KEPT_TEXT));
    this.at = end + 1;
    return text;
  }

  index(): number {
    const text = this.line().trim();
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw /^[-+]?[\d_]+$/.test(text) ? new PickleFault('a number is too long') : new PickleEnd('a number is none');
  }

  /** Passes a number that is written as text. */
  number(): void {
    const text = this.line().trim();
    // More than Python accepts.
    if (!/^[-+]?[\w.+-]+$/.test(text)) throw new PickleEnd('a number is none');
    if (text.length >= KEPT_TEXT) throw new PickleFault('a number is too long');
  }

  /** A text in quotes; undefined when its value is not known: with escapes it is not what it looks like. */
  quoted(): string | undefined {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw new PickleCut('a line is cut off');
    const [start, last] = [this.#skipBlanks(this.at, 1), this.#skipBlanks(end - 1, -1)];
    const quote = this.bytes[start];
    if (start >= last || (quote !== 0x22 && quote !== 0x27) || this.bytes[last] !== quote)
      throw new PickleEnd('a text has no quotes');
    this.at = end + 1;
    const inside = last - start > KEPT_TEXT ? '\\' : this.bytes.toString('utf8', start + 1, last);
    return inside.includes('\\') ? undefined : inside;
  }

  #skipBlanks(from: number, step: number): number {
    let at = from;
    while (BLANKS.has(this.bytes[at] ?? 0)) at += step;
    return at;
  }
}
