import type { PredictionRows } from '@dais/api/serving';
import { numberOf, shortText, textOf, valueColumns, type PredictionRow } from './prediction-rows.ts';
import { servedVersion } from './served-version.ts';
import { predictionAddress } from '#addresses.ts';
import { RowLink } from '#kinds/row-link.tsx';
import { milliseconds } from '#pages/endpoints/endpoint-words.ts';
import type { TableColumn } from '#ui/resource-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

/** Maximum number of inputs and outputs together; the page of a prediction shows all. */
const MOST_VALUES = 8;

export function predictionColumns(
  project: string,
  endpoint: string,
  columns: PredictionRows['columns'],
  masked: readonly string[],
): readonly TableColumn<PredictionRow>[] {
  const values = valueColumns(columns);
  const outputs = values.filter(({ side }) => side === 'output').slice(0, MOST_VALUES / 2);
  const inputs = values.filter(({ side }) => side === 'input').slice(0, MOST_VALUES - outputs.length);
  const hidden = new Set(masked);
  return [
    {
      id: 'time',
      title: 'Time',
      width: '120px',
      cell: ({ id, cells }) => (
        <RowLink address={predictionAddress(project, endpoint, id)}>
          <Time at={textOf(cells['predicted_at'])} />
        </RowLink>
      ),
    },
    {
      id: 'status',
      title: 'Status',
      width: '90px',
      cell: ({ cells }) => {
        const status = numberOf(cells['status']) ?? 0;
        const error = textOf(cells['error']);
        return (
          <StateBadge
            state={status < 400 ? 'ok' : 'failed'}
            word={String(status)}
            why={error === '' ? undefined : error}
          />
        );
      },
    },
    {
      id: 'version',
      title: 'Version',
      width: '130px',
      cell: ({ cells }) => {
        const served = servedVersion(project, textOf(cells['model']), textOf(cells['version']));
        if (served === undefined) return <span className="dim">none</span>;
        return served.address === undefined ? served.text : <RowLink address={served.address}>{served.text}</RowLink>;
      },
    },
    { id: 'variant', title: 'Variant', width: '90px', cell: ({ cells }) => textOf(cells['variant']) },
    {
      id: 'latency',
      title: 'Latency',
      width: '90px',
      end: true,
      cell: ({ cells }) => milliseconds((numberOf(cells['latency_us']) ?? 0) / 1000),
    },
    ...[...inputs, ...outputs].map(({ column, name, side, type }): TableColumn<PredictionRow> => ({
      id: column,
      title: side === 'output' ? `→ ${name}` : name,
      width: 'minmax(90px, 1fr)',
      end: /^(u?int|float|decimal)/.test(type),
      cell: ({ cells }) => {
        if (hidden.has(column)) return <span className="dim">masked</span>;
        if (cells['erased'] === true) return <span className="dim">erased</span>;
        const text = shortText(cells[column]);
        return <span title={text}>{text}</span>;
      },
    })),
    {
      id: 'label',
      title: 'Ground truth',
      width: 'minmax(80px, 0.7fr)',
      cell: ({ cells }) => textOf(cells['label']),
    },
  ];
}
