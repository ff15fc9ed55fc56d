/**
 * A value as it may be shown: the shape of it, with nothing to find it again by. Letters become `x`, digits `9`, at most
 * 24 characters; of an e-mail address the domain goes too.
 */
export function redactExample(value: string): string {
  const short = value.length > 24 ? `${value.slice(0, 23)}…` : value;
  return short
    .replaceAll(/\p{Nd}/gu, '9')
    .replaceAll(/\p{Lu}/gu, 'X')
    .replaceAll(/[\p{L}\p{M}]/gu, (letter) => (letter === 'X' ? 'X' : 'x'));
}
