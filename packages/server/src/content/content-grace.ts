const DAY_MS = 24 * 3_600_000;

/**
 * How long content is kept after its last reference, in milliseconds. A database that is recovered to the start of the recovery
 * window still references what was deleted then, so content is kept a day longer than the window. `recoveryDays`: 0 without an
 * archive.
 */
export function graceMs(unreferencedDays: number, recoveryDays: number): number {
  return Math.max(unreferencedDays, recoveryDays === 0 ? 0 : recoveryDays + 1) * DAY_MS;
}
