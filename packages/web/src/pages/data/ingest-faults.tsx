import type { IngestFault } from '@dais/api/data';
import { withCode } from '#ui/with-code.tsx';

/** What was wrong with files: where it stands, what stands there, and what to do. */
export function IngestFaults({ faults }: { readonly faults: readonly IngestFault[] }) {
  if (faults.length === 0) return null;
  return (
    <ul className="data-faults" aria-label="Errors">
      {faults.map((fault, at) => (
        // oxlint-disable-next-line react/no-array-index-key -- the same may be wrong twice
        <li key={at}>
          {fault.file !== undefined && (
            <code>
              {fault.file}
              {fault.line !== undefined && `:${fault.line}`}
            </code>
          )}{' '}
          {fault.column !== undefined && (
            <>
              column <code>{fault.column}</code>{' '}
            </>
          )}
          {withCode(fault.message)}
          {fault.value !== undefined && (
            <>
              {' '}
              <code>{fault.value}</code>
            </>
          )}
          {fault.remedy !== undefined && <span className="dim"> {withCode(fault.remedy)}</span>}
        </li>
      ))}
    </ul>
  );
}
