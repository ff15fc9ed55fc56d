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
