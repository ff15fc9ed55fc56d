import { lazy, Suspense } from 'react';
import type { LinePlotProps } from './line-plot.tsx';
import { useTheme } from '#ui/use-theme.ts';
import './line-chart.css';

const LinePlot = lazy(async () => ({ default: (await import('./line-plot.tsx')).LinePlot }));

export interface LineChartProps extends Omit<LinePlotProps, 'scheme'> {
  readonly title: string;
  /** What it shows, for those who cannot see it. */
  readonly summary: string;
}

/** A chart of lines: its numbers are told by the table that pages have beside it. */
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
