import type { ColumnComparison } from '@dais/api/monitoring';
import { bothSides, figure } from './monitor-words.ts';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { HistogramPair } from '#ui/plot/histogram-pair.tsx';
import { ValueBars } from '#ui/plot/value-bars.tsx';

const TITLES = { now: 'this window', before: 'baseline' };

/** Distribution of one column in the window compared with the baseline. */
export function ColumnSides({ comparison }: { readonly comparison: ColumnComparison }) {
  const { column, family, masked = false, current, baseline, categories, others } = comparison;
  const sides = bothSides(comparison);
  const words = family === 'time' ? (value: number) => new Date(value).toLocaleString() : figure;
  const missing = (side: { readonly rows: number; readonly nulls: number } | undefined) =>
    side === undefined || side.rows === 0 ? '–' : `${((side.nulls / side.rows) * 100).toFixed(1)} %`;
  const rows = [
    { name: 'rows', now: current.rows.toLocaleString('en'), before: baseline?.rows.toLocaleString('en') ?? '–' },
    { name: 'missing', now: missing(current), before: missing(baseline) },
    ...(['mean', 'stddev', 'min', 'max'] as const)
      .filter((name) => current[name] !== undefined || baseline?.[name] !== undefined)
      .map((name) => ({ name, now: valueText(current[name], words), before: valueText(baseline?.[name], words) })),
  ];
  return (
    <Panel title={`Distribution of ${column}`}>
      {masked ? (
        <p className="dim">The values are masked.</p>
      ) : sides !== undefined ? (
        <HistogramPair
          label={`${column}: this window versus the baseline`}
          now={sides.current}
          before={sides.baseline}
          titles={TITLES}
          words={words}
        />
      ) : categories !== undefined ? (
        <>
          <ValueBars
            label={`${column}: this window versus the baseline`}
            values={categories.map(({ value, current: now, baseline: before }) => ({
              value,
              count: now,
              share: current.rows === 0 ? 0 : now / current.rows,
              before: baseline === undefined || baseline.rows === 0 ? undefined : before / baseline.rows,
            }))}
          />
          {others !== undefined && (
            <p className="dim">
              {others.current.toLocaleString('en')} rows have other values
              {baseline !== undefined && `; ${others.baseline.toLocaleString('en')} in the baseline`}.
            </p>
          )}
        </>
      ) : (
        <p className="dim">No chart is available for this type.</p>
      )}
      <PlainTable
        label={`Statistics of ${column}`}
        rows={rows}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Statistic', narrow: true, cell: ({ name }) => name },
          { title: 'This window', cell: ({ now }) => now },
          { title: 'Baseline', cell: ({ before }) => before },
        ]}
      />
    </Panel>
  );
}

function valueText(value: number | undefined, words: (value: number) => string): string {
  return value === undefined ? '–' : words(value);
}
