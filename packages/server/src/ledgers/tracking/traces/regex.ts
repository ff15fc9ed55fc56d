/** Regular expressions in filters: PostgreSQL's, but for what could take it long. */
import { filterError, type FilterClause } from '@dais/api/filter';

const LONGEST = 200;
/** Back references and lookaround: PostgreSQL may take exponential time for them. */
const COSTLY = /\\[1-9]|\(\?[=!<]/;

/** @throws DaisError `invalid_request` with the place. */
export function checkRegex(clause: FilterClause, text: string): void {
  const pattern = String(clause.value);
  const bounds = pattern.split('{').length - 1;
  if (pattern.length <= LONGEST && !COSTLY.test(pattern) && bounds <= 2) return;
  throw filterError('filter', text, clause.span, 'The regular expression is too complex.', {
    expected: `at most ${LONGEST} characters, two bounds in braces, no back references and no lookaround`,
  });
}

/** What PostgreSQL says of a pattern is told as a fault of the filter. @throws DaisError `invalid_request`. */
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
    throw filterError('filter', text, clause.span, 'This is no regular expression.', {
      expected: 'a regular expression as PostgreSQL has them',
    });
  }
}
