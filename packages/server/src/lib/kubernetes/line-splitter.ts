/** A line of a watch is longer than an object of Kubernetes can be. */
export class LineTooLong extends Error {
  constructor(maxBytes: number) {
    super(`a line has more than ${maxBytes} bytes`);
  }
}

const NEWLINE = 0x0a;

/**
 * Splits chunks into lines. Not `node:readline`: it emits errors of its input a second time, which ends the process, and
 * has no limit. An incomplete last line is dropped: the stream was cut, and a watch resumes before that event.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Returns the lines that are now complete, without empty ones. @throws LineTooLong */
  add(chunk: Buffer): readonly string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      const line = this.#flush();
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
    return lines;
  }

  #keep(part: Buffer): void {
    this.#size += part.length;
    if (this.#size > this.#maxBytes) throw new LineTooLong(this.#maxBytes);
    if (part.length > 0) this.#parts.push(part);
  }

  /** Decoded as a whole: a character can be split between two chunks. */
  #flush(): string {
    const bytes = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    return bytes.toString('utf8').replace(/\r$/, '');
  }
}
