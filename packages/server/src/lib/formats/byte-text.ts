/** Amounts of bytes for people. */

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `1 TiB`, `9.5 GiB`, `317 bytes`: at most four significant digits. */
export function byteText(bytes: number): string {
  let unit = 0;
  let amount = bytes;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${Number(amount.toPrecision(4))} ${UNITS[unit]}`;
}
