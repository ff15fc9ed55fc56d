/** The edited label selector: its invalid word, and completions. */
import { DaisError, parseSelector } from '@dais/api';

export interface WrongTerm {
  /** Characters from the start of the text. */
  readonly start: number;
  readonly length: number;
  readonly message: string;
}

interface Term {
  readonly text: string;
  readonly start: number;
}

function termsOf(text: string): readonly Term[] {
  let at = 0;
  return text.split(',').map((part) => {
    const start = at + (part.length - part.trimStart().length);
    at += part.length + 1;
    return { text: part.trim(), start };
  });
}

/** The first invalid term; undefined when all are valid. */
export function wrongTerm(text: string): WrongTerm | undefined {
  for (const term of termsOf(text)) {
    try {
      parseSelector(term.text);
    } catch (error) {
      if (!(error instanceof DaisError)) throw error;
      const issue = error.issues?.[0];
      const expected = issue?.expected === undefined ? '' : `: ${issue.expected}`;
      return { start: term.start, length: term.text.length, message: `${issue?.message ?? error.message}${expected}` };
    }
  }
  return undefined;
}

/** Maximum number of completions. */
const OFFERED = 50;

/** Whole selectors that extend the text, from the labels of the rows. */
export function completions(text: string, labels: readonly Readonly<Record<string, string>>[]): readonly string[] {
  const last = termsOf(text).at(-1) ?? { text: '', start: 0 };
  const before = text.slice(0, last.start);
  const found = new Set<string>();
  for (const one of labels) {
    for (const [key, value] of Object.entries(one)) {
      for (const term of [key, `${key}=${value}`]) {
        if (term.startsWith(last.text) && term !== last.text) found.add(before + term);
      }
    }
    if (found.size >= OFFERED) break;
  }
  return [...found].toSorted().slice(0, OFFERED);
}
