/** Regular expressions in filters: those of PostgreSQL, without slow constructs. */
import { filterError, type FilterClause } from '@dais/api/filter';

const LONGEST = 200;
/** Back references and lookaround, for which PostgreSQL can need exponential time. */
const COSTLY = /\\[1-9]|\(\?[=!<]/;

/** @throws DaisError `invalid_request` with the position. */
export function checkRegex(clause: FilterClause, text: string): void {
  const pattern = String(clause.value);
  const quantifiers = pattern.split('{').length - 1;
  if (pattern.length <= LONGEST && !COSTLY.test(pattern) && quantifiers <= 2) return;
  throw filterError('filter', text, clause.span, 'The regular expression is too complex.', {
    expected: `at most ${LONGEST} characters and two bounds in braces, without back references and lookaround`,
  });
}

/** Reports errors of PostgreSQL about a pattern as errors of the filter. @throws DaisError `invalid_request`. */
export async function withRegex<T>(
  text: string,
  clauses: readonly FilterClause[],
  query: () => Promise<T>,
): Promise<T> {
  try {
    return await query();
  } catch (error) {
    const clause = clauses.find(({ operator }) => operator === 'RLIKE');
    if (clause === undefined || (error as { code?: unknown } | null)?.code !== '2201B') throw error;
    throw filterError('filter', text, clause.span, 'The regular expression is not valid.', {
      expected: 'a regular expression in PostgreSQL syntax',
    });
  }
}
