import { isolationSummary, type IsolationInfo } from '@dais/api';
import { StateBadge } from '#ui/state-badge.tsx';

const BOUNDARIES: Readonly<Record<IsolationInfo['boundary'], string>> = {
  bubblewrap: 'namespaces',
  'bubblewrap-without-proc': 'namespaces without /proc',
  landlock: 'Landlock',
  none: 'none',
};

/** The boundary of user code, in the line of facts about the server; its tooltip is the whole sentence. */
export function IsolationFact({ isolation }: { readonly isolation: IsolationInfo }) {
  const { lacks, remedy } = isolation;
  const title = [`${sentence(isolation)}.`, ...lacks, remedy ?? ''].filter((text) => text !== '').join(' ');
  return <span title={title}>Isolation: {BOUNDARIES[isolation.boundary]}</span>;
}

/** Shown where user code cannot be isolated: steps, Python models, conversions and scheduled runs are refused there. */
export function IsolationNote({ isolation }: { readonly isolation: IsolationInfo }) {
  return (
    <div className="note note-failed" role="status">
      <StateBadge state="failed" word="User code cannot run here" />
      <p>{sentence(isolation)}.</p>
      {isolation.remedy !== undefined && <p>{isolation.remedy}</p>}
      <p>
        <a href="docs/guide/isolation" target="_blank" rel="noreferrer">
          What isolation needs
        </a>
      </p>
    </div>
  );
}

function sentence(isolation: IsolationInfo): string {
  const text = isolationSummary(isolation);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
