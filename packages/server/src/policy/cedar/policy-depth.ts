/**
 * What is too deep for cedar-wasm: it reads by recursion on a stack of its own, and once that has run over it is not whole
 * any more. Brackets 200 deep, 1,000 `if`s or 4,000 operators in one policy were too much for it; these are well below.
 */
const MOST_NESTED = 50;
const MOST_IFS = 50;
const MOST_OPERATORS = 500;

export interface TooDeep {
  readonly message: string;
  readonly help: string;
  /** Where in the text it becomes too much. */
  readonly offset: number;
}

/** Reads each character once. */
export function tooDeep(text: string): TooDeep | undefined {
  let [nested, ifs, operators] = [0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') at = endOfString(text, at);
    else if (text.startsWith('//', at)) at = endOfLine(text, at);
    else if ('([{'.includes(character)) nested += 1;
    else if (')]}'.includes(character)) nested -= 1;
    else if (character === ';') [nested, ifs, operators] = [0, 0, 0];
    else if ('|&+-*.!<>='.includes(character)) operators += 1;
    else if (character === 'i' && /^if\b/.test(text.slice(at, at + 3)) && !/\w/.test(text.charAt(at - 1))) ifs += 1;
    const over =
      nested > MOST_NESTED
        ? `is nested deeper than ${MOST_NESTED} levels`
        : ifs > MOST_IFS
          ? `has more than ${MOST_IFS} \`if\`s`
          : operators > 2 * MOST_OPERATORS
            ? `has more than ${MOST_OPERATORS} operators`
            : undefined;
    if (over !== undefined) {
      return { message: `a policy ${over}`, help: 'use several policies, or a set: `["a", "b"].contains(…)`', offset: at };
    }
  }
  return undefined;
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text.charAt(at) === '\\') at += 1;
    else if (text.charAt(at) === '"') return at;
  }
  return text.length;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}
