/** Words of a column's name: `customerEmail_1`, `customer-email` and `CUSTOMER EMAIL` are all `customer email`. */
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

/** Whether words of a name, as a row of whole words, are among those looked for. */
export function containsTerm(words: string, looked: readonly string[]): boolean {
  const padded = ` ${words} `;
  return looked.some(
    (one) => padded.includes(` ${one} `) || (one.includes(' ') && padded.includes(` ${one.replaceAll(' ', '')} `)),
  );
}
