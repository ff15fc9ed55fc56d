import type { Run } from '@dais/api/tracking';
import { diffRuns, type DiffRow } from './run-diff.ts';
import { runTitles } from './run-titles.ts';
import { Checkbox } from '#ui/controls.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';

export interface DiffTableProps {
  readonly runs: readonly Run[];
  /** Includes identical values. */
  readonly all: boolean;
  readonly update: (change: Readonly<Record<string, string | undefined>>) => void;
}

/** Compares the parameters, metrics and tags of runs. */
export function DiffTable({ runs, all, update }: DiffTableProps) {
  const rows = diffRuns(runs).filter(({ differs }) => all || differs);
  const titles = runTitles(runs);
  return (
    <>
      <Checkbox
        size="xs"
        label="Show identical values"
        checked={all}
        onChange={({ currentTarget }) => update({ all: currentTarget.checked ? 'yes' : undefined })}
      />
      {rows.length === 0 && <EmptyState sentence="The runs logged identical values." />}
      {(['Parameters', 'Metrics', 'Tags'] as const).map((group) => {
        const own = rows.filter((row) => row.group === group);
        return own.length === 0 ? null : (
          <Panel key={group} title={group} flush>
            <PlainTable
              label={`${group} of the runs`}
              rows={own}
              keyOf={({ key }) => key}
              columns={[
                { title: group === 'Metrics' ? 'Metric (latest value)' : 'Name', narrow: true, cell: ({ key }) => key },
                ...titles.map((title, at) => ({
                  title,
                  cell: ({ values, differs }: DiffRow) => (
                    <span className={differs ? undefined : 'compare-same'}>
                      {values[at]?.slice(0, 300) ?? <span className="dim">–</span>}
                    </span>
                  ),
                })),
              ]}
            />
          </Panel>
        );
      })}
    </>
  );
}
