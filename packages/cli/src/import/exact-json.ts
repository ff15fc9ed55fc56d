/**
 * JSON as Python writes it, without loss: numbers that JavaScript does not distinguish become maps with the single key
 * `@`, the format in which attributes of spans are stored.
 */
import { plainDouble, plainInt, plainMap } from '@dais/api/access';

/** JSON cannot contain this character unescaped, so no map has it by chance. */
const MARK = '\\u0000@';
const MARKED = '\0@';

/** @throws SyntaxError */
export function exactJson(text: string): unknown {
  return shaped(JSON.parse(marked(text)));
}

/** Numbers outside of strings, with their source text. */
function marked(text: string): string {
  let out = '';
  let done = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') {
      at = endOfText(text, at);
      continue;
    }
    if (!/[-0-9NI]/.test(char)) continue;
    const end = endOfNumber(text, at);
    const number = text.slice(at, end);
    if (!isPlain(number)) {
      out += `${text.slice(done, at)}{"${MARK}":"${number}"}`;
      done = end;
    }
    at = end - 1;
  }
  return done === 0 ? text : out + text.slice(done);
}

/** Returns the end of the string that starts at `at`. */
function endOfText(text: string, at: number): number {
  let end = at;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return end;
  }
}

function endOfNumber(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length && /[-+.0-9A-Za-z]/.test(text[end]!)) end++;
  return end;
}

const NUMBER = /^(?:-?(?:\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|Infinity)|NaN)$/;

/** Whether JavaScript preserves the number exactly, or rejects it. */
function isPlain(number: string): boolean {
  if (/^-?\d{1,15}$/.test(number) || !NUMBER.test(number)) return true;
  const value = Number(number);
  return /[.eE]/.test(number) && Number.isFinite(value) && !Number.isInteger(value);
}

function shaped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shaped);
  if (typeof value === 'string') return storable(value);
  if (typeof value !== 'object' || value === null) return value;
  const map = value as Readonly<Record<string, unknown>>;
  const number = map[MARKED];
  if (typeof number === 'string') return /^-?\d+$/.test(number) ? plainInt(number) : plainDouble(number);
  return plainMap(Object.fromEntries(Object.entries(map).map(([key, one]) => [storable(key), shaped(one)])));
}

/** Text that can be stored. */
export function storable(text: string): string {
  return (text.isWellFormed() ? text : text.toWellFormed()).replaceAll('\0', '\uFFFD');
}

/** The inverse: values of attributes as Python writes them. */
export function exactText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(exactText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const map = value as Readonly<Record<string, unknown>>;
  const [type, special] = (Array.isArray(map['@']) && map['@'].length === 2 ? map['@'] : []) as readonly unknown[];
  switch (type) {
    case 'int':
      return String(special);
    case 'double':
      return doubleText(special);
    case 'bytes':
      return JSON.stringify(special);
    case 'map':
      return mapText(special as object);
    default:
      return mapText(map);
  }
}

function doubleText(value: unknown): string {
  const text = String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function mapText(map: object): string {
  const members = Object.entries(map).map(([key, one]) => `${JSON.stringify(key)}: ${exactText(one)}`);
  return `{${members.join(', ')}}`;
}
