const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/**
 * `3m`: the age of an RFC 3339 time, in its largest unit with a value of at least two, so that it stays exact enough.
 */
export function age(time: string, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(time)) / 1000));
  if (Number.isNaN(seconds)) return time;
  if (seconds < 2 * MINUTE) return `${seconds}s`;
  if (seconds < 2 * HOUR) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)}h`;
  if (seconds < 2 * YEAR) return `${Math.floor(seconds / DAY)}d`;
  return `${Math.floor(seconds / YEAR)}y`;
}

/** `90s`, `5m`, `2h`, `1d`, or plain seconds, in milliseconds. Undefined for invalid text. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,7})(ms|s|m|h|d)?$/.exec(text);
  if (match === null) return undefined;
  const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  return Number(match[1]) * units[(match[2] ?? 's') as keyof typeof units];
}
