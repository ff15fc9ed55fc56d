/**
 * Cedar's extension types: decimal, datetime, duration, ipaddr. Formats and limits as in the Cedar language reference,
 * “Extension types” (language 4.5); a differential test compares them with cedar-wasm.
 */
import {
  Datetime,
  Decimal,
  Duration,
  EvaluationError,
  IpRange,
  long,
  type CedarValue,
  type ExtensionValue,
} from './values.ts';

const DAY = 86_400_000n;

/** Functions that make a value of text. @throws EvaluationError when the text is none. */
export const constructors: Readonly<Record<string, (text: string) => ExtensionValue>> = {
  decimal: parseDecimal,
  datetime: parseDatetime,
  duration: parseDuration,
  ip: parseIp,
};

function parseDecimal(text: string): Decimal {
  const match = /^(-?)(\d+)\.(\d{1,4})$/.exec(text);
  if (match === null) throw malformed('decimal', text);
  const size = BigInt(match[2] ?? '') * 10_000n + BigInt((match[3] ?? '').padEnd(4, '0'));
  return new Decimal(long(match[1] === '-' ? -size : size));
}

const DATETIME = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{3}))?(?:Z|([+-])(\d{2})(\d{2})))?$/;

function parseDatetime(text: string): Datetime {
  const match = DATETIME.exec(text);
  if (match === null) throw malformed('datetime', text);
  const part = (index: number) => Number(match[index] ?? 0);
  const [year, month, day] = [part(1), part(2), part(3)];
  const [hour, minute, second] = [part(4), part(5), part(6)];
  const lastDay = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  const valid = month >= 1 && month <= 12 && day >= 1 && day <= lastDay && hour < 24 && minute < 60 && second < 60;
  if (!valid || part(9) >= 24 || part(10) >= 60) throw malformed('datetime', text);
  // Date.UTC maps the years 0 to 99 to 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, part(7));
  const offset = (part(9) * 60 + part(10)) * 60_000;
  return new Datetime(BigInt(date.getTime() - (match[8] === '-' ? -offset : offset)));
}

const DURATION = /^(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNITS = [DAY, 3_600_000n, 60_000n, 1000n, 1n];

function parseDuration(text: string): Duration {
  const match = DURATION.exec(text);
  const parts = match === null ? [] : match.slice(2);
  if (match === null || parts.every((part) => part === undefined)) throw malformed('duration', text);
  const sign = match[1] === '-' ? -1n : 1n;
  let total = 0n;
  for (const [index, part] of parts.entries()) {
    if (part !== undefined) total = long(total + sign * BigInt(part) * (UNITS[index] ?? 1n));
  }
  return new Duration(total);
}

function parseIp(text: string): IpRange {
  const [address = '', prefix, more] = text.split('/');
  const parsed = text.length > 43 || more !== undefined ? undefined : (parseIpv4(address) ?? parseIpv6(address));
  if (parsed === undefined) throw malformed('ip address', text);
  const longest = parsed.version === 4 ? 32 : 128;
  if (prefix === undefined) return new IpRange(parsed.version, parsed.address, longest);
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > longest) throw malformed('ip address', text);
  return new IpRange(parsed.version, parsed.address, Number(prefix));
}

interface Address {
  readonly version: 4 | 6;
  readonly address: bigint;
}

function parseIpv4(text: string): Address | undefined {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return undefined;
  const octets = text.split('.').map(Number);
  if (octets.some((octet) => octet > 255)) return undefined;
  return { version: 4, address: octets.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n) };
}

function parseIpv6(text: string): Address | undefined {
  const halves = text.split('::');
  if (!/^[0-9a-fA-F:]{2,39}$/.test(text) || halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const given = groups.flat();
  const missing = 8 - given.length;
  if (given.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...(groups[0] ?? []), ...Array.from({ length: missing }, () => '0'), ...(groups[1] ?? [])];
  return { version: 6, address: all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n) };
}

function malformed(what: string, text: string): EvaluationError {
  return new EvaluationError(`"${text.slice(0, 60)}" is not a valid ${what}`);
}

/** Methods of extension types. The first argument is the receiver. @throws EvaluationError on another type. */
export const methods: Readonly<Record<string, (args: readonly CedarValue[]) => CedarValue>> = {
  lessThan: ([a, b]) => decimal(a) < decimal(b),
  lessThanOrEqual: ([a, b]) => decimal(a) <= decimal(b),
  greaterThan: ([a, b]) => decimal(a) > decimal(b),
  greaterThanOrEqual: ([a, b]) => decimal(a) >= decimal(b),
  isIpv4: ([a]) => ip(a).version === 4,
  isIpv6: ([a]) => ip(a).version === 6,
  isLoopback: ([a]) => {
    const { version, address, prefix } = ip(a);
    return version === 4 ? address >> 24n === 127n && prefix >= 8 : address === 1n && prefix >= 128;
  },
  isMulticast: ([a]) => {
    const { version, address, prefix } = ip(a);
    return version === 4 ? address >> 28n === 14n && prefix >= 4 : address >> 120n === 255n && prefix >= 8;
  },
  isInRange: ([a, b]) => {
    const [inner, outer] = [ip(a), ip(b)];
    if (inner.version !== outer.version || inner.prefix < outer.prefix) return false;
    const shift = BigInt((outer.version === 4 ? 32 : 128) - outer.prefix);
    return inner.address >> shift === outer.address >> shift;
  },
  offset: ([a, b]) => new Datetime(long(datetime(a) + duration(b))),
  durationSince: ([a, b]) => new Duration(long(datetime(a) - datetime(b))),
  toDate: ([a]) => new Datetime(long(datetime(a) - dayTime(datetime(a)))),
  toTime: ([a]) => new Duration(dayTime(datetime(a))),
  toMilliseconds: ([a]) => duration(a),
  toSeconds: ([a]) => duration(a) / 1000n,
  toMinutes: ([a]) => duration(a) / 60_000n,
  toHours: ([a]) => duration(a) / 3_600_000n,
  toDays: ([a]) => duration(a) / DAY,
};

/** Milliseconds since midnight, also before 1970. */
function dayTime(ms: bigint): bigint {
  return ((ms % DAY) + DAY) % DAY;
}

function decimal(value: CedarValue | undefined): bigint {
  if (value instanceof Decimal) return value.scaled;
  throw new EvaluationError('expected a decimal');
}

function datetime(value: CedarValue | undefined): bigint {
  if (value instanceof Datetime) return value.ms;
  throw new EvaluationError('expected a datetime');
}

function duration(value: CedarValue | undefined): bigint {
  if (value instanceof Duration) return value.ms;
  throw new EvaluationError('expected a duration');
}

function ip(value: CedarValue | undefined): IpRange {
  if (value instanceof IpRange) return value;
  throw new EvaluationError('expected an ipaddr');
}
