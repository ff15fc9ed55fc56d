const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** Formats a count with its noun: `1 row`, `2,500 rows`, `0 entries`. `noun` is in the singular. */
export function countNoun(count: number | bigint, noun: string): string {
  return `${COUNT.format(count)} ${Number(count) === 1 ? noun : pluralOf(noun)}`;
}

function pluralOf(noun: string): string {
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  return /(?:s|x|ch|sh)$/.test(noun) ? `${noun}es` : `${noun}s`;
}
