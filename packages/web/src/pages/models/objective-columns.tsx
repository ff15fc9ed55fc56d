import type { ModelVersion } from '@dais/api/registry';
import type { Objective } from './model-spec.ts';
import type { RunMetrics } from './use-version-metrics.ts';
import { numberText, objectiveRows } from './version-diff.ts';
import type { PlainColumn } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

/** Maximum number of columns; the page of each version shows the others. */
const SHOWN = 4;

/** `mae ≤ 9`, `recall ≥ 0.8 where hour >= 22`, `mae, less is better`. */
export function objectiveTitle({ metric, direction, target, slice }: Objective): string {
  const more = direction === 'maximize';
  const aim =
    target === undefined ? `, ${more ? 'higher' : 'lower'} is better` : ` ${more ? '≥' : '≤'} ${numberText(target)}`;
  return `${metric}${aim}${slice === undefined ? '' : ` where ${slice}`}`;
}

/** The objectives as columns of versions, with the metrics of their runs. */
export function objectiveColumns(
  objectives: readonly Objective[],
  metrics: ReadonlyMap<string, RunMetrics>,
): readonly PlainColumn<ModelVersion>[] {
  return objectives.slice(0, SHOWN).map((objective) => ({
    title: objectiveTitle(objective),
    wrapped: true,
    ...(objective.businessFigure !== undefined && { about: objective.businessFigure }),
    cell: ({ runId }) => <Cell objective={objective} metrics={runId === undefined ? undefined : metrics.get(runId)} />,
  }));
}

function Cell({ objective, metrics }: { readonly objective: Objective; readonly metrics: RunMetrics | undefined }) {
  const [row] = objectiveRows([objective], undefined, metrics ?? {});
  if (row?.after === undefined) return <span className="dim objective-value">not measured</span>;
  const { after, met } = row;
  return (
    <span className="objective-value">
      {numberText(after)}
      {met !== undefined && <StateBadge state={met ? 'ok' : 'warning'} word={met ? 'met' : 'not met'} />}
    </span>
  );
}
