/** Cedar's JSON forms: of values and entities (requests), and of expressions and policies (EST). */
import { constructors } from './extensions.ts';
import type { PatternElement } from './like.ts';
import {
  CedarSet,
  Datetime,
  Decimal,
  Duration,
  EntityUid,
  EvaluationError,
  isRecord,
  type CedarValue,
  type CedarRecord,
} from './values.ts';

export interface UidJson {
  readonly type: string;
  readonly id: string;
}

export type AnyUidJson = UidJson | { readonly __entity: UidJson };

export interface EntityJson {
  readonly uid: AnyUidJson;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly parents: readonly AnyUidJson[];
  readonly tags?: Readonly<Record<string, unknown>>;
}

/** The only key names the construct and determines the type of its value. */
export type ExpressionJson = Readonly<Record<string, unknown>>;

export interface ConstraintJson {
  readonly op: string;
  readonly entity?: AnyUidJson;
  readonly entities?: readonly AnyUidJson[];
  readonly entity_type?: string;
  readonly in?: { readonly entity?: AnyUidJson; readonly slot?: string };
  readonly slot?: string;
}

export interface PolicyJson {
  readonly effect: 'permit' | 'forbid';
  readonly principal: ConstraintJson;
  readonly action: ConstraintJson;
  readonly resource: ConstraintJson;
  readonly conditions: readonly { readonly kind: 'when' | 'unless'; readonly body: ExpressionJson }[];
  readonly annotations?: Readonly<Record<string, string | null>>;
}

export interface BinaryJson {
  readonly left: ExpressionJson;
  readonly right: ExpressionJson;
}

export interface LikeJson {
  readonly left: ExpressionJson;
  readonly pattern: readonly PatternElement[];
}

export function uidOf(json: AnyUidJson): EntityUid {
  const { type, id } = '__entity' in json ? json.__entity : json;
  return new EntityUid(type, id);
}

/** A construct that the compiled evaluator does not know, or cannot know exactly: cedar-wasm has to decide. */
export class UnknownConstruct extends Error {
  constructor(what: string) {
    super(`the compiled evaluator does not support ${what}`);
    this.name = 'UnknownConstruct';
  }
}

/**
 * A value as JSON writes it. @throws UnknownConstruct when JavaScript cannot hold it exactly, EvaluationError when it is
 * an extension value that is none.
 */
export function valueOf(json: unknown): CedarValue {
  if (typeof json === 'boolean' || typeof json === 'string' || typeof json === 'bigint') return json;
  if (typeof json === 'number') {
    // Beyond 2^53 the digits are lost before they reach us.
    if (!Number.isSafeInteger(json)) throw new UnknownConstruct(`the number ${json}`);
    return BigInt(json);
  }
  if (Array.isArray(json)) return new CedarSet(json.map(valueOf));
  if (typeof json !== 'object' || json === null) throw new UnknownConstruct('null');
  if ('__entity' in json) return uidOf(json as { __entity: UidJson });
  if ('__extn' in json) {
    const { fn, arg } = json.__extn as { fn: string; arg?: unknown };
    const make = constructors[fn];
    if (make === undefined || arg === undefined) throw new UnknownConstruct(`the function ${fn}`);
    if (typeof arg !== 'string') throw new EvaluationError(`${fn} expects a string`);
    return make(arg);
  }
  return recordOf(json as Record<string, unknown>);
}

export function recordOf(json: Readonly<Record<string, unknown>>): CedarRecord {
  return new Map(Object.entries(json).map(([key, value]) => [key, valueOf(value)]));
}

/** The inverse of `valueOf`. */
function valueToJson(value: CedarValue): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object') return value;
  if (value instanceof EntityUid) return { __entity: { type: value.type, id: value.id } };
  if (value instanceof CedarSet) return value.items.map(valueToJson);
  if (isRecord(value)) return recordToJson(value);
  if (value instanceof Decimal) return extension('decimal', decimalText(value.scaled));
  if (value instanceof Datetime) {
    // Text covers the years 0 to 9999 only; every i64 is an offset from the epoch.
    const args = [extension('datetime', '1970-01-01'), extension('duration', `${value.ms}ms`)];
    return { __extn: { fn: 'offset', args } };
  }
  if (value instanceof Duration) return extension('duration', `${value.ms}ms`);
  return extension('ip', ipText(value.version, value.address, value.prefix));
}

export function recordToJson(record: CedarRecord): Record<string, unknown> {
  return Object.fromEntries([...record].map(([key, value]) => [key, valueToJson(value)]));
}

function extension(fn: string, arg: string) {
  return { __extn: { fn, arg } };
}

function decimalText(scaled: bigint): string {
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(5, '0');
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

function ipText(version: 4 | 6, address: bigint, prefix: number): string {
  const size = version === 4 ? 8n : 16n;
  const parts = Array.from({ length: version === 4 ? 4 : 8 }, (_, index) => {
    const part = (address >> (size * BigInt((version === 4 ? 3 : 7) - index))) & (2n ** size - 1n);
    return part.toString(version === 4 ? 10 : 16);
  });
  return `${parts.join(version === 4 ? '.' : ':')}/${prefix}`;
}
