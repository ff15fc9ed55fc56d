/** Pseudo-random numbers that are equal for equal seeds: mulberry32 (Ettinger). 32 bits; not for secrets. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * How many of `trials` fall into each of the classes with these `shares`: one draw of a multinomial distribution, by conditional
 * binomials. Resampling rows that only differ by class is this (the bootstrap of Efron 1979 on counts), whatever their number.
 */
export function multinomial(random: () => number, trials: number, shares: readonly number[]): readonly number[] {
  let [left, mass] = [trials, 1];
  return shares.map((share, i) => {
    const chance = mass <= 0 ? 0 : Math.min(1, share / mass);
    const drawn = i === shares.length - 1 ? left : binomial(random, left, chance);
    left -= drawn;
    mass -= share;
    return drawn;
  });
}

/** Up to so many trials each is drawn; beyond, the normal approximation with npq > 100 is within a thousandth of the spread. */
const DRAWN = 1000;

function binomial(random: () => number, trials: number, chance: number): number {
  if (trials === 0 || chance <= 0) return 0;
  if (chance >= 1) return trials;
  const variance = trials * chance * (1 - chance);
  if (trials > DRAWN && variance > 100) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(trials, Math.max(0, Math.round(trials * chance + Math.sqrt(variance) * normal)));
  }
  if (chance > 0.5) return trials - binomial(random, trials, 1 - chance);
  // By the gaps between successes, which are geometric (Devroye 1986, X.4): as many steps as there are successes.
  let [at, drawn] = [0, 0];
  const scale = Math.log1p(-chance);
  for (;;) {
    at += Math.floor(Math.log(1 - random()) / scale) + 1;
    if (at > trials) return drawn;
    drawn += 1;
  }
}
