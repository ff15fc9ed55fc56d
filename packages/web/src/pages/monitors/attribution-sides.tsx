import { countNoun } from '@dais/api';
import type { MonitorAttributions } from '@dais/api/monitoring';
import { figure } from './monitor-words.ts';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { ValueBars } from '#ui/plot/value-bars.tsx';

const MOST_BARS = 20;

const METHODS = {
  tree_shap: 'exact, TreeSHAP',
  exact: 'exact, all coalitions',
  sampled_shapley: 'sampled',
} as const;

/** Feature importance of the version in the window compared with the baseline. */
export function AttributionSides({ attributions }: { readonly attributions: MonitorAttributions }) {
  const { model, version, method, background, rows, baseline, columns } = attributions;
  return (
    <Panel title={`Feature attribution of ${model}/${version}`}>
      <p className="dim">
        Shapley values ({METHODS[method]}) of {rows.toLocaleString('en')} rows
        {baseline !== undefined && `, compared with ${countNoun(baseline.rows, 'row')} of ${baseline.name}`};
        background: {background.rows.toLocaleString('en')} {background.rows === 1 ? 'row' : 'rows'} of{' '}
        {background.of === 'example' ? 'the input example' : 'the baseline'}. Columns with the largest change come
        first.
      </p>
      {columns.length === 0 ? (
        <p className="dim">No column has an attribution.</p>
      ) : (
        <>
          <ValueBars
            label="Share of each column in all attributions: this window versus the baseline"
            values={columns.slice(0, MOST_BARS).map((one) => ({
              value: one.column,
              share: one.currentShare,
              before: one.baselineShare,
            }))}
          />
          <PlainTable
            label="Attributions by column"
            rows={columns}
            keyOf={({ column }) => column}
            columns={[
              { title: 'Column', cell: ({ column }) => column },
              { title: 'Share', narrow: true, cell: ({ currentShare }) => <b>{share(currentShare)}</b> },
              { title: 'Baseline share', narrow: true, cell: ({ baselineShare }) => share(baselineShare) },
              { title: 'Rank', narrow: true, cell: ({ currentRank }) => currentRank },
              { title: 'Baseline rank', narrow: true, cell: ({ baselineRank }) => baselineRank ?? '–' },
              {
                title: 'Mean |attribution|',
                narrow: true,
                about: 'Mean absolute attribution, in the unit of the output',
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
