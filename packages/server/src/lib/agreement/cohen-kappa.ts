/**
 * Agreement of two raters beyond chance: κ = (po − pe) / (1 − pe), where po is the share of units on which both agree and
 * pe = Σ pₐ(c)·p_b(c) what two raters with these habits reach by chance. J. Cohen, A Coefficient of Agreement for Nominal
 * Scales (1960). Units that one of both left out do not count. Between −1 and 1, without unit.
 * @returns undefined when nothing was rated by both, or when both always gave one and the same label: κ is 0/0 then.
 */
export function cohenKappa<Label>(
  first: readonly (Label | undefined)[],
  second: readonly (Label | undefined)[],
): number | undefined {
  const counts = new Map<Label, { first: number; second: number }>();
  const countOf = (label: Label) => {
    const found = counts.get(label) ?? { first: 0, second: 0 };
    counts.set(label, found);
    return found;
  };
  let units = 0;
  let agreed = 0;
  for (const [unit, one] of first.entries()) {
    const other = second[unit];
    if (one === undefined || other === undefined) continue;
    units += 1;
    if (one === other) agreed += 1;
    countOf(one).first += 1;
    countOf(other).second += 1;
  }
  // In whole numbers as long as possible: a denominator that is 0 must be exactly 0.
  let byChance = 0;
  for (const count of counts.values()) byChance += count.first * count.second;
  const scale = units * units;
  if (scale === byChance) return undefined;
  return (agreed * units - byChance) / (scale - byChance);
}
