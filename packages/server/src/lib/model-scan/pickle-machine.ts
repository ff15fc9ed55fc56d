/** Interprets the opcodes of a pickle on symbolic values: it tracks only names, calls and arrays. */
import { CREATION, isWrapperClass, readWrapper, skipPadding } from './joblib-array.ts';
import { PickleEnd, PickleError } from './pickle-error.ts';
import { TEXT_LIMIT_BYTES, type PickleBytes } from './pickle-bytes.ts';
import type { PickleContent } from './pickle-content.ts';
import { GETATTR, MAKES_CLASSES, SUSPICIOUS_NAMES } from './pickle-names.ts';
import {
  ARRAY,
  Dict,
  Dtype,
  INSTANCE,
  isCertainlyNoText,
  isNeitherTextNorCallable,
  isPlainAttribute,
  makerOf,
  Items,
  CallResult,
  MARK,
  type Marked,
  MAX_ITEMS,
  Named,
  NONE,
  numberOf,
  OTHER,
  PLAIN,
  tupleOf,
  type Value,
} from './pickle-values.ts';

/** No pickle of a model exceeds these limits, which protect memory. */
const MOST_STACK = 4_000_000;
const MOST_MEMO = 8_000_000;
const MOST_NAMES = 10_000;
const MAX_MARKED = 2 * MAX_ITEMS;
/** The opcode and its length. */
const FRAME_HEADER = 9;
/**
 * `joblib`: steps over arrays. `pickle`: without arrays. `trial`: the same, and ends where Python certainly fails.
 */
type Reader = 'joblib' | 'pickle' | 'trial';

interface Start {
  readonly from: PickleBytes;
  readonly content: PickleContent;
  readonly reader: Reader;
  readonly stack?: Value[];
  readonly memo?: Map<number, Value>;
}

export class PickleMachine {
  readonly content: PickleContent;
  readonly #from: PickleBytes;
  readonly #reader: Reader;
  readonly #stack: Value[];
  readonly #memo: Map<number, Value>;
  /** The end of the last frame; 0 after an array. joblib's reader respects frames, CPython's does not. */
  #frameEnd = 0;
  #hasOddFrames = false;
  /** The expected steps in the construction of an array wrapper. */
  #expected: 'arguments' | 'creation' | undefined;
  /** Until the first array, `pickle.load` executes the same opcodes. */
  isReadAlike: boolean;

  constructor({ from, content, reader, stack = [], memo = new Map() }: Start) {
    this.isReadAlike = reader === 'joblib';
    this.content = content;
    this.#from = from;
    this.#reader = reader;
    this.#stack = stack;
    this.#memo = memo;
  }

  get at(): number {
    return this.#from.at;
  }

  get isBetweenFrames(): boolean {
    return !this.#hasOddFrames && this.at >= this.#frameEnd;
  }

