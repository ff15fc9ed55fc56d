/** Converts times: RFC 3339 on the wire, milliseconds since 1970 internally. */

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Parses a time. Undefined: invalid. */
export function parseTime(text: string): number | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const utc = new Date(0);
  utc.setUTCFullYear(year, month - 1, day);
  // `Date` would move a nonexistent day into the next month.
  if (year < 1 || utc.getUTCMonth() !== month - 1 || utc.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const [zoneHour, zoneMinute] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (zoneHour > 23 || zoneMinute > 59) return undefined;
  const zone = (match[8] === '-' ? -1 : 1) * (zoneHour * 60 + zoneMinute);
  const millis = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  return utc.getTime() + ((hour * 60 + minute - zone) * 60 + second) * 1000 + millis;
}

/** Formats a time, without milliseconds if they are zero. */
export function showTime(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
