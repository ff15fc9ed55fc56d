/** Reads the output of ByteWriter. @throws RangeError if the bytes end too early */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#at++);
  }

  /** Returns the offset of `size` bytes of bits. */
  bits(size: number): number {
    const at = this.#at;
    if (at + size > this.#bytes.length) throw new RangeError('the bytes end too early');
    this.#at = at + size;
    return at;
  }

  bit(from: number, bit: number): boolean {
    return (this.#bytes[from + (bit >> 3)]! & (1 << (bit & 7))) !== 0;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32LE(this.#at - 4);
  }

  int64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigInt64LE(this.#at - 8);
  }

  float32(): number {
    this.#at += 4;
    return this.#bytes.readFloatLE(this.#at - 4);
  }

  float64(): number {
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  text(encoding: 'utf8' | 'base64'): string {
    const size = this.varint();
    const at = this.bits(size);
    return this.#bytes.toString(encoding, at, at + size);
  }
}

/** A growing byte buffer. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(256);
  #at = 0;

  #room(size: number): number {
    const at = this.#at;
    if (at + size > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, at + size));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    this.#at = at + size;
    return at;
  }

  byte(value: number): void {
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  /** Returns the offset of `size` zero bytes, which `setBit` fills. */
  zeros(size: number): number {
    const at = this.#room(size);
    this.#bytes.fill(0, at, at + size);
    return at;
  }

  setBit(from: number, bit: number): void {
    const at = from + (bit >> 3);
    this.#bytes[at] = this.#bytes[at]! | (1 << (bit & 7));
  }

  /** Writes LEB128, up to 2^53. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.byte((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  int32(value: number): void {
    const at = this.#room(4);
    this.#bytes.writeInt32LE(value, at);
  }

  int64(value: bigint): void {
    const at = this.#room(8);
    this.#bytes.writeBigInt64LE(value, at);
  }

  float32(value: number): void {
    const at = this.#room(4);
    this.#bytes.writeFloatLE(value, at);
  }

  float64(value: number): void {
    const at = this.#room(8);
    this.#bytes.writeDoubleLE(value, at);
  }

  /** Writes the length and the bytes. */
  text(value: string, encoding: 'utf8' | 'base64'): void {
    const size = Buffer.byteLength(value, encoding);
    this.varint(size);
    const at = this.#room(size);
    this.#bytes.write(value, at, encoding);
  }

  /** Returns a copy of the bytes and resets the writer. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    return taken;
  }
}
