/** Lines of a text, with a bound for their length. */

export interface TextLine {
  readonly text: string;
  /** The text is the beginning of the line. */
  readonly isTooLong: boolean;
  /** The text ends within the line. */
  readonly isLast: boolean;
}

export async function* textLines(pieces: AsyncIterable<string>, longest: number): AsyncGenerator<TextLine> {
  let before = '';
  let isTooLong = false;
  for await (const piece of pieces) {
    const lines = piece.split('\n');
    for (const [at, part] of lines.entries()) {
      if (before.length + part.length > longest) isTooLong = true;
      before = (before + part).slice(0, longest);
      if (at === lines.length - 1) break;
      yield { text: before, isTooLong, isLast: false };
      [before, isTooLong] = ['', false];
    }
  }
  if (before !== '') yield { text: before, isTooLong, isLast: true };
}
