import { datasetKind } from '@dais/api';
import { type DatasetVersion } from '@dais/api/data';
import { Link, useNavigate } from '@tanstack/react-router';
import { DataTable } from './data-table.tsx';
import { countText } from './data-words.ts';
import { useRows, type DatasetScope } from './use-data.ts';
import { accessAddress } from '#addresses.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { Select } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

const COUNTS = ['20', '100', '500'] as const;

/** The first rows, as the viewer may see them. */
export function RowsTab({ scope, version }: { readonly scope: DatasetScope; readonly version: DatasetVersion }) {
  const { project } = scope;
  const { rows: requested = '' } = useAddressQuery();
  const navigate = useNavigate();
  const count = COUNTS.find((one) => one === requested) ?? COUNTS[0];
  const { data, error, refetch } = useRows(scope, String(version.number), Number(count));
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton rows={10} />;
  return (
    <Panel
      title={`The first ${countText(data.rows.length)} of ${countText(version.rows)} rows`}
      flush
      actions={
        <Select
          aria-label="Number of rows"
          size="xs"
          w={90}
          value={count}
          data={[...COUNTS]}
          allowDeselect={false}
          onChange={(value) =>
            void navigate({
              to: '.',
              search: (before: object) => ({ ...before, rows: value === COUNTS[0] ? undefined : value }),
              replace: true,
            })
          }
        />
      }
    >
      {data.masked.length > 0 && (
        <p className="data-summary">
          Masked for you: {data.masked.length === 1 ? '1 column' : `${data.masked.length} columns`}:{' '}
          <code>{data.masked.join(', ')}</code>.{' '}
          <Link
            {...accessAddress(project, { action: 'dataset:unmask', resource: `${datasetKind.kind}/${scope.name}` })}
          >
            Show why and what would allow it
          </Link>
        </p>
      )}
      <DataTable label="Rows" columns={data.columns} rows={data.rows} masked={data.masked} />
    </Panel>
  );
}