  /** The nested pickle at this position, with its own stack and memo. */
  inside(): PickleMachine {
    return new PickleMachine({ from: this.#from, content: this.content, reader: 'pickle' });
  }

  /** Continues here like `pickle.load`, from the same position. */
  withoutJoblib(content: PickleContent): PickleMachine {
    // A separate copy: changes here must not affect joblib's interpretation.
    const detached = (value: Value): Value => (value instanceof Dict || value instanceof Dtype ? PLAIN : value);
    const memo = new Map<number, Value>();
    for (const [index, value] of this.#memo) memo.set(index, detached(value));
    return new PickleMachine({
      from: this.#from,
      content,
      reader: 'trial',
      stack: this.#stack.map(detached),
      memo,
    });
  }

  /** Executes one opcode. `objects`: an array of objects starts here. */
  step(): 'end' | 'objects' | undefined {
    const start = this.at;
    const frameEnd = this.#frameEnd;
    const expected = this.#expected;
    const code = this.#from.byte();
    if (expected !== undefined && !CREATION[expected].has(code)) this.#refuse();
    const reached = this.#execute(code, start);
    if (start < frameEnd && frameEnd === this.#frameEnd && this.at > frameEnd) this.#hasOddFrames = true;
    return reached;
  }

  #execute(code: number, at: number): 'end' | 'objects' | undefined {
    switch (code) {
      case 0x2e: // STOP
        return 'end';
      case 0x80: // PROTO
        if (this.#from.byte() > 5) throw new PickleEnd('its pickle protocol is unknown');
        break;
      case 0x95: // FRAME
        this.#frame();
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
        this.#push(this.#share(this.#top()));
        break;
      case 0x4e: // NONE
        this.#push(NONE);
        break;
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        this.#push(code === 0x88);
        break;
      case 0x29: // EMPTY_TUPLE
        this.#push(new Items([]));
        if (this.#expected === 'arguments') this.#expected = 'creation';
        break;
      case 0x7d: // EMPTY_DICT
        this.#push(new Dict());
        break;
      case 0x5d: // EMPTY_LIST
      case 0x8f: // EMPTY_SET
        this.#push(PLAIN);
        break;
      case 0x97: // NEXT_BUFFER
        this.#push(OTHER);
        break;
      case 0x98: // READONLY_BUFFER
        break;
      case 0x49: // INT
      case 0x4c: // LONG
      case 0x46: // FLOAT
        this.#from.number();
        this.#push(OTHER);
        break;
      case 0x4a: // BININT
        this.#push(this.#from.signed());
        break;
      case 0x4b: // BININT1
        this.#push(this.#from.byte());
        break;
      case 0x4d: // BININT2
        this.#push(this.#from.take(2).readUInt16LE());
        break;
      case 0x47: // BINFLOAT
        this.#from.skip(8);
        this.#push(PLAIN);
        break;
      case 0x8a: // LONG1
        this.#push(numberOf(this.#from.take(this.#from.byte())));
        break;
      case 0x8b: // LONG4
        this.#from.skip(this.#from.signed());
        this.#push(PLAIN);
        break;
      case 0x53: // STRING
        this.#push(this.#from.quoted() ?? OTHER);
        break;
      case 0x56: // UNICODE: escapes can spell a name; such a name counts as unknown.
        this.#pushText(this.#from.line());
        break;
      case 0x55: // SHORT_BINSTRING
        this.#pushText(this.#from.take(this.#from.byte()).toString('utf8'));
        break;
      case 0x54: // BINSTRING
        this.#pushBytes(this.#from.signed());
        break;
      case 0x58: // BINUNICODE
        this.#pushBytes(this.#from.unsigned());
        break;
      case 0x8c: // SHORT_BINUNICODE
        this.#pushBytes(this.#from.byte());
        break;
      case 0x8d: // BINUNICODE8
        this.#pushBytes(this.#from.long());
        break;
      case 0x42: // BINBYTES
        this.#from.skip(this.#from.unsigned());
        this.#push(PLAIN);
        break;
      case 0x43: // SHORT_BINBYTES
        this.#from.skip(this.#from.byte());
        this.#push(PLAIN);
        break;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        this.#from.skip(this.#from.long());
        this.#push(PLAIN);
        break;
      case 0x74: // TUPLE
        this.#push(tupleOf(this.#popMark()));
        break;
      case 0x6c: // LIST
      case 0x64: // DICT
      case 0x91: // FROZENSET
        this.#popMark();
        this.#push(PLAIN);
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        this.#push(this.#popTuple(code - 0x84));
        break;
      case 0x61: // APPEND
        this.#pop();
        break;
      case 0x73: // SETITEM
        this.#fill({ values: this.#popTuple(2).values, isWhole: true });
        break;
      case 0x75: // SETITEMS
        this.#fill(this.#popMark());
        break;
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        this.#popMark();
        break;
      case 0x70: // PUT
        this.#keep(this.#from.index());
        break;
      case 0x71: // BINPUT
        this.#keep(this.#from.byte());
        break;
      case 0x72: // LONG_BINPUT
        this.#keep(this.#from.unsigned());
        break;
      case 0x94: // MEMOIZE
        this.#keep(this.#memo.size);
        break;
      case 0x67: // GET
        this.#recall(this.#from.index());
        break;
      case 0x68: // BINGET
        this.#recall(this.#from.byte());
        break;
      case 0x6a: // LONG_BINGET
        this.#recall(this.#from.unsigned());
        break;
      case 0x63: // GLOBAL
        this.#name(this.#from.line(), this.#from.line());
        break;
      case 0x93: {
        // STACK_GLOBAL
        const name = this.#pop();
        const module = this.#pop();
        if (typeof module === 'string' && typeof name === 'string') this.#name(module, name);
        else {
          if (this.#reader === 'trial' && (isCertainlyNoText(module) || isCertainlyNoText(name)))
            throw new PickleEnd('a name is not valid');
          this.content.dynamic = true;
          this.#push(OTHER);
        }
        break;
      }
      case 0x69: // INST
        this.#name(this.#from.line(), this.#from.line());
        this.#pop();
        this.#popMark();
        this.#call(OTHER);
        break;
      case 0x6f: // OBJ
        this.#reduce(this.#popMark().values[0], OTHER);
        break;
      case 0x52: {
        // REDUCE
        const given = this.#pop();
        this.#reduce(this.#pop(), given);
        break;
      }
      case 0x81: // NEWOBJ: of a class, which a function is not.
        this.#create();
        break;
      case 0x92: // NEWOBJ_EX
        this.#pop(3);
        this.#call(OTHER);
        break;
      case 0x62: // BUILD
        return this.#build();
      case 0x50: // PERSID: the loader interprets it, and never as a name.
        this.#from.line();
        this.#push(OTHER);
        break;
      case 0x51: // BINPERSID
        this.#pop();
        this.#push(OTHER);
        break;
      case 0x82: // EXT1
      case 0x83: // EXT2
      case 0x84: // EXT4
        this.#extension(2 ** (code - 0x82));
        break;
      default:
        throw new PickleEnd(`byte ${at} is not an opcode`);
    }
    return undefined;
  }

  #frame(): void {
    const length = this.#from.long();
    if (this.at + length > this.#from.size) throw new PickleEnd('a frame is truncated');
    if (this.at - FRAME_HEADER < this.#frameEnd) this.#hasOddFrames = true;
    this.#frameEnd = this.at + length;
  }

  /** NEWOBJ. */
  #create(): void {
    this.#expected = undefined;
    const given = this.#pop();
    const isEmpty = given instanceof Items && given.values.length === 0;
    const type = this.#popAny();
    if (isWrapperClass(type)) {
      if (!isEmpty) this.#refuse();
      this.#call(ARRAY);
      return;
    }
    if (type === ARRAY) this.#refuse();
    this.#call(isEmpty && type instanceof Named ? INSTANCE : OTHER);
  }

  #build(): 'objects' | undefined {
    const state = this.#pop();
    const target = this.#top();
    this.content.calls += 1;
    if (target instanceof Dtype) target.setState(state);
    if (target !== ARRAY || this.#reader !== 'joblib') return undefined;
    if (!this.isBetweenFrames) throw new PickleError('an array starts within a frame');
    const { hasObjects, bytes } = readWrapper(state);
    this.#stack.pop();
    this.#push(PLAIN);
    if (hasObjects) return 'objects';
    this.#frameEnd = 0;
    skipPadding(this.#from);
    this.isReadAlike = false;
    this.#from.skip(bytes);
    return undefined;
  }

  #fill({ values, isWhole }: Marked): void {
    const target = this.#top();
    if (!(target instanceof Dict)) return;
    if (!isWhole || values.length % 2 !== 0) target.isExact = false;
    for (let index = 0; index + 1 < values.length; index += 2) target.set(values[index]!, values[index + 1]!);
  }

  #name(module: string, name: string): void {
    const { names } = this.content;
    names.set(`${module} ${name}`, [module, name]);
    if (names.size > MOST_NAMES) throw new PickleError('it has too many names');
    const named = new Named(module, name);
    this.#push(named);
    if (isWrapperClass(named)) this.#expected = 'arguments';
  }

  #reduce(callee: Value | undefined, given: Value): void {
    if (!(callee instanceof Named)) {
      const isClass = callee instanceof CallResult && MAKES_CLASSES.test(callee.by);
      if (this.#reader === 'trial' && (typeof callee === 'string' || isNeitherTextNorCallable(callee)))
        throw new PickleEnd('it calls an object that is not a function');
      if (!isClass) this.content.callsMade = true;
      this.#call(OTHER);
      return;
    }
    if (GETATTR.has(callee.full)) {
      const maker = makerOf(given);
      if (maker !== undefined) {
        this.#call(maker);
        return;
      }
      if (!isPlainAttribute(given)) this.content.reachesThrough = true;
    }
    this.#call((callee.full === 'numpy.dtype' && Dtype.from(given)) || new CallResult(callee.full));
  }

  #call(result: Value): void {
    this.content.calls += 1;
    this.#push(result);
  }

  #extension(bytes: number): void {
    this.#from.take(bytes);
    this.content.extension = true;
    this.#push(OTHER);
  }

  #push(value: Value): void {
    if (this.#stack.length >= MOST_STACK) throw new PickleError('it is nested too deeply');
    this.#stack.push(value);
  }

  #popAny(): Value {
    const value = this.#stack.pop();
    if (value === undefined) throw new PickleEnd('it pops from an empty stack');
    return value;
  }

  /** Nothing but its own creation and state uses the wrapper of an array or its class. */
  #pop(count = 1): Value {
    let value: Value = OTHER;
    for (let index = 0; index < count; index++) {
      value = this.#popAny();
      if (value === ARRAY || isWrapperClass(value)) this.#refuse();
    }
    return value;
  }

  #popTuple(count: number): Items {
    const values: Value[] = [];
    for (let index = 0; index < count; index++) values.push(this.#pop());
    return new Items(values.toReversed());
  }

  #top(): Value {
    const value = this.#stack.at(-1);
    if (value === undefined) throw new PickleEnd('it pops from an empty stack');
    return value;
  }

