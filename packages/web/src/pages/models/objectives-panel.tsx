import type { Objective } from './model-spec.ts';
import { numberText, objectiveRows, type ObjectiveRow } from './version-diff.ts';
import { Panel } from '#ui/panel.tsx';
import { PlainTable, type PlainColumn } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

type Metrics = Readonly<Record<string, number | string>>;

export interface ObjectivesPanelProps {
  readonly objectives: readonly Objective[];
  /** The comparison version. */
  readonly before?: Metrics | undefined;
  readonly beforeTitle?: string;
  readonly after: Metrics;
  readonly afterTitle: string;
}

/** The objectives, the most important first; renders nothing without objectives. */
export function ObjectivesPanel({ objectives, before, beforeTitle = '', after, afterTitle }: ObjectivesPanelProps) {
  if (objectives.length === 0) return null;
  const compared: readonly PlainColumn<ObjectiveRow>[] =
    before === undefined ? [] : [{ title: beforeTitle, cell: (row) => <Value value={row.before} /> }];
  const result: readonly PlainColumn<ObjectiveRow>[] =
    before === undefined ? [] : [{ title: 'Comparison', narrow: true, cell: (row) => <Result row={row} /> }];
  return (
    <Panel title="Objectives" flush>
      <PlainTable
        label="Objective results"
        rows={objectiveRows(objectives, before, after)}
        keyOf={({ objective: { metric, slice } }) => `${metric} ${slice ?? ''}`}
        columns={[
          {
            title: 'Metric',
            cell: ({ objective: { metric, slice, businessFigure } }) => (
              <span title={businessFigure}>
                <code>{metric}</code>
                {slice !== undefined && <span className="dim"> where {slice}</span>}
              </span>
            ),
          },
          {
            title: 'Direction',
            narrow: true,
            cell: ({ objective: { direction } }) => (direction === 'maximize' ? 'higher is better' : 'lower is better'),
          },
          {
            title: 'Target',
            narrow: true,
            cell: ({ objective: { target, direction } }) =>
              target === undefined ? null : `${direction === 'maximize' ? '≥' : '≤'} ${numberText(target)}`,
          },
          ...compared,
          { title: afterTitle, cell: (row) => <Value value={row.after} /> },
          ...result,
          { title: 'Met', narrow: true, cell: ({ met }) => <Met met={met} /> },
          {
            title: 'Business metric',
            cell: ({ objective: { businessFigure } }) =>
              businessFigure === undefined ? null : <span className="dim objective-worth">{businessFigure}</span>,
          },
        ]}
      />
    </Panel>
  );
}

function Value({ value }: { readonly value: number | undefined }) {
  return value === undefined ? <span className="dim">not measured</span> : <>{numberText(value)}</>;
}

function Met({ met }: { readonly met: boolean | undefined }) {
  if (met === undefined) return null;
  return <StateBadge state={met ? 'ok' : 'warning'} word={met ? 'Yes' : 'No'} />;
}

const RESULTS = {
  better: <StateBadge state="ok" word="Better" />,
  worse: <StateBadge state="failed" word="Worse" />,
  same: <StateBadge state="off" word="Same" />,
  unknown: null,
} as const;

function Result({ row: { result, before, after } }: { readonly row: ObjectiveRow }) {
  if (before === undefined || after === undefined) return RESULTS.unknown;
  return (
    <>
      {RESULTS[result]} <span className="dim">by {numberText(Math.abs(after - before))}</span>
    </>
  );
}
