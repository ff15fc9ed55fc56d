/**
 * Reads the opcodes of a pickle as CPython would, protocols 0 to 5, and executes none: what it names, what it calls. Names that
 * are put together at run time count as unknown, opcodes that are not there as a fault. Memory is bounded by what is read.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { TELLING_WORDS } from './pickle-names.ts';

export class PickleFault extends Error {}

export interface PickleLook {
  /** `module name`, each once, in the order in which they came. */
  readonly names: Map<string, readonly [module: string, name: string]>;
  /** Opcodes that call something or set its state. */
  calls: number;
  /** Names that no text in the pickle gives. */
  dynamic: boolean;
  /** Names by number, of a registry that nobody sees. */
  extension: boolean;
  /** It calls something that it made itself while it is loaded: not a name, so no list knows what runs. */
  callsMade: boolean;
  /** It takes an attribute of a module or class, or one that Python keeps for itself, by `getattr`. */
  reachesThrough: boolean;
  /** Texts that a reader wants to know of, where it contains code. */
  readonly words: Set<string>;
}

/** An imported name. */
class Named {
  readonly full: string;
  constructor(module: string, name: string) {
    this.full = `${module}.${name}`;
  }
}

/** What a call of a name gave. */
class Made {
  readonly by: string;
  constructor(by: string) {
    this.by = by;
  }
}

/** A short tuple: arguments of a call. */
class Items {
  readonly values: readonly Value[];
  constructor(values: readonly Value[]) {
    this.values = values;
  }
}

/** On a stack or in the memo. Texts are kept because names are made of them; calls because of what they call. */
type Value = string | typeof MARK | typeof OTHER | Named | Made | Items;
const MARK = Symbol('mark');
const OTHER = Symbol('other');

const GETATTR = new Set(['builtins.getattr', '__builtin__.getattr']);
/** What these give is a class or a type of Python, which may be called. */
const MAKES_CLASSES =
  /^(cloudpickle\.cloudpickle(_fast)?\._(builtin_type|make_skeleton_class|make_skeleton_enum)|dill\._dill\._(load_type|create_type)|builtins\.type)$/;

/** Beyond these no pickle of a model goes, and memory would. */
const MOST_STACK = 4_000_000;
const MOST_MEMO = 8_000_000;
const MOST_NAMES = 10_000;
/** Arguments that are looked at. */
const MOST_ITEMS = 64;
/** Longer than any name. */
const KEPT_TEXT = 2048;
/** Opcodes after which others get their turn. */
const SLICE = 100_000;

export function emptyLook(): PickleLook {
  return {
    names: new Map(),
    calls: 0,
    dynamic: false,
    extension: false,
    callsMade: false,
    reachesThrough: false,
    words: new Set(),
  };
}

/** Gives the offset behind the pickle that starts at `from`. @throws PickleFault for what is none; what was seen stays in `look`. */
export async function scanPickle(bytes: Buffer, from: number, look: PickleLook): Promise<number> {
  const scan = new Scan(bytes, from, look);
  for (let opcodes = 1; !scan.step(); opcodes++) if (opcodes % SLICE === 0) await turn();
  return scan.at;
}

class Scan {
  at: number;
  readonly #bytes: Buffer;
  readonly #look: PickleLook;
  readonly #stack: Value[] = [];
  readonly #memo = new Map<number, Value>();

  constructor(bytes: Buffer, at: number, look: PickleLook) {
    this.#bytes = bytes;
    this.at = at;
    this.#look = look;
  }

