/**
 * Agreement of any number of raters beyond chance, each unit rated equally often: κ = (P̄ − P̄e) / (1 − P̄e).
 * J. L. Fleiss, Measuring nominal scale agreement among many raters (1971). `counts`: for each unit, how many raters gave
 * each label; units as rows. Without unit, at most 1.
 * @returns undefined when units were not rated equally often, fewer than twice, or all with one and the same label.
 */
export function fleissKappa(counts: readonly (readonly number[])[]): number | undefined {
  const raters = sum(counts[0] ?? []);
  if (raters < 2 || counts.some((row) => sum(row) !== raters)) return undefined;
  const labels = Math.max(...counts.map((row) => row.length));
  const totals = Array.from({ length: labels }, (_, label) => sum(counts.map((row) => row[label] ?? 0)));
  const ratings = counts.length * raters;
  const byChance = sum(totals.map((total) => total * total));
  if (byChance === ratings * ratings) return undefined;
  const pairs = sum(counts.map((row) => sum(row.map((count) => count * (count - 1)))));
  const observed = pairs / (ratings * (raters - 1));
  const expected = byChance / (ratings * ratings);
  return (observed - expected) / (1 - expected);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
