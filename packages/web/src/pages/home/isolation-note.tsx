import { isolationSummary, type IsolationInfo } from '@dais/api/executions';
import { StateBadge } from '#ui/state-badge.tsx';

/** Shown where user code cannot be isolated: steps, Python models, conversions and scheduled runs are refused there. */
export function IsolationNote({ isolation }: { readonly isolation: IsolationInfo }) {
  return (
    <div className="note note-failed" role="status">
      <StateBadge state="failed" word="User code cannot run here" />
      <p>{sentence(isolation)}.</p>
      {isolation.remedy !== undefined && <p>{isolation.remedy}</p>}
      <p>
        <a href="docs/guide/isolation" target="_blank" rel="noreferrer">
          Isolation requirements
        </a>
      </p>
    </div>
  );
}

function sentence(isolation: IsolationInfo): string {
  const text = isolationSummary(isolation);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
