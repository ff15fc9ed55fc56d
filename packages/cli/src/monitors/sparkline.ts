const BARS = '▁▂▃▄▅▆▇█';

/** One bar for each value, from the minimum to the maximum; a space for a missing one. */
export function sparkline(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  const [least, greatest] = [Math.min(...known), Math.max(...known)];
  return values
    .map((value) => {
      if (value === null) return ' ';
      const share = greatest > least ? (value - least) / (greatest - least) : 0;
      return BARS.charAt(Math.round(share * (BARS.length - 1)));
    })
    .join('');
}
