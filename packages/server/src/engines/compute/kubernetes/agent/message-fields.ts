/** Reads the JSON of a process that may be hostile. */
import { ShimProtocolError } from './shim-protocol.ts';

const MAX_TEXT = 16_384;

/** The fields of a JSON object that a shim sent. */
export class MessageFields {
  readonly #type: string;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(type: string, content: Buffer | Readonly<Record<string, unknown>>) {
    this.#type = type;
    this.#values = Buffer.isBuffer(content) ? parseObject(type, content) : content;
  }

  count(name: string, limit = Number.MAX_SAFE_INTEGER): number {
    return this.optionalCount(name, limit) ?? this.#reject(name);
  }

  optionalCount(name: string, limit = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= limit
      ? (value as number)
      : this.#reject(name);
  }

  date(name: string): Date {
    // The largest time of a Date.
    return new Date(this.count(name, 8.64e15));
  }

  text(name: string): string {
    const value = this.#value(name);
    return typeof value === 'string' ? value.slice(0, MAX_TEXT) : this.#reject(name);
  }

  flag(name: string): boolean {
    const value = this.#value(name);
    return typeof value === 'boolean' ? value : this.#reject(name);
  }

  optionalObject(name: string): MessageFields | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    return isObject(value) ? new MessageFields(this.#type, value) : this.#reject(name);
  }

  #value(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  #reject(name: string): never {
    throw new ShimProtocolError(`the message \`${this.#type}\` has no valid field \`${name}\``);
  }
}

function parseObject(type: string, payload: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch {
    throw new ShimProtocolError(`the message \`${type}\` is not JSON`);
  }
  if (!isObject(value)) throw new ShimProtocolError(`the message \`${type}\` is not an object`);
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
