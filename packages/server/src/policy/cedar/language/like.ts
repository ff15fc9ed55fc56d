/** A pattern of `like` in Cedar's JSON form. */
export type PatternElement = 'Wildcard' | { readonly Literal: string };

export function likeMatcher(pattern: readonly PatternElement[]): (text: string) => boolean {
  return piecesMatcher(literalPieces(pattern));
}

/**
 * Matches text against a pattern in which wildcards match any characters. Searches each literal between wildcards once,
 * from the end of the previous match: the first match leaves the most text for the rest. The search never backtracks,
 * so no pattern is slow.
 */
export function piecesMatcher(pieces: readonly string[]): (text: string) => boolean {
  const [first = '', ...others] = pieces;
  const last = others.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (!text.startsWith(first)) return false;
    let from = first.length;
    for (const piece of others) {
      const at = text.indexOf(piece, from);
      if (at < 0) return false;
      from = at + piece.length;
    }
    return text.length - last.length >= from && text.endsWith(last);
  };
}

/** The texts between the wildcards; one more than there are wildcards. */
export function literalPieces(pattern: readonly PatternElement[]): string[] {
  const pieces = [''];
  for (const element of pattern) {
    if (element === 'Wildcard') pieces.push('');
    else pieces[pieces.length - 1] += element.Literal;
  }
  return pieces;
}