  /** True at the end of the pickle. */
  step(): boolean {
    const at = this.at;
    const code = this.#byte();
    switch (code) {
      case 0x2e: // STOP
        return true;
      case 0x80: // PROTO
        if (this.#byte() > 5) throw new PickleFault('it is of a protocol that is not known');
        break;
      case 0x95: // FRAME
        if (this.at + this.#long() > this.#bytes.length) throw new PickleFault('a frame is cut off');
        break;
      case 0x28: // MARK
        this.#push(MARK);
        break;
      case 0x30: // POP
        this.#pop();
        break;
      case 0x31: // POP_MARK
        this.#popMark();
        break;
      case 0x32: // DUP
        this.#push(this.#top());
        break;
      case 0x4e: // NONE
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
      case 0x7d: // EMPTY_DICT
      case 0x8f: // EMPTY_SET
      case 0x97: // NEXT_BUFFER
        this.#push(OTHER);
        break;
      case 0x98: // READONLY_BUFFER
        break;
      case 0x49: // INT
      case 0x4c: // LONG
      case 0x46: // FLOAT
        this.#number();
        break;
      case 0x4a: // BININT
        this.#take(4);
        this.#push(OTHER);
        break;
      case 0x4b: // BININT1
        this.#take(1);
        this.#push(OTHER);
        break;
      case 0x4d: // BININT2
        this.#take(2);
        this.#push(OTHER);
        break;
      case 0x47: // BINFLOAT
        this.#take(8);
        this.#push(OTHER);
        break;
      case 0x8a: // LONG1
        this.#take(this.#byte());
        this.#push(OTHER);
        break;
      case 0x8b: // LONG4
        this.#take(this.#signed());
        this.#push(OTHER);
        break;
      case 0x53: // STRING
        this.#quoted();
        break;
      case 0x56: // UNICODE: escapes could spell a name; such a name is unknown.
        this.#pushText(this.#line());
        break;
      case 0x55: // SHORT_BINSTRING
        this.#pushText(this.#take(this.#byte()).toString('utf8'));
        break;
      case 0x54: // BINSTRING
        this.#pushBytes(this.#signed());
        break;
      case 0x58: // BINUNICODE
        this.#pushBytes(this.#unsigned());
        break;
      case 0x8c: // SHORT_BINUNICODE
        this.#pushBytes(this.#byte());
        break;
      case 0x8d: // BINUNICODE8
        this.#pushBytes(this.#long());
        break;
      case 0x42: // BINBYTES
        this.#take(this.#unsigned());
        this.#push(OTHER);
        break;
      case 0x43: // SHORT_BINBYTES
        this.#take(this.#byte());
        this.#push(OTHER);
        break;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        this.#take(this.#long());
        this.#push(OTHER);
        break;
      case 0x74: // TUPLE
        this.#push(itemsOf(this.#popMark()));
        break;
      case 0x6c: // LIST
      case 0x64: // DICT
      case 0x91: // FROZENSET
        this.#popMark();
        this.#push(OTHER);
        break;
      case 0x85: // TUPLE1
        this.#push(new Items([this.#pop()]));
        break;
      case 0x86: {
        // TUPLE2
        const second = this.#pop();
        this.#push(itemsOf([this.#pop(), second]));
        break;
      }
      case 0x87: // TUPLE3
        this.#pop(3);
        this.#push(OTHER);
        break;
      case 0x61: // APPEND
        this.#pop();
        break;
      case 0x73: // SETITEM
        this.#pop(2);
        break;
      case 0x65: // APPENDS
      case 0x75: // SETITEMS
      case 0x90: // ADDITEMS
        this.#popMark();
        break;
      case 0x70: // PUT
        this.#keep(this.#index());
        break;
      case 0x71: // BINPUT
        this.#keep(this.#byte());
        break;
      case 0x72: // LONG_BINPUT
        this.#keep(this.#unsigned());
        break;
      case 0x94: // MEMOIZE
        this.#keep(this.#memo.size);
        break;
      case 0x67: // GET
        this.#recall(this.#index());
        break;
      case 0x68: // BINGET
        this.#recall(this.#byte());
        break;
      case 0x6a: // LONG_BINGET
        this.#recall(this.#unsigned());
        break;
      case 0x63: // GLOBAL
        this.#name(this.#line(), this.#line());
        break;
      case 0x93: {
        // STACK_GLOBAL
        const name = this.#pop();
        const module = this.#pop();
        if (typeof module === 'string' && typeof name === 'string') this.#name(module, name);
        else {
          this.#look.dynamic = true;
          this.#push(OTHER);
        }
        break;
      }
      case 0x69: // INST
        this.#name(this.#line(), this.#line());
        this.#pop();
        this.#popMark();
        this.#call(OTHER);
        break;
      case 0x6f: // OBJ
        this.#reduce(this.#popMark()[0], OTHER);
        break;
      case 0x52: {
        // REDUCE
        const given = this.#pop();
        this.#reduce(this.#pop(), given);
        break;
      }
      case 0x81: // NEWOBJ: of a class, which a function is not.
        this.#pop(2);
        this.#call(OTHER);
        break;
      case 0x92: // NEWOBJ_EX
        this.#pop(3);
        this.#call(OTHER);
        break;
      case 0x62: // BUILD
        this.#pop();
        this.#top();
        this.#look.calls += 1;
        break;
      case 0x50: // PERSID: what it means is the loader's business, which makes nothing of names.
        this.#line();
        this.#push(OTHER);
        break;
      case 0x51: // BINPERSID
        this.#pop();
        this.#push(OTHER);
        break;
      case 0x82: // EXT1
        this.#extension(1);
        break;
      case 0x83: // EXT2
        this.#extension(2);
        break;
      case 0x84: // EXT4
        this.#extension(4);
        break;
      default:
        throw new PickleFault(`byte ${at} is no opcode`);
    }
    return false;
  }

  #name(module: string, name: string): void {
    const { names } = this.#look;
    names.set(`${module} ${name}`, [module, name]);
    if (names.size > MOST_NAMES) throw new PickleFault('it names more than any model does');
    this.#push(new Named(module, name));
  }

  #reduce(callee: Value | undefined, given: Value): void {
    if (!(callee instanceof Named)) {
      const isClass = callee instanceof Made && MAKES_CLASSES.test(callee.by);
      if (!isClass) this.#look.callsMade = true;
      this.#call(OTHER);
      return;
    }
    if (GETATTR.has(callee.full) && !isPlainAttribute(given)) this.#look.reachesThrough = true;
    this.#call(new Made(callee.full));
  }

