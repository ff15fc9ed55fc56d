/** Values of the Cedar language in the compiled evaluator. A Long is a bigint within i64. */

export type CedarValue = boolean | bigint | string | EntityUid | CedarSet | CedarRecord | ExtensionValue;
export type CedarRecord = ReadonlyMap<string, CedarValue>;
export type ExtensionValue = Decimal | Datetime | Duration | IpRange;

/** Names an entity; two are the same exactly when their keys are. */
export class EntityUid {
  readonly type: string;
  readonly id: string;
  readonly key: string;
  constructor(type: string, id: string) {
    this.type = type;
    this.id = id;
    // A type has no quotes, so no two entities share a key.
    this.key = `${type}::"${id}`;
  }
}

export class CedarSet {
  readonly items: readonly CedarValue[];
  constructor(items: readonly CedarValue[]) {
    this.items = items;
  }

  has(value: CedarValue): boolean {
    return this.items.some((item) => equal(item, value));
  }
}

/** Ten-thousandths. */
export class Decimal {
  readonly scaled: bigint;
  constructor(scaled: bigint) {
    this.scaled = scaled;
  }
}

/** Milliseconds since the Unix epoch. */
export class Datetime {
  readonly ms: bigint;
  constructor(ms: bigint) {
    this.ms = ms;
  }
}

/** Milliseconds. */
export class Duration {
  readonly ms: bigint;
  constructor(ms: bigint) {
    this.ms = ms;
  }
}

/** An address with a prefix; a single address has the longest. */
export class IpRange {
  readonly version: 4 | 6;
  readonly address: bigint;
  readonly prefix: number;
  constructor(version: 4 | 6, address: bigint, prefix: number) {
    this.version = version;
    this.address = address;
    this.prefix = prefix;
  }
}

/** An entity with everything it descends from, the farthest ancestors included. */
export interface Entity {
  readonly attributes: CedarRecord;
  readonly tags: CedarRecord;
  /** Keys of entities. */
  readonly ancestors: ReadonlySet<string>;
}

/** The entities of one request, by key. */
export interface EntityStore {
  get(key: string): Entity | undefined;
}

export const NO_ATTRIBUTES: CedarRecord = new Map();

/** An expression without a value: its policy does not apply and is reported as an error. */
export class EvaluationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EvaluationError';
  }
}

const I64_MAX = 2n ** 63n - 1n;
const I64_MIN = -(2n ** 63n);

/** @throws EvaluationError when it is no i64. */
export function long(value: bigint): bigint {
  if (value > I64_MAX || value < I64_MIN) throw new EvaluationError('integer overflow');
  return value;
}

/** Cedar's `==`: values of different types are unequal, never an error. */
export function equal(a: CedarValue, b: CedarValue): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (a instanceof EntityUid) return b instanceof EntityUid && a.key === b.key;
  if (a instanceof CedarSet) {
    return b instanceof CedarSet && a.items.every((item) => b.has(item)) && b.items.every((item) => a.has(item));
  }
  if (a instanceof Decimal) return b instanceof Decimal && a.scaled === b.scaled;
  if (a instanceof Datetime) return b instanceof Datetime && a.ms === b.ms;
  if (a instanceof Duration) return b instanceof Duration && a.ms === b.ms;
  if (a instanceof IpRange) {
    return b instanceof IpRange && a.version === b.version && a.address === b.address && a.prefix === b.prefix;
  }
  if (!isRecord(b) || a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

export function isRecord(value: CedarValue): value is CedarRecord {
  return value instanceof Map;
}

/** `a in b` for two entities. */
export function isIn(store: EntityStore, a: EntityUid, b: EntityUid): boolean {
  return a.key === b.key || store.get(a.key)?.ancestors.has(b.key) === true;
}
