/**
 * Times as microseconds since 1970, UTC. A number is exact between the years 1684 and 2255; times outside are rejected
 * on input.
 */

const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?)?$/;

/** Parses a time; without a zone it is UTC, and more than six fractional digits are truncated. Undefined if invalid or out of range. */
export function parseMoment(text: string): number | undefined {
  const match = MOMENT.exec(text);
  if (match === null) return undefined;
  const [, day = '', minutes = '00:00', seconds = '00', fraction = '', zone = 'Z'] = match;
  const milliseconds = Date.parse(`${day}T${minutes}:${seconds}Z`);
  if (Number.isNaN(milliseconds) || !new Date(milliseconds).toISOString().startsWith(day)) return undefined;
  const micro = milliseconds * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6)) - offsetOf(zone);
  return Number.isSafeInteger(micro) ? micro : undefined;
}

function offsetOf(zone: string): number {
  if (/^z$/i.test(zone)) return 0;
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000_000;
}

/** Formats as RFC 3339 with zero, three or six fractional digits, as needed. */
export function formatMoment(micro: number): string {
  const milliseconds = Math.floor(micro / 1000);
  const rest = micro - milliseconds * 1000;
  const text = new Date(milliseconds).toISOString();
  if (rest !== 0) return `${text.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
  return text.endsWith('.000Z') ? `${text.slice(0, -5)}Z` : text;
}

/** Formats with six fractional digits, as the query engine does. */
export function formatCell(micro: number): string {
  const milliseconds = Math.floor(micro / 1000);
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${String(micro - milliseconds * 1000).padStart(3, '0')}Z`;
}
