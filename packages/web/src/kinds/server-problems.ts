/** Maps problems that the server found to positions in the edited text. Pure. */
import type { DaisError } from '@dais/api';

/** Characters from the start of the text. */
export interface ServerProblem {
  readonly from: number;
  readonly to: number;
  /** `8:33`; undefined without a position. */
  readonly place: string | undefined;
  readonly message: string;
}

/** The server counts lines and columns from 1; a problem without a position is shown at the start. */
export function serverProblems(text: string, { issues = [] }: Pick<DaisError, 'issues'>): readonly ServerProblem[] {
  return issues.map(({ message, line, column = 1, expected, nearest, path }) => {
    const parts = [
      path === undefined ? message : `${path}: ${message}`,
      ...(expected === undefined ? [] : [`expected ${expected}`]),
      ...(nearest === undefined ? [] : [`did you mean ${nearest}?`]),
    ];
    const from = line === undefined ? 0 : offsetOf(text, line, column);
    // The word at the position; at the end of a line, the position itself.
    const word = /^\S+/.exec(text.slice(from))?.[0].length ?? 1;
    const location = line === undefined ? undefined : `${line}:${column}`;
    return { from, to: Math.min(text.length, from + word), place: location, message: parts.join('; ') };
  });
}

function offsetOf(text: string, line: number, column: number): number {
  const lines = text.split('\n');
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return Math.min(text.length, before + Math.min(column - 1, lines[line - 1]?.length ?? 0));
}
