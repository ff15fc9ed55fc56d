/** Bounds of the Wilson score interval for a share of `successes` in `trials`; `z` 1.96: 95 %. Wilson 1927. */
export function wilsonInterval(successes: number, trials: number, z = 1.96): { low: number; high: number } {
  if (trials === 0) return { low: 0, high: 1 };
  const share = successes / trials;
  const square = z * z;
  const centre = (share + square / (2 * trials)) / (1 + square / trials);
  const half = (z * Math.sqrt((share * (1 - share)) / trials + square / (4 * trials * trials))) / (1 + square / trials);
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
