/** Clouds reject signatures that are five minutes (Google) or fifteen minutes (Azure) off. */
const TOLERATED_MS = 4 * 60_000;

/** A sentence with the remedy if the clock of this machine differs from that of a server, by its `Date` header. */
export function clockSkewText(date: string | undefined, now: number): string | undefined {
  const theirs = date === undefined ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirs) || Math.abs(now - theirs) <= TOLERATED_MS) return undefined;
  const minutes = Math.round(Math.abs(now - theirs) / 60_000);
  const direction = now > theirs ? 'ahead of' : 'behind';
  return `The clock of this machine is ${minutes} minutes ${direction} the clock of the service: synchronize it (NTP).`;
}
