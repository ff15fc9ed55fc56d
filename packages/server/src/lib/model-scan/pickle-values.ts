/** Values that the scan of a pickle tracks on its stack and in its memo. */

import { gradeName } from './pickle-names.ts';

const NUMPY_CLASSES: ReadonlySet<string> = new Set(['numpy.ndarray', 'numpy.dtype']);

/** An imported name. */
export class Named {
  readonly module: string;
  readonly name: string;
  readonly full: string;
  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
    this.full = `${module}.${name}`;
  }
}

/** The result of calling a name. */
export class CallResult {
  readonly by: string;
  constructor(by: string) {
    this.by = by;
  }
}

/** A tuple of at most `MAX_ITEMS` values. */
export class Items {
  readonly values: readonly Value[];
  constructor(values: readonly Value[]) {
    this.values = values;
  }
}

/** A dictionary with texts as keys, as long as nothing but the opcodes that fill it can refer to it. */
export class Dict {
  readonly entries = new Map<string, Value>();
  /** False when it has other keys, too many or repeated ones, or a second reference. */
  isExact = true;

  set(key: Value, value: Value): void {
    if (typeof key !== 'string' || this.entries.has(key) || this.entries.size >= MAX_ITEMS) this.isExact = false;
    else this.entries.set(key, value);
  }
}

/**
 * A value on the stack or in the memo. Strings are tracked because names are composed of them, calls because of their
 * targets, and numbers, tuples and dictionaries because of array shapes. `PLAIN` is a value that is neither a string
 * nor callable, `OTHER` any value.
 */
export type Value =
  | string
  | number
  | boolean
  | typeof MARK
  | typeof NONE
  | typeof PLAIN
  | typeof OTHER
  | typeof INSTANCE
  | typeof ARRAY
  | Named
  | CallResult
  | Items
  | Dict
  | Dtype;

export const MARK = Symbol('mark');
export const NONE = Symbol('none');
export const PLAIN = Symbol('plain');
export const OTHER = Symbol('other');
/** An instance of a named class that was created without arguments: neither a text nor a class. */
export const INSTANCE = Symbol('instance');
/** The object whose state makes joblib read an array. */
export const ARRAY = Symbol('array');

/** Longer tuples and dictionaries are not tracked: only their presence is. */
export const MAX_ITEMS = 64;

/** Whether Python raises an error where it needs a text or something that can be called. */
export function isNeitherTextNorCallable(value: Value | undefined): boolean {
  return (
    value === PLAIN ||
    value === NONE ||
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    value instanceof Items ||
    value instanceof Dict ||
    value instanceof Dtype
  );
}

/** Text in the sense of CPython: `str`, and no class derived from it. */
export function isCertainlyNoText(value: Value): boolean {
  if (isNeitherTextNorCallable(value) || value === INSTANCE || value === ARRAY) return true;
  // Constants of libraries may be texts, their classes are not.
  return (
    value instanceof Named &&
    (/\._*[A-Z]\w*[a-z]\w*$/.test(value.full) || NUMPY_CLASSES.has(value.full)) &&
    isOfLibrary(value)
  );
}

function isOfLibrary({ module, name }: Named): boolean {
  const grade = gradeName(module, name);
  return grade === 'library' || grade === 'harmless';
}

/** Time zones are created by a method of their class, which Python references by `getattr`. */
export function makerOf(given: Value): Named | undefined {
  if (!(given instanceof Items) || given.values.length !== 2) return undefined;
  const [type, method] = given.values;
  return type instanceof Named && type.full === 'zoneinfo.ZoneInfo' && method === '_unpickle' ? type : undefined;
}

/** An attribute of an object by a plain name: a bound method. Of modules and classes it could be anything. */
export function isPlainAttribute(given: Value): boolean {
  if (!(given instanceof Items) || given.values.length !== 2) return false;
  const [target, attribute] = given.values;
  const isObject = !(
    target === undefined ||
    typeof target === 'string' ||
    target instanceof Named ||
    target === ARRAY ||
    (target instanceof CallResult && /(^|\.)(subimport|getattr|_import_module)$/.test(target.by))
  );
  return isObject && typeof attribute === 'string' && !attribute.startsWith('_');
}

