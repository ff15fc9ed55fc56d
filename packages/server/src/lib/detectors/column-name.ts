/** The words of a column name: `customerEmail_1`, `customer-email` and `CUSTOMER EMAIL` all become `customer email`. */
export function wordsOf(name: string): string {
  return name
    .slice(0, 256)
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll('ß', 'ss')
    .replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== '')
    .join(' ');
}

/** Returns whether a name contains one of the terms as whole words. */
export function containsTerm(words: string, terms: readonly string[]): boolean {
  const padded = ` ${words} `;
  return terms.some(
    (one) => padded.includes(` ${one} `) || (one.includes(' ') && padded.includes(` ${one.replaceAll(' ', '')} `)),
  );
}
