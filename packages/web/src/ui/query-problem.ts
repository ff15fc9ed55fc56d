import { DaisError } from '@dais/api';
import { parseFilter, type FilterEntity } from '@dais/api/filter';
import type { QueryProblem } from './query-input.tsx';

/** The grammar error of an entity's filter, with its position. */
export function queryProblem(entity: FilterEntity, text: string): QueryProblem | undefined {
  try {
    parseFilter(entity, text);
    return undefined;
  } catch (error) {
    if (!(error instanceof DaisError)) throw error;
    const issue = error.issues?.[0];
    const message = issue?.message ?? error.message;
    // Some messages already include the expectation.
    const isIncluded = issue?.expected === undefined || message.includes('one of');
    const expected = isIncluded ? '' : `; expected ${issue.expected}`;
    const near = issue?.nearest === undefined ? '' : `; did you mean ${issue.nearest}?`;
    return {
      start: (issue?.column ?? 1) - 1,
      length: issue?.length ?? text.length,
      message: `${message}${near === '' ? expected : near}`,
    };
  }
}
