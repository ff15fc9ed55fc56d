import { lazy, Suspense } from 'react';
import type { LinePlotProps } from './line-plot.tsx';
import { useTheme } from '#ui/use-theme.ts';
import './line-chart.css';

const LinePlot = lazy(async () => ({ default: (await import('./line-plot.tsx')).LinePlot }));

export interface LineChartProps extends Omit<LinePlotProps, 'scheme'> {
  readonly title: string;
  /** Label of the chart for screen readers. */
  readonly summary: string;
}

/** A line chart. Pages show its numbers in a table. */
export function LineChart({ title, summary, ...plot }: LineChartProps) {
  const { shown } = useTheme();
  return (
    <figure className="line-chart">
      <figcaption title={title}>{title}</figcaption>
      <span className="out-of-sight">{summary}</span>
      <Suspense fallback={<div style={{ height: plot.height }} />}>
        <LinePlot {...plot} scheme={shown} />
      </Suspense>
    </figure>
  );
}
