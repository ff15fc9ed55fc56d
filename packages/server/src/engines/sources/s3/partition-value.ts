/** Parses partition values of table formats. Pure. */
import type { ColumnType } from '#engines/query/model/column-type.ts';

const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int8: [-(2n ** 7n), 2n ** 7n - 1n],
  int16: [-(2n ** 15n), 2n ** 15n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};
const FLOAT = /^[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,4})?$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(?:Z|[+-]00:?00)?$/;

/**
 * Returns text that can be cast to the type; base64 for binary. Empty text is NULL for every type. Times without a zone count
 * as UTC. Undefined: not a value of the type.
 */
export function partitionValue(type: ColumnType, text: string | null): string | null | undefined {
  if (text === null || text === '') return null;
  if (type === 'string') return text;
  const range = RANGES[type];
  if (range !== undefined) {
    if (!/^[+-]?\d{1,40}$/.test(text)) return undefined;
    const value = BigInt(text.replace(/^\+/, ''));
    return value >= range[0] && value <= range[1] ? String(value) : undefined;
  }
  switch (type) {
    case 'boolean':
      return /^(?:true|false)$/i.test(text) ? text.toLowerCase() : undefined;
    case 'float32':
    case 'float64':
      return FLOAT.test(text) || /^(?:NaN|[+-]?Infinity)$/.test(text) ? text : undefined;
    case 'date':
      return isDate(text) ? text : undefined;
    case 'timestamp':
      return timestamp(text);
    case 'binary':
      return bytes(text);
    default:
      return decimal(type, text);
  }
}

function isDate(text: string): boolean {
  const [, year, month, day] = DATE.exec(text) ?? [];
  if (year === undefined) return false;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

function timestamp(text: string): string | undefined {
  const [, date = '', hour, minute, second, part = ''] = TIMESTAMP.exec(text) ?? [];
  if (!isDate(date) || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  return `${date}T${hour}:${minute}:${second}${part.slice(0, 7)}Z`;
}

/** One character per byte. */
function bytes(text: string): string | undefined {
  for (const character of text) if (character.charCodeAt(0) > 255 || character.length > 1) return undefined;
  return Buffer.from(text, 'latin1').toString('base64');
}

function decimal(type: string, text: string): string | undefined {
  const [, precision, scale] = /^decimal\((\d+),(\d+)\)$/.exec(type) ?? [];
  const [, sign = '', whole = '', part = ''] = /^([+-]?)0*(\d{0,39})(?:\.(\d{0,39}))?$/.exec(text) ?? [];
  if (precision === undefined || (whole === '' && !/\d/.test(text))) return undefined;
  const kept = part.replace(/0+$/, '');
  if (kept.length > Number(scale) || whole.length > Number(precision) - Number(scale)) return undefined;
  return `${sign === '-' ? '-' : ''}${whole === '' ? '0' : whole}${kept === '' ? '' : `.${kept}`}`;
}