  /** What is above the mark; of very many, the first ones. */
  #popMark(): Marked {
    const values: Value[] = [];
    let isWhole = true;
    for (;;) {
      const value = this.#pop();
      if (value === MARK) return { values: values.toReversed(), isWhole };
      if (values.length >= MAX_MARKED) {
        values.length = 0;
        isWhole = false;
      }
      values.push(value);
    }
  }

  /** Once there are two references to it, what a value contains is not known from the opcodes alone. */
  #share(value: Value): Value {
    if (value instanceof Dict) value.isExact = false;
    if (value === ARRAY) this.#refuse();
    return value;
  }

  /** Of an array that joblib, which this does not go back to, would not read. */
  #refuse(): void {
    if (this.#reader !== 'trial') throw new PickleError('it uses a joblib array in an unknown way');
    this.#expected = undefined;
  }

  #keep(index: number): void {
    if (this.#memo.size >= MOST_MEMO) throw new PickleError('its memo exceeds the limit');
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw new PickleEnd('it reads an undefined memo entry');
    this.#push(this.#share(value));
    if (isWrapperClass(value)) this.#expected = 'arguments';
  }

  #pushText(text: string): void {
    if (SUSPICIOUS_NAMES.has(text)) this.content.words.add(text);
    this.#push(text.includes('\\') ? OTHER : text);
  }

  #pushBytes(length: number): void {
    if (length > TEXT_LIMIT_BYTES) {
      this.#from.skip(length);
      this.#push(OTHER);
      return;
    }
    const text = this.#from.take(length).toString('utf8');
    if (typeof text === 'string' && SUSPICIOUS_NAMES.has(text)) this.content.words.add(text);
    this.#push(text);
  }
}
