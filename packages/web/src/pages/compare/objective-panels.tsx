import { modelKind } from '@dais/api/registry';
import type { Run } from '@dais/api/tracking';
import { useQueries } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { reached, type Objective, type Reached } from './objectives.ts';
import { runTitles } from './run-titles.ts';
import { resourceAddress } from '#addresses.ts';
import { metricText } from '#pages/runs/run-words.ts';
import { useVersionsOf } from '#pages/runs/use-run.ts';
import { useClient } from '#server/console-context.ts';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

export interface ObjectivePanelsProps {
  readonly project: string;
  readonly runs: readonly Run[];
}

/** The objectives of the models of these runs, and which runs meet them. */
export function ObjectivePanels({ project, runs }: ObjectivePanelsProps) {
  const client = useClient(project);
  const versions = useVersionsOf(
    project,
    runs.map(({ id }) => id),
  );
  const names = [...new Set((versions ?? []).map(({ model }) => model))].toSorted();
  const models = useQueries({
    queries: names.map((name) => ({
      queryKey: ['model', project, name],
      queryFn: async ({ signal }: { readonly signal: AbortSignal }) => await client.get('Model', name, { signal }),
      staleTime: 30_000,
    })),
  });
  return models.map(({ data }) => {
    const objectives = data?.spec.objectives ?? [];
    if (data === undefined || objectives.length === 0) return null;
    const { name } = data.metadata;
    return (
      <Panel
        key={name}
        title={`Objectives of ${name}`}
        flush
        actions={<Link {...resourceAddress(modelKind, project, name)}>{name}</Link>}
      >
        <ObjectiveTable objectives={objectives} runs={runs} />
      </Panel>
    );
  });
}

interface ObjectiveTableProps {
  readonly objectives: readonly Objective[];
  readonly runs: readonly Run[];
}

function ObjectiveTable({ objectives, runs }: ObjectiveTableProps) {
  const titles = runTitles(runs);
  return (
    <PlainTable
      label="Objectives"
      rows={objectives.map((objective) => ({ objective, values: reached(objective, runs) }))}
      keyOf={({ objective }) => `${objective.metric} ${objective.slice ?? ''}`}
      columns={[
        {
          title: 'Objective',
          cell: ({ objective: { metric, direction, target, slice, businessFigure } }) => (
            <>
              {direction} <b>{metric}</b>
              {target !== undefined && `, ${direction === 'maximize' ? 'at least' : 'at most'} ${metricText(target)}`}
              {slice !== undefined && <span className="dim"> where {slice}</span>}
              {businessFigure !== undefined && <div className="dim">{businessFigure}</div>}
            </>
          ),
        },
        ...titles.map((title, at) => ({
          title,
          cell: ({ values }: { readonly values: readonly Reached[] }) => <Value reached={values[at]} />,
        })),
      ]}
    />
  );
}

function Value({ reached: reachedValue }: { readonly reached: Reached | undefined }) {
  if (reachedValue?.value === undefined) return <span className="dim">not measured</span>;
  const { value, best, enough } = reachedValue;
  return (
    <>
      {metricText(value)} {best && <b>best</b>}{' '}
      {enough !== undefined && <StateBadge state={enough ? 'ok' : 'warning'} word={enough ? 'reached' : 'not met'} />}
    </>
  );
}
