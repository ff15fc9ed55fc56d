/**
 * Converts JSON to messages, with the rules of protocol buffers' JSON and the checks of MLflow's server: unknown fields
 * and enum names are ignored, numbers may be strings, and the first error has MLflow's message.
 */
import type { Field, Message, Values } from './message.ts';
import { invalid } from './mlflow-error.ts';
import { pythonJson, pythonType } from './python-text.ts';

/** The part of a message that could not be read. */
interface Problem {
  readonly path: string;
  readonly value: unknown;
  readonly note?: string;
}

const SEE = ' See the API docs for more information about request parameters.';
const INT32 = 2_147_483_647;

/** Returns the text of a number of the request, for messages. */
type SourceOf = (name: string) => string | undefined;

/** @throws MlflowError `INVALID_PARAMETER_VALUE` naming the field. */
export function parseMessage<M extends Message>(
  message: M,
  sent: Readonly<Record<string, unknown>>,
  sourceOf?: SourceOf,
): Values<M> {
  const problems: Problem[] = [];
  const json = withRunId(message, sent);
  const values = readMessage(message, json, problems);
  const [first] = problems;
  for (const [name, field] of Object.entries(message)) {
    const given = valueOf(json, name);
    if (field.required && isMissing(field, given)) throw missingValue(name);
    const problem = problems.find((one) => one.path === name || one.path.startsWith(`${name}[`));
    if (problem !== undefined && problem.path === name) throw wrongValue(problem, sourceOf);
    // An unknown name of an enum counts as not sent.
    if (field.required && problem === undefined && values[name] === undefined) throw missingValue(name);
    if (field.most !== undefined && Number(values[name] ?? 0) > field.most) {
      throw wrongValue({ path: name, value: given });
    }
    if (field.message !== undefined && field.repeated) requireInside(field.message, given, name);
    if (problem !== undefined) throw wrongValue(problem, sourceOf);
  }
  if (first !== undefined) throw wrongValue(first, sourceOf);
  return values as Values<M>;
}

/** Old clients call the id of a run `run_uuid`. */
function withRunId(message: Message, json: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const old = message['run_uuid'] === undefined ? undefined : valueOf(json, 'run_uuid');
  const given = valueOf(json, 'run_id');
  return old === undefined || (given !== undefined && given !== null && given !== '') ? json : { ...json, run_id: old };
}

function missingValue(path: string): Error {
  return invalid(`Missing value for required parameter '${path}'.${SEE}`);
}

function wrongValue({ path, value, note }: Problem, sourceOf?: SourceOf): Error {
  const source = typeof value === 'number' ? sourceOf?.(path) : undefined;
  const type = source !== undefined && /[.e]/i.test(source) ? 'float' : pythonType(value);
  const hint = note ?? `Hint: Value was of type '${type}'.`;
  return invalid(`Invalid value ${source ?? pythonJson(value)} for parameter '${path}' supplied:  ${hint}${SEE}`);
}

function isMissing(field: Field, given: unknown): boolean {
  if (given === undefined || given === null || given === '') return true;
  return field.repeated && Array.isArray(given) && given.length === 0;
}

/** Errors of a required field in a list item contain its path: `metrics[3].key`. */
function requireInside(message: Message, given: unknown, name: string): void {
  if (!Array.isArray(given)) return;
  const needed = Object.entries(message).filter(([, field]) => field.required);
  if (needed.length === 0) return;
  given.forEach((item: unknown, index) => {
    if (!isMap(item)) return;
    for (const [key, field] of needed) {
      if (isMissing(field, valueOf(item, key))) throw missingValue(`${name}[${index}].${key}`);
    }
  });
}

/** Paths of errors are composed on the way back, because almost no message has errors. */
function readMessage(
  message: Message,
  json: Readonly<Record<string, unknown>>,
  problems: Problem[],
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name in message) {
    const field = message[name] as Field;
    const given = valueOf(json, name);
    if (given === undefined || given === null) continue;
    const before = problems.length;
    const value = field.repeated ? readList(field, given, problems) : readOne(field, given, problems);
    if (value !== undefined) values[name] = value;
    if (problems.length > before) prefix(problems, before, name);
  }
  return values;
}

function readList(field: Field, given: unknown, problems: Problem[]): unknown[] | undefined {
  if (!Array.isArray(given)) {
    problems.push({ path: '', value: given });
    return undefined;
  }
  const list: unknown[] = [];
  for (let index = 0; index < given.length; index++) {
    const before = problems.length;
    const value = readOne(field, given[index] as unknown, problems);
    if (value !== undefined) list.push(value);
    if (problems.length > before) prefix(problems, before, `[${index}]`);
  }
  return list;
}

