import { datasetKind, type DaisError } from '@dais/api';
import { diffDatasetVersionsOperation } from '@dais/api/data';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { z } from 'zod';
import { DataTable } from './data-table.tsx';
import { changeText, countText, figureText, shareText } from './data-words.ts';
import { useDatasetScope } from './use-data.ts';
import { datasetVersionAddress, resourceAddress } from '#addresses.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useClient } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { Button } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import './data.css';

type Diff = z.output<(typeof diffDatasetVersionsOperation)['output']>;

/** Compares two versions of a dataset: `?from=3&to=5`. */
export function CompareDatasetVersionsPage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressFields();
  const { from = '', to = '' } = useAddressQuery();
  const navigate = useNavigate();
  const client = useClient(project);
  const { key, ready } = useDatasetScope(project, name);
  const { data, error, refetch } = useQuery<Diff, DaisError>({
    queryKey: [...key, 'diff', from, to],
    queryFn: async ({ signal }) =>
      await client.perform(
        diffDatasetVersionsOperation,
        { name, version: to, ...(from !== '' && { from }), samples: 10 },
        { signal },
      ),
    enabled: ready && to !== '',
    staleTime: Infinity,
  });
  const forms = useCopyForms({
    command: cliCommand(['data', 'diff', `${name}@${from}`, `${name}@${to}`], datasetKind, project),
    call: {
      project,
      path: `/api/v1/data/datasets/${encodeURIComponent(name)}/versions/${encodeURIComponent(to)}/diff`,
      query: { from },
    },
  });
  const before = data === undefined ? from : String(data.from);
  const after = data === undefined ? to : String(data.to);
  return (
    <div className="page">
      <PageHead
        title={`Compare versions ${before} and ${after} of ${name}`}
        under={
          <>
            <Link {...resourceAddress(datasetKind, project, name)}>{name}</Link>
            <span>
              from <Link {...datasetVersionAddress(project, name, before)}>version {before}</Link>
            </span>
            <span>
              to <Link {...datasetVersionAddress(project, name, after)}>version {after}</Link>
            </span>
          </>
        }
        actions={
          <>
            <CopyAs forms={forms} />
            <Button
              variant="default"
              onClick={() => void navigate({ to: '.', search: { from: after, to: before }, replace: true })}
            >
              Swap versions
            </Button>
          </>
        }
      />
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {data === undefined ? error === null && <Skeleton rows={10} /> : <DiffPanels diff={data} />}
    </div>
  );
}

function DiffPanels({ diff }: { readonly diff: Diff }) {
  const { identical, rows, keys, schema, files, masked } = diff;
  const changes = [
    ...schema.added.map((one) => ({ ...one, what: 'added' })),
    ...schema.removed.map((one) => ({ ...one, what: 'removed' })),
    ...schema.changed.map((one) => ({ ...one, what: 'changed' })),
  ];
  return (
    <>
      {identical && <p className="note note-ok">The versions are identical byte for byte.</p>}
      <p className="data-facts">
        <span>
          <strong>{countText(rows.added)}</strong> rows added
        </span>
        <span>
          <strong>{countText(rows.removed)}</strong> removed
        </span>
        {keys.length > 0 && (
          <span>
            <strong>{countText(rows.changed)}</strong> changed
          </span>
        )}
        <span>
          {countText(rows.before)} before, {countText(rows.after)} after {changeText(rows.after - rows.before)}
        </span>
        <span>
          files: {countText(files.shared)} shared, {countText(files.added)} new, {countText(files.removed)} removed
        </span>
        <span className="dim">
          {keys.length > 0 ? `compared by ${keys.join(', ')}` : 'no keys: whole rows are compared'}
        </span>
      </p>
      {masked.length > 0 && (
        <p className="dim">
          Masked for you: <code>{masked.join(', ')}</code>
        </p>
      )}
      <Panel title="Columns" flush={changes.length > 0}>
        {changes.length === 0 ? (
          <p className="dim">The columns and their types are identical.</p>
        ) : (
          <PlainTable
            label="Changed columns"
            rows={changes}
            keyOf={({ name, what }) => `${what} ${name}`}
            columns={[
              { title: 'Change', narrow: true, cell: ({ what }) => what },
              { title: 'Column', cell: ({ name }) => <code>{name}</code> },
              { title: 'Before', cell: ({ before }) => before !== undefined && <code>{before}</code> },
              { title: 'After', cell: ({ after }) => after !== undefined && <code>{after}</code> },
            ]}
          />
        )}
      </Panel>
      <Distribution diff={diff} />
      <Samples diff={diff} />
    </>
  );
}

function Distribution({ diff: { distribution, changedColumns, rows } }: { readonly diff: Diff }) {
  const changed = new Map(changedColumns.map(({ name, rows: count }) => [name, count]));
  if (distribution.length === 0) return null;
  // The largest difference in rows first, then columns with changed statistics.
  const ordered = distribution.toSorted((a, b) => (changed.get(b.name) ?? 0) - (changed.get(a.name) ?? 0));
  return (
    <Panel title="Distributions of the columns of both versions" flush>
      <PlainTable
        label="Distributions"
        rows={ordered}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Column', cell: ({ name }) => <code>{name}</code> },
          {
            title: 'Changed rows',
            narrow: true,
            about: 'Among rows with the same keys',
            cell: ({ name }) => {
              const count = changed.get(name) ?? 0;
              return count === 0 ? (
                <span className="dim">none</span>
              ) : (
                `${countText(count)} of ${countText(rows.changed)}`
              );
            },
          },
          { title: 'Missing', cell: ({ nulls }) => <Pair pair={nulls} words={shareText} /> },
          {
            title: 'Distinct',
            about: 'Approximate',
            cell: ({ distinct }) => <Pair pair={distinct} words={countText} />,
          },
          { title: 'Mean', cell: ({ mean }) => mean !== undefined && <Pair pair={mean} words={figureText} /> },
          {
            title: 'Std. deviation',
            cell: ({ deviation }) => deviation !== undefined && <Pair pair={deviation} words={figureText} />,
          },
        ]}
      />
    </Panel>
  );
}

interface PairProps {
  readonly pair: readonly [number | null, number | null];
  readonly words: (value: number) => string;
}

function Pair({ pair: [before, after], words }: PairProps) {
  const [a, b] = [before === null ? 'none' : words(before), after === null ? 'none' : words(after)];
  if (a === b) return <span className="dim">{a}</span>;
  return (
    <span className="data-pair">
      {a} <span aria-label="to">→</span> <strong>{b}</strong>
    </span>
  );
}

function Samples({ diff: { samples, rows, masked } }: { readonly diff: Diff }) {
  const named = (names: readonly string[]) => names.map((name) => ({ name }));
  const parts = [
    { title: 'Changed rows', count: rows.changed, columns: samples.changedColumns, rows: samples.changed },
    { title: 'Added rows', count: rows.added, columns: samples.columns, rows: samples.added },
    { title: 'Removed rows', count: rows.removed, columns: samples.columns, rows: samples.removed },
  ];
  return parts
    .filter((part) => part.rows.length > 0)
    .map((part) => (
      <Panel
        key={part.title}
        title={part.title}
        flush
        actions={
          part.rows.length < part.count && (
            <span className="dim">
              {part.rows.length} of {countText(part.count)}
            </span>
          )
        }
      >
        <DataTable label={`${part.title}: sample`} columns={named(part.columns)} rows={part.rows} masked={masked} />
      </Panel>
    ));
}
