import { DaisError, type Issue } from '#errors.ts';
import type { FilterSpan } from '#filter/filter-tree.ts';

export interface FilterProblem {
  readonly expected?: string;
  readonly nearest?: string | undefined;
}

/** An error in a text with its position: line and column count from 1. */
export function filterError(
  path: string,
  text: string,
  { offset, length }: FilterSpan,
  message: string,
  { expected, nearest }: FilterProblem = {},
): DaisError {
  const before = text.slice(0, offset).split('\n');
  const issue: Issue = {
    path,
    message,
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
    length,
    ...(expected !== undefined && { expected }),
    ...(nearest !== undefined && { nearest }),
  };
  return new DaisError('invalid_request', message, { issues: [issue] });
}