/**
 * A dtype of NumPy, as `numpy.dtype(code, False, True)` and the state that pickles set on it describe it. The size of its elements
 * is known when both agree; a state could otherwise change it.
 */
export class Dtype {
  readonly #kind: string;
  /** Of an element, in bytes. */
  readonly size: number;
  hasObjects: boolean;
  #state: 'missing' | 'exact' | 'unknown' = 'missing';

  private constructor(kind: string, size: number) {
    this.#kind = kind;
    this.size = size;
    this.hasObjects = kind === 'O';
  }

  /** The dtype that `numpy.dtype` creates from these arguments. */
  static from(given: Value): Dtype | undefined {
    if (!(given instanceof Items) || given.values.length !== 3) return undefined;
    const [code, align, copy] = given.values;
    // Without a copy, the state would change the dtype of all of NumPy.
    if (typeof code !== 'string' || (align !== false && align !== 0) || (copy !== true && copy !== 1)) return undefined;
    const [, kind = '', digits = ''] = /^([biufcSUVOMm])(\d{1,9})$/.exec(code) ?? [];
    if (kind === '') return undefined;
    return new Dtype(kind, Number(digits) * (kind === 'U' ? 4 : 1));
  }

  /** Whether nothing about it is left open. */
  get isExact(): boolean {
    return this.#state === 'exact';
  }

  /** Of BUILD. A second state, or one with contradictions, leaves it unknown. */
  setState(state: Value): void {
    this.#state = this.#state === 'missing' && this.#accepts(state) ? 'exact' : 'unknown';
  }

  #accepts(state: Value): boolean {
    if (!(state instanceof Items)) return false;
    const [version, order, subarray, names, fields, size, , flags] = state.values;
    const { length } = state.values;
    if (!((version === 3 && length === 8) || (version === 4 && length === 9))) return false;
    if (order !== '<' && order !== '>' && order !== '|' && order !== '=') return false;
    if (typeof size !== 'number' || typeof flags !== 'number') return false;
    const isFlexible = 'SUV'.includes(this.#kind);
    if (size !== (isFlexible ? this.size : -1)) return false;
    const withObjects = (flags & 1) === 1;
    if (names === NONE && fields === NONE) {
      if (subarray !== NONE) return this.#kind === 'V' && this.#acceptsSubarray(subarray, withObjects);
      return withObjects === (this.#kind === 'O');
    }
    if (this.#kind !== 'V' || subarray !== NONE || !(fields instanceof Dict) || !fields.isExact) return false;
    const members = [...fields.entries.values()].map((field) => this.#sizeOfField(field));
    this.hasObjects = withObjects;
    return members.every((one) => one !== undefined) && members.includes('objects') === withObjects;
  }

  #sizeOfField(field: Value): 'objects' | 'numbers' | undefined {
    if (!(field instanceof Items)) return undefined;
    const [type, offset] = field.values;
    if (!(type instanceof Dtype) || !type.isExact || typeof offset !== 'number') return undefined;
    if (offset < 0 || offset + type.size > this.size) return undefined;
    return type.hasObjects ? 'objects' : 'numbers';
  }

  #acceptsSubarray(subarray: Value | undefined, withObjects: boolean): boolean {
    if (!(subarray instanceof Items)) return false;
    const [base, shape] = subarray.values;
    const sizes = shape instanceof Items ? shape.values : [shape];
    if (!(base instanceof Dtype) || !base.isExact || base.hasObjects !== withObjects) return false;
    this.hasObjects = withObjects;
    let bytes = base.size;
    for (const size of sizes) {
      if (typeof size !== 'number' || size < 0) return false;
      bytes *= size;
    }
    return bytes === this.size;
  }
}

/** Values above a mark. */
export interface Marked {
  readonly values: readonly Value[];
  readonly isWhole: boolean;
}

/** Of bytes with the lowest first, as two's complement. */
export function numberOf(bytes: Buffer): Value {
  if (bytes.length === 0) return 0;
  return bytes.length > 6 ? PLAIN : bytes.readIntLE(0, bytes.length);
}

export function tupleOf({ values, isWhole }: Marked): Value {
  return isWhole && values.length <= MAX_ITEMS ? new Items(values) : PLAIN;
}
