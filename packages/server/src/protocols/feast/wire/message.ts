/**
 * A message of protocol buffers by the numbers of its fields. What is not asked for is passed over, so that fields of newer
 * clients do no harm.
 */
import { ProtobufReader } from '#lib/formats/protobuf-reader.ts';

type Value = number | string | Buffer;

export class Message {
  readonly #fields = new Map<number, Value[]>();

  /** @throws ProtobufError for what is no message. */
  constructor(bytes: Buffer) {
    const reader = new ProtobufReader(bytes);
    while (reader.next()) {
      const { field } = reader;
      const value = reader.value();
      const known = this.#fields.get(field);
      if (known === undefined) this.#fields.set(field, [value]);
      else known.push(value);
    }
  }

  has(field: number): boolean {
    return this.#fields.has(field);
  }

  /** Empty when it is not there, as the format has it. */
  text(field: number): string {
    return this.all(field).at(-1)?.toString('utf8') ?? '';
  }

  texts(field: number): readonly string[] {
    return this.all(field).map((bytes) => bytes.toString('utf8'));
  }

  /** 0 when it is not there. Enums, counts, truth values. */
  number(field: number): number {
    const value = this.#fields.get(field)?.at(-1);
    return typeof value === 'number' ? value : 0;
  }

  /** Its bytes; what stands there several times is one message, as the format has it. */
  bytes(field: number): Buffer {
    const all = this.all(field);
    return all.length === 1 && all[0] !== undefined ? all[0] : Buffer.concat(all);
  }

  message(field: number): Message {
    return new Message(this.bytes(field));
  }

  messages(field: number): readonly Message[] {
    return this.all(field).map((bytes) => new Message(bytes));
  }

  /** Of text to text. */
  map(field: number): Readonly<Record<string, string>> {
    return Object.fromEntries(this.messages(field).map((entry) => [entry.text(1), entry.text(2)]));
  }

  /** `Timestamp` or `Duration`, in microseconds; undefined when it is not there. */
  microseconds(field: number): bigint | undefined {
    if (!this.has(field)) return undefined;
    const inner = this.message(field);
    return BigInt(inner.number(1)) * 1_000_000n + BigInt(Math.trunc(inner.number(2) / 1000));
  }

  /** Each of a repeated field, as it came. */
  all(field: number): readonly Buffer[] {
    return (this.#fields.get(field) ?? []).filter((value) => Buffer.isBuffer(value));
  }
}
