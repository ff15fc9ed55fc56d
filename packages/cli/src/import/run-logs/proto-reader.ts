/** Reads the fields of one protocol buffers message in the order of its bytes. */

/** Thrown for bytes that are not a message. */
export class MalformedMessage extends Error {}

/** An empty element takes two bytes, so a record without a limit could fill the memory with them. */
const MOST_ELEMENTS = 100_000;

/** Adds an element of a repeated field. @throws MalformedMessage */
export function pushElement<Element>(list: Element[], element: Element): void {
  if (list.length >= MOST_ELEMENTS) throw new MalformedMessage(`a field has more than ${MOST_ELEMENTS} elements`);
  list.push(element);
}

/** Wire types of protocol buffers. */
export const VARINT = 0;
const FIXED64 = 1;
export const LENGTH = 2;
const FIXED32 = 5;

export class ProtoReader {
  readonly #bytes: Buffer;
  #at = 0;
  /** Number and wire type of the current field. */
  field = 0;
  wire = 0;
  /** Start of the value of the current field, and its end for a field with a length. */
  #start = 0;
  #end = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Moves to the next field. Returns false at the end. @throws MalformedMessage */
  next(): boolean {
    if (this.#at >= this.#bytes.length) return false;
    const key = this.#varint();
    this.field = Math.floor(key / 8);
    this.wire = key % 8;
    this.#start = this.#at;
    if (this.wire === VARINT) this.#varint();
    else if (this.wire === FIXED64) this.#at += 8;
    else if (this.wire === FIXED32) this.#at += 4;
    else if (this.wire === LENGTH) {
      const length = this.#varint();
      this.#start = this.#at;
      this.#at += length;
    } else throw new MalformedMessage(`wire type ${this.wire} is unknown`);
    if (this.#at > this.#bytes.length) throw new MalformedMessage('a field is longer than its message');
    this.#end = this.#at;
    return true;
  }

  /** Returns a varint as int32 or int64. Values beyond 2^53 are rounded. */
  int(): number {
    let value = 0n;
    for (let at = this.#start, shift = 0n; at < this.#end; at++, shift += 7n) {
      const byte = this.#bytes[at]!;
      if (this.#end - this.#start <= 4) return this.#shortInt();
      value |= BigInt(byte & 0x7f) << shift;
    }
    return Number(BigInt.asIntN(64, value));
  }

  #shortInt(): number {
    let value = 0;
    for (let at = this.#end - 1; at >= this.#start; at--) value = value * 128 + (this.#bytes[at]! & 0x7f);
    return value;
  }

  double(): number {
    return this.wire === FIXED64 ? this.#bytes.readDoubleLE(this.#start) : Number.NaN;
  }

  float(): number {
    return this.wire === FIXED32 ? this.#bytes.readFloatLE(this.#start) : Number.NaN;
  }

  /** Returns the bytes of a field with a length; others have none. */
  bytes(): Buffer {
    return this.wire === LENGTH ? this.#bytes.subarray(this.#start, this.#end) : Buffer.alloc(0);
  }

  /** Returns text that PostgreSQL can store: without NUL. */
  text(): string {
    return this.bytes().toString('utf8').replaceAll('\0', '\uFFFD');
  }

  message(): ProtoReader {
    return new ProtoReader(this.bytes());
  }

  /** Returns a varint as an unsigned number, for keys and lengths. */
  #varint(): number {
    let value = 0;
    for (let factor = 1, length = 1; ; factor *= 128, length++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new MalformedMessage('it ends within a number');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      if (length === 10) throw new MalformedMessage('a number has more than 10 bytes');
    }
  }
}
