import type { IngestProblem } from '@dais/api/data';
import { withCode } from '#ui/with-code.tsx';

/** What was wrong with files: where it stands, what stands there, and what to do. */
export function IngestProblems({ problems }: { readonly problems: readonly IngestProblem[] }) {
  if (problems.length === 0) return null;
  return (
    <ul className="data-faults" aria-label="Errors">
      {problems.map((problem, at) => (
        // oxlint-disable-next-line react/no-array-index-key -- the same may be wrong twice
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
