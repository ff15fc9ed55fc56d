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
