/** Check digits. Each function takes digits as text and returns whether the check digit is correct; none throws. */

function digitsOf(text: string): number[] {
  return Array.from(text, Number);
}

/** Σ digit · weight over as many digits as there are weights. */
export function weightedSum(text: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * Number(text[at]), 0);
}

/** ISO/IEC 7812-1, annex B. A random number passes with probability 1/10. */
export function luhn(text: string): boolean {
  const sum = digitsOf(text)
    .toReversed()
    .reduce((total, digit, at) => total + (at % 2 === 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0)), 0);
  return sum % 10 === 0;
}

const DIHEDRAL = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
].map(digitsOf);
const PERMUTED = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
].map(digitsOf);

/** J. Verhoeff, Error Detecting Decimal Codes (1969). */
export function verhoeff(text: string): boolean {
  const check = digitsOf(text)
    .toReversed()
    .reduce((state, digit, at) => DIHEDRAL[state]?.[PERMUTED[at % 8]?.[digit] ?? 0] ?? 0, 0);
  return check === 0;
}

/** ISO 7064, MOD 11,10: the check digit is the last one. */
export function mod11And10(text: string): boolean {
  let product = 10;
  for (const digit of digitsOf(text.slice(0, -1))) {
    const sum = (digit + product) % 10;
    product = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return (11 - product) % 10 === Number(text.at(-1));
}

/** Whether `yymmdd` is a day of some century. */
export function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  // 2000 was a leap year, 1900 was none; without the century, 29 February of either counts.
  return day <= new Date(Date.UTC(year % 100 === 0 ? 2000 : year, month, 0)).getUTCDate();
}
