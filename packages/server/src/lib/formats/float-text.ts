/** The shortest decimal that reads back as the same single-precision number; a double would be written with 17 digits. */

const POWERS = Array.from({ length: 23 }, (_, power) => 10 ** power);

export function float32Text(value: number): string {
  const size = Math.abs(value);
  // 2^24: whole numbers up to there are exact.
  if (size < 16_777_216 && Math.trunc(value) === value) return Object.is(value, -0) ? '-0' : String(value);
  // One more or less than the true exponent costs a try, not the result.
  const exponent = Math.floor(Math.log10(size));
  for (let digits = 6; digits <= 9; digits++) {
    const decimals = digits - 1 - exponent;
    if (decimals < -22 || decimals > 22) break;
    const power = POWERS[Math.abs(decimals)] as number;
    // Both steps are rounded right: powers up to 10^22 and whole numbers of nine digits are exact doubles.
    const near = decimals < 0 ? Math.round(value / power) * power : Math.round(value * power) / power;
    if (Math.fround(near) === value) return String(near);
  }
  for (let digits = 1; digits <= 9; digits++) {
    const near = Number(value.toPrecision(digits));
    if (Math.fround(near) === value) return String(near);
  }
  return String(value);
}
