import type { PredictionRows } from '@dais/api/serving';
import { Link } from '@tanstack/react-router';
import { numberOf, readNamed, textOf } from './prediction-rows.ts';
import { servedVersion } from './served-version.ts';
import { milliseconds } from '#pages/endpoints/endpoint-words.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

export interface PredictionSummaryProps {
  readonly project: string;
  readonly summary: PredictionRows | undefined;
  readonly error: Error | null;
  readonly update: (change: Readonly<Record<string, string | undefined>>) => void;
}

/** Predictions by version: count, latency, and the number with ground truth. */
export function PredictionSummary({ project, summary, error, update }: PredictionSummaryProps) {
  if (error !== null) return <ErrorNote error={error} />;
  if (summary === undefined) return null;
  return (
    <Panel title="By version" flush>
      <PlainTable
        label="Model versions"
        rows={readNamed(summary)}
        keyOf={(cells) => JSON.stringify([cells['model'], cells['version'], cells['variant']])}
        columns={[
          {
            title: 'Version',
            cell: ({ model, version }) => {
              const served = servedVersion(project, textOf(model), textOf(version));
              if (served === undefined) return <span className="dim">no version</span>;
              return served.address === undefined ? served.text : <Link {...served.address}>{served.text}</Link>;
            },
          },
          {
            title: 'Variant',
            narrow: true,
            cell: ({ variant }) => (
              <button
                type="button"
                className="predictions-choose"
                onClick={() => update({ variant: textOf(variant) === '' ? undefined : textOf(variant) })}
              >
                {textOf(variant)}
              </button>
            ),
          },
          { title: 'Requests', narrow: true, cell: ({ predictions }) => count(predictions) },
          { title: 'Rows', narrow: true, cell: ({ rows }) => count(rows) },
          {
            title: 'Errors',
            narrow: true,
            cell: ({ failed }) => (numberOf(failed) === 0 ? '0' : <StateBadge state="failed" word={count(failed)} />),
          },
          { title: 'p50', narrow: true, cell: ({ p50_ms }) => milliseconds(numberOf(p50_ms) ?? null) },
          { title: 'p99', narrow: true, cell: ({ p99_ms }) => milliseconds(numberOf(p99_ms) ?? null) },
          {
            title: 'Labeled',
            narrow: true,
            about: 'Rows with ground truth',
            cell: ({ labeled }) => count(labeled),
          },
        ]}
      />
    </Panel>
  );
}

function count(value: unknown): string {
  return (numberOf(value) ?? 0).toLocaleString('en');
}
