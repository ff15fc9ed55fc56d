import type { DaisError } from '@dais/api';
import { searchModelVersionsOperation, type ModelVersion } from '@dais/api/registry';
import { findDatasetVersionsOperation, type DatasetVersion } from '@dais/api/data';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { LineageGraphTab } from './lineage-graph-tab.tsx';
import { lineageAddress } from '#addresses.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useClient } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useMay } from '#server/own-access.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { Time } from '#ui/time.tsx';

const NEWEST = 20;

/** Lineage of an object; without a node in the URL, entry points. */
export function LineagePage() {
  const project = useCurrentProject();
  const { of } = useAddressQuery();
  const forms = useCopyForms({
    command: '',
    call: { project, path: '/api/v1/lineage', query: { node: of } },
    // The command line has no command for a whole graph.
  }).filter(({ title }) => title !== 'CLI command');
  return (
    <div className="page">
      <PageHead
        title={'Lineage'}
        under={
          of === undefined ? (
            <span className="page-head-brief">
              Select a starting point to see its upstream sources and downstream results.
            </span>
          ) : (
            <>
              <Link {...lineageAddress(project)}>Lineage</Link>
              <code>{of}</code>
            </>
          )
        }
        actions={of !== undefined && <CopyAs forms={forms} />}
      />
      {of === undefined ? <Beginnings project={project} /> : <LineageGraphTab key={of} project={project} node={of} />}
    </div>
  );
}

interface Beginning {
  readonly node: string;
  readonly name: string;
  readonly kind: string;
  readonly at: number;
}

/** The newest readable versions of datasets and models. */
function Beginnings({ project }: { readonly project: string }) {
  const client = useClient(project);
  const may = useMay(project);
  const models = useQuery<readonly ModelVersion[], DaisError>({
    queryKey: ['lineage', project, 'newest models'],
    queryFn: async ({ signal }) =>
      (await client.perform(searchModelVersionsOperation, { types: ['model'], limit: NEWEST }, { signal })).items,
    enabled: may('model:read') === true,
  });
  const data = useQuery<readonly DatasetVersion[], DaisError>({
    queryKey: ['lineage', project, 'newest data'],
    queryFn: async ({ signal }) =>
      (await client.perform(findDatasetVersionsOperation, { limit: NEWEST }, { signal })).items,
    enabled: may('dataset:read') === true,
  });
  const error = models.error ?? data.error;
  if (error !== null) return <ErrorNote error={error} />;
  if (models.isLoading || data.isLoading) return <Skeleton rows={6} />;
  const rows: readonly Beginning[] = [
    ...(models.data ?? []).map(({ model, version, createdAt }) => ({
      node: `model-version:${model}/${version}`,
      name: `${model}/${version}`,
      kind: 'Model version',
      at: createdAt,
    })),
    ...(data.data ?? []).map(({ id, dataset, number, createdAt }) => ({
      node: `dataset-version:${id}`,
      name: `${dataset}@${number}`,
      kind: 'Dataset version',
      at: createdAt,
    })),
  ].toSorted((a, b) => b.at - a.at);
  if (rows.length === 0) {
    return (
      <EmptyState
        sentence={`No lineage in ${project} yet. It is recorded when you push data or train a model.`}
        command="dais data push flights flights.csv"
      >
        <a href="docs/guide/lineage" target="_blank" rel="noreferrer">
          Guide: lineage
        </a>
      </EmptyState>
    );
  }
  return (
    <Panel title="Newest objects" flush>
      <PlainTable
        label="Starting points"
        rows={rows}
        keyOf={({ node }) => node}
        columns={[
          { title: 'Object', cell: ({ node, name }) => <Link {...lineageAddress(project, node)}>{name}</Link> },
          { title: 'Kind', cell: ({ kind }) => kind },
          { title: 'Created', narrow: true, cell: ({ at }) => <Time at={new Date(at).toISOString()} /> },
        ]}
      />
    </Panel>
  );
}