function prefix(problems: Problem[], from: number, with_: string): void {
  for (let index = from; index < problems.length; index++) {
    const { path, ...rest } = problems[index] as Problem;
    problems[index] = { ...rest, path: path === '' || path.startsWith('[') ? `${with_}${path}` : `${with_}.${path}` };
  }
}

function readOne(field: Field, given: unknown, problems: Problem[]): unknown {
  if (field.message !== undefined) {
    if (isMap(given)) return readMessage(field.message, given, problems);
    problems.push({ path: '', value: given });
    return undefined;
  }
  const value = readScalar(field, given);
  if (value === WRONG) problems.push({ path: '', value: given });
  else if (value === UNSAFE) problems.push({ path: '', value: given, note: UNSAFE_NOTE });
  else return value;
  return undefined;
}

const WRONG = Symbol('wrong type');
const UNSAFE = Symbol('integer beyond the exact range of JSON numbers');
const UNSAFE_NOTE = 'Integers are limited to 9007199254740991 (2^53 - 1): many JSON readers round larger values.';

function readScalar(field: Field, given: unknown): unknown {
  switch (field.kind) {
    case 'string':
      return typeof given === 'string' ? given : WRONG;
    case 'bool':
      return typeof given === 'boolean' ? given : (R_TRUTHS.get(given) ?? WRONG);
    case 'int32':
    case 'int64':
      return readWhole(given, field.kind === 'int32');
    case 'double':
      return readDouble(given);
    case 'map':
      return readMap(given);
    case 'json':
      return given;
    default:
      return readEnum(field.numbers ?? {}, given);
  }
}

/** The package for R sends every value as R prints it: 100,000 is `1e+05`. */
const R_TRUTHS: ReadonlyMap<unknown, boolean> = new Map([
  ['TRUE', true],
  ['FALSE', false],
]);
const WHOLE_TEXT = /^[+-]?\d+(?:$|(?:\.\d+)?e\+?\d+$)/;

function readWhole(given: unknown, narrow: boolean): number | symbol {
  const number =
    typeof given === 'number' ? given : typeof given === 'string' && WHOLE_TEXT.test(given) ? Number(given) : NaN;
  if (!Number.isInteger(number)) return WRONG;
  if (narrow) return number >= -INT32 - 1 && number <= INT32 ? number : WRONG;
  return Number.isSafeInteger(number) ? number : UNSAFE;
}

function readDouble(given: unknown): number | symbol {
  if (typeof given === 'number') return given;
  if (typeof given === 'boolean') return given ? 1 : 0;
  if (typeof given !== 'string') return WRONG;
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(given)) return Number(given);
  const named: Readonly<Record<string, number>> = { nan: NaN, infinity: Infinity, inf: Infinity };
  const match = /^([+-]?)(nan|infinity|inf)$/i.exec(given);
  const value = match === null ? undefined : named[match[2]?.toLowerCase() ?? ''];
  return value === undefined ? WRONG : match?.[1] === '-' ? -value : value;
}

function readMap(given: unknown): unknown {
  if (!isMap(given)) return WRONG;
  return Object.values(given).every((value) => typeof value === 'string') ? given : WRONG;
}

/** By name or number; one that is not known counts as not sent. */
function readEnum(numbers: Readonly<Record<string, number>>, given: unknown): string | symbol | undefined {
  if (typeof given !== 'string' && typeof given !== 'number') return WRONG;
  if (typeof given === 'string' && Object.hasOwn(numbers, given)) return given;
  const number = Number(given);
  return Object.keys(numbers).find((name) => numbers[name] === number);
}

/**
 * Reads a field by its name or its JSON name of protocol buffers: `run_id`, `runId`. @throws MlflowError if both exist,
 * because two readers could use different ones.
 */
function valueOf(json: Readonly<Record<string, unknown>>, name: string): unknown {
  if (!name.includes('_')) return Object.hasOwn(json, name) ? json[name] : undefined;
  const camel = CAMEL.get(name) ?? remember(name);
  if (!Object.hasOwn(json, camel)) return Object.hasOwn(json, name) ? json[name] : undefined;
  if (Object.hasOwn(json, name)) {
    throw invalid(`Request specifies both '${name}' and '${camel}'; provide only one of them.`);
  }
  return json[camel];
}

/** Field names are few; each is computed once. */
const CAMEL = new Map<string, string>();

function remember(name: string): string {
  const camel = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  CAMEL.set(name, camel);
  return camel;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
