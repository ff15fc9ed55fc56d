/** Stories of filters and charts, in development only: see stories.tsx. */
import { DaisError } from '@dais/api';
import { parseFilter, runFilter } from '@dais/api/filter';
import { useState } from 'react';
import { ColumnPicker } from './column-picker.tsx';
import { Panel } from './panel.tsx';
import { LineChart } from './plot/line-chart.tsx';
import { ParallelPlot } from './plot/parallel-plot.tsx';
import { ScatterPlot } from './plot/scatter-plot.tsx';
import { completeQuery } from './query-completion.ts';
import { QueryInput } from './query-input.tsx';

const KEYS = ['loss', 'val loss', 'accuracy'];
const KNOWN = { keys: { metric: KEYS, parameter: ['depth'], tag: [] }, values: () => ['3', '4'] };
const COLUMNS = KEYS.map((title) => ({ id: title, title, group: 'Metrics' }));

const XS = Array.from({ length: 200 }, (_, at) => at);
const LINES = Array.from({ length: 12 }, (_, position) => ({
  label: `run ${position}`,
  place: position,
  xs: XS,
  ys: XS.map((x) => 1 / (1 + x / (10 + 4 * position)) + 0.03 * Math.sin(x * (position + 1))),
}));
const THINGS = LINES.map(({ label, place }) => ({
  id: label,
  label,
  place,
  values: [String(place % 4), place % 2 === 0 ? 'adam' : 'sgd', 1 / (place + 1)],
}));

export function ChartStories() {
  const [filter, setFilter] = useState('metrics.loss < 0.1 AND metrix.x = 1');
  const [shown, setShown] = useState<readonly string[]>(['loss']);
  const [range, setRange] = useState<readonly [number, number]>();
  return (
    <>
      <Panel title="QueryInput">
        <QueryInput
          label="Filter"
          value={filter}
          onValue={setFilter}
          check={problemOf}
          complete={(before) => completeQuery(runFilter, before, KNOWN)}
          placeholder="metrics.loss < 0.1"
        />
      </Panel>
      <Panel title="ColumnPicker">
        <ColumnPicker columns={COLUMNS} shown={shown} onShown={setShown} onReset={() => setShown([])} />
      </Panel>
      <LineChart
        title="LineChart"
        summary="Twelve lines"
        lines={LINES}
        log={false}
        smoothing={0.5}
        unit="step"
        height={220}
        sync="stories"
        range={range}
        onRange={setRange}
      />
      <Panel title="ParallelPlot">
        <ParallelPlot
          label="ParallelPlot"
          axes={['depth', 'optimizer', 'error'].map((title) => ({ id: title, title }))}
          things={THINGS}
        />
      </Panel>
      <Panel title="ScatterPlot">
        <ScatterPlot label="ScatterPlot" across="depth" up="optimizer" things={THINGS} />
      </Panel>
    </>
  );
}

function problemOf(text: string) {
  try {
    parseFilter(runFilter, text);
    return undefined;
  } catch (error) {
    const issue = error instanceof DaisError ? error.issues?.[0] : undefined;
    return { start: (issue?.column ?? 1) - 1, length: issue?.length ?? 1, message: issue?.message ?? String(error) };
  }
}
