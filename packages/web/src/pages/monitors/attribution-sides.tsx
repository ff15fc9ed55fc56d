import type { MonitorAttributions } from '@dais/api/monitoring';
import { figure } from './monitor-words.ts';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { ValueBars } from '#ui/plot/value-bars.tsx';

const MOST_BARS = 20;

const METHODS = {
  tree_shap: 'exact, by its trees',
  exact: 'exact, by all coalitions',
  sampled_shapley: 'sampled',
} as const;

/** By which columns the version went, and by which on rows of the baseline. */
export function AttributionSides({ attributions }: { readonly attributions: MonitorAttributions }) {
  const { model, version, method, background, rows, baseline, columns } = attributions;
  return (
    <Panel title={`What moves the answer of ${model}/${version}`}>
      <p className="dim">
        Shapley values ({METHODS[method]}) of {rows.toLocaleString('en')} rows
        {baseline !== undefined && `, beside ${baseline.rows.toLocaleString('en')} of ${baseline.name}`}; each compared
        with {background.rows.toLocaleString('en')} {background.rows === 1 ? 'row' : 'rows'} of{' '}
        {background.of === 'example' ? 'its input example' : 'the baseline'}. Columns that moved most come first.
      </p>
      {columns.length === 0 ? (
        <p className="dim">No column moves it.</p>
      ) : (
        <>
          <ValueBars
            label="Share of each column in all attributions: this window beside the baseline"
            values={columns.slice(0, MOST_BARS).map((one) => ({
              value: one.column,
              share: one.currentShare,
              before: one.baselineShare,
            }))}
          />
          <PlainTable
            label="Columns by which it goes"
            rows={columns}
            keyOf={({ column }) => column}
            columns={[
              { title: 'Column', cell: ({ column }) => column },
              { title: 'Share', narrow: true, cell: ({ currentShare }) => <b>{share(currentShare)}</b> },
              { title: 'Share before', narrow: true, cell: ({ baselineShare }) => share(baselineShare) },
              { title: 'Place', narrow: true, cell: ({ currentRank }) => currentRank },
              { title: 'Place before', narrow: true, cell: ({ baselineRank }) => baselineRank ?? '–' },
              {
                title: 'Mean size',
                narrow: true,
                about: 'Of its attributions, in the unit of the answer',
                cell: ({ current }) => figure(current),
              },
            ]}
          />
        </>
      )}
    </Panel>
  );
}

function share(value: number | undefined): string {
  return value === undefined ? '–' : `${(value * 100).toFixed(1)} %`;
}
