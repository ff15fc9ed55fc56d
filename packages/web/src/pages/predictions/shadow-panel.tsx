import type { PredictionRows } from '@dais/api/serving';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { numberOf, readNamed, shortText, textOf, valueColumns } from './prediction-rows.ts';
import {
  AGREEMENT,
  BINS,
  comparisonOf,
  DISTANCES,
  shadowBinsSql,
  shadowSummarySql,
  shadowValuesSql,
  shadowWorstSql,
  type Comparison,
} from './shadow-sql.ts';
import { SpanSelect } from './span-select.tsx';
import { timeSpan } from './time-span.ts';
import { usePredictionQuery, type PredictionsOf } from './use-predictions.ts';
import { predictionAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { milliseconds } from '#pages/endpoints/endpoint-words.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useNow } from '#ui/clock.tsx';
import { Button, Select } from '#ui/controls.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { HistogramPair } from '#ui/plot/histogram-pair.tsx';
import { ValueBars } from '#ui/plot/value-bars.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import './predictions.css';

export interface ShadowPanelProps {
  readonly project: string;
  readonly endpoint: string;
}

/** Compares a shadow with the serving version: agreement, differences, and the largest ones. */
export function ShadowPanel({ project, endpoint }: ShadowPanelProps) {
  const navigate = useNavigate();
  const { time, from, until, output } = useAddressQuery();
  const now = useNow();
  const [end, setEnd] = useState(now);
  const of: PredictionsOf = useMemo(
    () => ({ project, endpoint, span: timeSpan({ time, from, until }, end) }),
    [project, endpoint, time, from, until, end],
  );
  const first = usePredictionQuery(of, 'select * from predictions where shadow_of is not null limit 1', 1);
  const outputs = valueColumns(first.data?.columns ?? []).filter(({ side }) => side === 'output');
  const chosen = outputs.find(({ column }) => column === output) ?? outputs[0];
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  return (
    <div className="resource-overview">
      <div className="predictions-bar">
        <SpanSelect time={time} from={from} until={until} update={update} now={now} />
        {chosen !== undefined && (
          <Select
            aria-label="Output"
            value={chosen.column}
            data={outputs.map(({ column, name }) => ({ value: column, label: name }))}
            allowDeselect={false}
            onChange={(next) => update({ output: next ?? undefined })}
            comboboxProps={{ withinPortal: false }}
          />
        )}
        <Button variant="default" loading={first.isFetching} onClick={() => setEnd(Date.now())}>
          Refresh
        </Button>
      </div>
      {first.error !== null ? (
        <ErrorNote error={first.error} retry={() => void first.refetch()} />
      ) : first.data === undefined ? (
        <Skeleton rows={6} />
      ) : first.data.rows.length === 0 ? (
        <EmptyState
          sentence="No shadow predictions in this period. A shadow variant receives copies of requests for comparison."
          command={daisCommand(['deploy', 'models:/MODEL/VERSION', '--to', endpoint, '--shadow'], project)}
        >
          Responses of a shadow are recorded but never returned to clients.
        </EmptyState>
      ) : chosen === undefined ? (
        <p className="dim">No stored output of the shadow can be compared.</p>
      ) : (
        <Compared key={chosen.column} of={of} output={chosen.column} by={comparisonOf(chosen.type)} />
      )}
    </div>
  );
}

interface ComparedProps {
  readonly of: PredictionsOf;
  readonly output: string;
  readonly by: Comparison;
}

function Compared({ of, output, by }: ComparedProps) {
  const summary = usePredictionQuery(of, shadowSummarySql(output, by), 20);
  const shape = usePredictionQuery(of, by === 'number' ? shadowBinsSql(output) : shadowValuesSql(output, by), 100);
  const worst = usePredictionQuery(of, shadowWorstSql(output, by), 20);
  const error = summary.error ?? shape.error ?? worst.error;
  return (
    <>
      {error !== null && <ErrorNote error={error} />}
      {summary.data === undefined ? error === null && <Skeleton rows={3} /> : <Agreement rows={summary.data} by={by} />}
      {shape.data !== undefined && (
        <Panel title="Distribution of outputs">
          {by === 'number' ? <Bins rows={shape.data} /> : <Values rows={shape.data} />}
        </Panel>
      )}
      {worst.data !== undefined && <Worst of={of} rows={worst.data} by={by} />}
    </>
  );
}

const count = (value: unknown) => (numberOf(value) ?? 0).toLocaleString('en');
const figure = (value: unknown) => {
  const number = numberOf(value);
  return number === undefined ? '–' : String(Number(number.toPrecision(4)));
};

function Agreement({ rows, by }: { readonly rows: PredictionRows; readonly by: Comparison }) {
  return (
    <Panel title="Shadow agreement" flush>
      <PlainTable
        label="Agreement"
        rows={readNamed(rows)}
        keyOf={(cells) => JSON.stringify([cells['version'], cells['shadow_version']])}
        columns={[
          { title: 'Primary', narrow: true, cell: ({ version }) => `version ${textOf(version)}` },
          { title: 'Shadow', narrow: true, cell: ({ shadow_version }) => `version ${textOf(shadow_version)}` },
          { title: 'Rows', narrow: true, cell: (cells) => count(cells['rows']) },
          {
            title: 'Agreement',
            about: AGREEMENT[by],
            cell: ({ agreeing, compared }) => {
              const [of, all] = [numberOf(agreeing) ?? 0, numberOf(compared) ?? 0];
              return all === 0 ? (
                '–'
              ) : (
                <>
                  <b>{((of / all) * 100).toFixed(1)} %</b> <span className="dim">{AGREEMENT[by]}</span>
                </>
              );
            },
          },
          {
            title: 'Distance',
            about: `Mean, and 99th percentile, of the ${DISTANCES[by]}`,
            cell: ({ mean_distance, p99_distance }) => `${figure(mean_distance)}, p99 ${figure(p99_distance)}`,
          },
          {
            title: 'Errors',
            narrow: true,
            about: 'Of the primary variant, and of the shadow',
            cell: ({ failed, shadow_failed }) => `${count(failed)}, shadow ${count(shadow_failed)}`,
          },
          {
            title: 'p99',
            narrow: true,
            cell: ({ p99_ms, shadow_p99_ms }) =>
              `${milliseconds(numberOf(p99_ms) ?? null)}, shadow ${milliseconds(numberOf(shadow_p99_ms) ?? null)}`,
          },
        ]}
      />
    </Panel>
  );
}

const TITLES = { now: 'primary', before: 'shadow' };

function Bins({ rows }: { readonly rows: PredictionRows }) {
  const bins = readNamed(rows);
  const [first] = bins;
  if (first === undefined) return <p className="dim">No numeric outputs.</p>;
  const [low, high] = [numberOf(first['low']) ?? 0, numberOf(first['high']) ?? 0];
  const edges = Array.from({ length: BINS + 1 }, (_, at) => low + ((high - low) * at) / BINS);
  const counts = (side: 'given' | 'shadow') =>
    Array.from({ length: BINS }, (_, at) => numberOf(bins.find((one) => numberOf(one['bin']) === at)?.[side]) ?? 0);
  return (
    <HistogramPair
      label="Outputs of primary and shadow"
      now={{ edges, counts: counts('given') }}
      before={{ edges, counts: counts('shadow') }}
      titles={TITLES}
      words={figure}
    />
  );
}

function Values({ rows }: { readonly rows: PredictionRows }) {
  const values = readNamed(rows);
  const total = (side: string) => values.reduce((sum, one) => sum + (numberOf(one[side]) ?? 0), 0);
  const [given, shadow] = [total('given'), total('shadow')];
  return (
    <>
      <ValueBars
        label="Outputs of primary and shadow"
        values={values.map((one) => ({
          value: textOf(one['value']),
          count: numberOf(one['given']) ?? 0,
          share: given === 0 ? 0 : (numberOf(one['given']) ?? 0) / given,
          before: shadow === 0 ? 0 : (numberOf(one['shadow']) ?? 0) / shadow,
        }))}
      />
      <p className="dim">The mark and “was” show the output of the shadow.</p>
    </>
  );
}

interface WorstProps {
  readonly of: PredictionsOf;
  readonly rows: PredictionRows;
  readonly by: Comparison;
}

function Worst({ of: { project, endpoint = '' }, rows, by }: WorstProps) {
  const worst = readNamed(rows);
  return (
    <Panel title="Largest differences" flush={worst.length > 0}>
      {worst.length === 0 ? (
        <p className="dim">No differences in this period.</p>
      ) : (
        <PlainTable
          label="Rows with the largest differences"
          rows={worst}
          keyOf={(cells) => `${textOf(cells['shadow_id'])} ${textOf(cells['row'])}`}
          columns={[
            {
              title: 'Prediction',
              narrow: true,
              cell: ({ id, row }) => (
                <Link
                  {...predictionAddress(project, endpoint, textOf(id))}
                  search={numberOf(row) === 0 ? {} : { row: textOf(row) }}
                >
                  <code>{textOf(id).slice(0, 13)}</code>
                </Link>
              ),
            },
            { title: 'Primary', cell: ({ a }) => shortText(a) },
            {
              title: 'Shadow',
              cell: ({ b, shadow_id }) => (
                <Link {...predictionAddress(project, endpoint, textOf(shadow_id))}>{shortText(b)}</Link>
              ),
            },
            { title: 'Distance', narrow: true, about: DISTANCES[by], cell: ({ distance }) => figure(distance) },
          ]}
        />
      )}
    </Panel>
  );
}
