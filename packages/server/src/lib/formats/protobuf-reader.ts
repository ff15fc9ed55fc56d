/**
 * Reads the wire format of protocol buffers, field by field. A hundred lines instead of a package: a reader of one
 * message per request needs neither descriptors nor objects for skipped fields, and Node decodes text.
 */

export class ProtobufError extends Error {}

/** 2^32 */
const WORD = 4_294_967_296;

export class ProtobufReader {
  readonly #bytes: Buffer;
  #at: number;
  #end: number;
  /** The number of the current field. */
  field = 0;
  #type = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#at = 0;
    this.#end = bytes.length;
  }

  /**
   * Advances to the next field; returns false at the end of the message. @throws ProtobufError for an invalid message.
   */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const [low, high] = this.#varint();
    if (high !== 0) throw new ProtobufError('a tag is too large');
    this.field = low >>> 3;
    this.#type = low & 7;
    if (this.field === 0) throw new ProtobufError('a field has the number 0');
    return true;
  }

  /** Passes over the value of the field. */
  skip(): void {
    switch (this.#type) {
      case 0:
        this.#varint();
        return;
      case 1:
        this.#take(8);
        return;
      case 2:
        this.#take(this.#length());
        return;
      case 5:
        this.#take(4);
        return;
      default:
        throw new ProtobufError(`a field is of type ${this.#type}`);
    }
  }

  /** Reads the value as a message: `read` iterates over its fields. */
  message(read: () => void): void {
    this.#expect(2);
    const end = this.#end;
    const length = this.#length();
    if (this.#at + length > end) throw new ProtobufError('a message is truncated');
    this.#end = this.#at + length;
    read();
    if (this.#at !== this.#end) throw new ProtobufError('a message ends inside a field');
    this.#end = end;
  }

  text(): string {
    this.#expect(2);
    const length = this.#length();
    const from = this.#take(length);
    return this.#bytes.toString('utf8', from, from + length);
  }

  bytes(): Buffer {
    this.#expect(2);
    const length = this.#length();
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** The raw value: a number of any type except fixed ones, else the bytes. */
  value(): number | string | Buffer {
    switch (this.#type) {
      case 0:
        return this.int64();
      case 1:
        return this.#slice(8);
      case 2:
        return this.bytes();
      case 5:
        return this.#slice(4);
      default:
        throw new ProtobufError(`a field is of type ${this.#type}`);
    }
  }

  /** Nanoseconds and the like: all 64 bits. */
  fixed64(): bigint {
    this.#expect(1);
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  float(): number {
    this.#expect(5);
    return this.#bytes.readFloatLE(this.#take(4));
  }

  /** A repeated number, packed or not: `read` reads one value per call. `type`: 0 varint, 1 for 64 bits, 5 for 32. */
  repeated(type: 0 | 1 | 5, read: () => void): void {
    if (this.#type !== 2) {
      read();
      return;
    }
    this.message(() => {
      this.#type = type;
      while (this.#at < this.#end) read();
    });
  }

  double(): number {
    this.#expect(1);
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  /** A number if it is exact, else its digits. */
  int64(): number | string {
    this.#expect(0);
    const [low, high] = this.#varint();
    // From -2^53 to 2^53.
    if (high < 2_097_152) return high * WORD + low;
    if (high >= 4_292_870_144 + 1) return (high - WORD) * WORD + low;
    return String(BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)));
  }

  /** The low 32 bits: enums, truth values. */
  int32(): number {
    this.#expect(0);
    return this.#varint()[0];
  }

  #expect(type: number): void {
    if (this.#type !== type) throw new ProtobufError(`field ${this.field} is of type ${this.#type}, not ${type}`);
  }

  #take(length: number): number {
    const from = this.#at;
    if (from + length > this.#end) throw new ProtobufError('a value is truncated');
    this.#at = from + length;
    return from;
  }

  #slice(length: number): Buffer {
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  #length(): number {
    const [low, high] = this.#varint();
    if (high !== 0) throw new ProtobufError('a length is too large');
    return low;
  }

  /** Both halves, without a sign. */
  #varint(): readonly [low: number, high: number] {
    let low = 0;
    let high = 0;
    for (let index = 0; index < 10; index++) {
      if (this.#at >= this.#end) throw new ProtobufError('a number is truncated');
      const byte = this.#bytes[this.#at++] as number;
      const bits = byte & 127;
      if (index < 4) low |= bits << (7 * index);
      else if (index === 4) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (7 * index - 32);
      if (byte < 128) return [low >>> 0, high >>> 0];
    }
    throw new ProtobufError('a number has more than ten bytes');
  }
}
