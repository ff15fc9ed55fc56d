import type { IngestProblem } from '@dais/api/data';
import { withCode } from '#ui/with-code.tsx';

/** Lists errors in files, with their position, the invalid value and the remedy. */
export function IngestProblems({ problems }: { readonly problems: readonly IngestProblem[] }) {
  if (problems.length === 0) return null;
  return (
    <ul className="data-problems" aria-label="Errors">
      {problems.map((problem, at) => (
        // oxlint-disable-next-line react/no-array-index-key -- two errors can be equal, and the list does not change
        <li key={at}>
          {problem.file !== undefined && (
            <code>
              {problem.file}
              {problem.line !== undefined && `:${problem.line}`}
            </code>
          )}{' '}
          {problem.column !== undefined && (
            <>
              column <code>{problem.column}</code>{' '}
            </>
          )}
          {withCode(problem.message)}
          {problem.value !== undefined && (
            <>
              {' '}
              <code>{problem.value}</code>
            </>
          )}
          {problem.remedy !== undefined && <span className="dim"> {withCode(problem.remedy)}</span>}
        </li>
      ))}
    </ul>
  );
}