  #call(result: Value): void {
    this.#look.calls += 1;
    this.#push(result);
  }

  #extension(bytes: number): void {
    this.#take(bytes);
    this.#look.extension = true;
    this.#push(OTHER);
  }

  #push(value: Value): void {
    if (this.#stack.length >= MOST_STACK) throw new PickleFault('it is too deep to be looked at');
    this.#stack.push(value);
  }

  #pop(count = 1): Value {
    let value: Value | undefined;
    for (let index = 0; index < count; index++) value = this.#stack.pop();
    if (value === undefined) throw new PickleFault('it takes what is not there');
    return value;
  }

  #top(): Value {
    const value = this.#stack.at(-1);
    if (value === undefined) throw new PickleFault('it takes what is not there');
    return value;
  }

  /** What is above the mark, at most the first values of it. */
  #popMark(): readonly Value[] {
    const values: Value[] = [];
    for (;;) {
      const value = this.#pop();
      if (value === MARK) return values.toReversed();
      // A long one is never asked for its values: only its first is, of OBJ.
      if (values.length >= MOST_ITEMS) values.length = 0;
      values.push(value);
    }
  }

  #keep(index: number): void {
    if (this.#memo.size >= MOST_MEMO) throw new PickleFault('it remembers more than can be looked at');
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw new PickleFault('it recalls what it did not keep');
    this.#push(value);
  }

  #byte(): number {
    const value = this.#bytes[this.at];
    if (value === undefined) throw new PickleFault('it is cut off');
    this.at += 1;
    return value;
  }

  #take(length: number): Buffer {
    if (length < 0 || this.at + length > this.#bytes.length) throw new PickleFault('a value is cut off');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  #unsigned(): number {
    return this.#take(4).readUInt32LE();
  }

  #signed(): number {
    return this.#take(4).readInt32LE();
  }

  #long(): number {
    const length = this.#take(8).readBigUInt64LE();
    if (length > BigInt(this.#bytes.length)) throw new PickleFault('a value is cut off');
    return Number(length);
  }

  #line(): string {
    const end = this.#bytes.indexOf(10, this.at);
    if (end < 0) throw new PickleFault('a line is cut off');
    const text = this.#bytes.toString('utf8', this.at, Math.min(end, this.at + KEPT_TEXT));
    this.at = end + 1;
    return text;
  }

  #index(): number {
    const text = this.#line().trim();
    if (!/^\d{1,15}$/.test(text)) throw new PickleFault('a number is none');
    return Number(text);
  }

  #number(): void {
    if (!/^[-+]?[\w.+-]{1,2048}$/.test(this.#line().trim())) throw new PickleFault('a number is none');
    this.#push(OTHER);
  }

  #quoted(): void {
    const line = this.#line().trim();
    const [quote] = line;
    if ((quote !== '"' && quote !== "'") || line.length < 2 || !line.endsWith(quote))
      throw new PickleFault('a text has no quotes');
    const inside = line.slice(1, -1);
    // With escapes it is not what it looks like: no name then.
    this.#push(inside.includes('\\') ? OTHER : inside);
  }

  #pushText(text: string): void {
    if (TELLING_WORDS.has(text)) this.#look.words.add(text);
    this.#push(text.includes('\\') ? OTHER : text);
  }

  #pushBytes(length: number): void {
    const bytes = this.#take(length);
    const text = length > KEPT_TEXT ? OTHER : bytes.toString('utf8');
    if (typeof text === 'string' && TELLING_WORDS.has(text)) this.#look.words.add(text);
    this.#push(text);
  }
}

/** Longer tuples are no arguments of what is looked at. */
function itemsOf(values: readonly Value[]): Value {
  return values.length <= 2 ? new Items(values) : OTHER;
}

/** An attribute of an object by a plain name: a bound method. Of modules and classes it could be anything. */
function isPlainAttribute(given: Value): boolean {
  if (!(given instanceof Items)) return false;
  const [target, attribute] = given.values;
  const isObject =
    target === OTHER || (target instanceof Made && !/(^|\.)(subimport|getattr|_import_module)$/.test(target.by));
  return isObject && typeof attribute === 'string' && !attribute.startsWith('_');
}
