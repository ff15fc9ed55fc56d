/**
 * Returns the format of a value for display, without identifying content. Letters become `x`, digits `9`, at most 24
 * characters; in an email address the domain is replaced too.
 */
export function redactExample(value: string): string {
  const short = value.length > 24 ? `${value.slice(0, 23)}…` : value;
  return short
    .replaceAll(/\p{Nd}/gu, '9')
    .replaceAll(/\p{Lu}/gu, 'X')
    .replaceAll(/[\p{L}\p{M}]/gu, (letter) => (letter === 'X' ? 'X' : 'x'));
}
