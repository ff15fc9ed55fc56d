import { countNoun, type DaisError, datasetKind, type DatasetSpec, type Resource } from '@dais/api';
import { refreshDatasetOperation, type Ingest } from '@dais/api/data';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { specOf, statusOf, type DatasetStatus } from './catalog.ts';
import { bytesText } from './data-words.ts';
import { DatasetVersionsTab } from './dataset-versions-tab.tsx';
import { FindingsPanel } from './findings-panel.tsx';
import { IngestsTab } from './ingests-tab.tsx';
import { MasksPanel } from './masks-panel.tsx';
import { UploadDialog } from './upload-dialog.tsx';
import { useDatasetScope, useDatasetResource, useFindings, useMasks, type DatasetScope } from './use-data.ts';
import { batchesAddress, datasetVersionAddress, listAddress } from '#addresses.ts';
import { ResourceTabs } from '#kinds/resource-tabs.tsx';
import { ResourceActions } from '#kinds/resource-actions.tsx';
import { UnreadPage } from '#kinds/unread-page.tsx';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { ResourceOverview } from '#kinds/resource-overview.tsx';
import { useAddressFields } from '#server/address-fields.ts';
import { useClient } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';
import '#kinds/resource-page.css';
import './data.css';

/** One dataset: its versions, the version in use and the findings. */
export function DatasetPage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressFields();
  return <OneDataset key={`${project} ${name}`} project={project} name={name} />;
}

function OneDataset({ project, name }: { readonly project: string; readonly name: string }) {
  const scope = useDatasetScope(project, name);
  const { data: resource, error, refetch } = useDatasetResource(scope);
  const title = `Dataset ${name}`;
  if (resource === undefined) {
    return <UnreadPage title={title} kind={datasetKind} project={project} error={error} retry={() => void refetch()} />;
  }
  return (
    <div className="page">
      <PageHead
        title={title}
        under={<Under project={project} name={name} spec={specOf(resource)} status={statusOf(resource)} />}
        actions={<Actions scope={scope} resource={resource} />}
      />
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      <DatasetTabs scope={scope} resource={resource} />
    </div>
  );
}

interface UnderProps {
  readonly project: string;
  readonly name: string;
  readonly spec: DatasetSpec;
  readonly status: Partial<DatasetStatus>;
}

function Under({ project, name, spec, status }: UnderProps) {
  const { latestVersion, rows, bytes, updatedAt } = status;
  return (
    <>
      <Link {...listAddress(datasetKind, project)}>Datasets</Link>
      {latestVersion === undefined ? (
        <span>no ready version</span>
      ) : (
        <span>
          latest: <Link {...datasetVersionAddress(project, name, latestVersion)}>version {latestVersion}</Link>
          {rows !== undefined && `, ${countNoun(rows, 'row')}`}
          {bytes !== undefined && `, ${bytesText(bytes)}`}
          {updatedAt !== undefined && (
            <>
              , <Time at={updatedAt} />
            </>
          )}
        </span>
      )}
      <Link {...batchesAddress(project, { dataset: name })}>Batch jobs</Link>
      {spec.owner !== undefined && (
        <span>
          owned by <ReferenceLink kind="Team" name={spec.owner} project={project} />
        </span>
      )}
      {spec.license !== undefined && <span>license {spec.license}</span>}
      {spec.description !== undefined && <span>{spec.description}</span>}
    </>
  );
}

function Actions({ scope, resource }: { readonly scope: DatasetScope; readonly resource: Resource }) {
  const { project, name } = scope;
  const [uploading, setUploading] = useState(false);
  const whyNotPush = useWhyNotDo(project, datasetKind.kind, ['dataset:push'], name)('dataset:push');
  const { source } = specOf(resource);
  const uploaded = source === undefined || source.type === 'upload';
  return (
    <>
      <ResourceActions
        kind={datasetKind}
        project={project}
        resource={resource}
        command={['data', 'versions', name]}
        path={`/api/v1/data/datasets/${encodeURIComponent(name)}/versions`}
        quiet
      />
      {uploaded ? (
        <GuardedButton why={whyNotPush} leftSection={<Icon name="plus" />} onClick={() => setUploading(true)}>
          Upload version
        </GuardedButton>
      ) : (
        <RefreshButton scope={scope} why={whyNotPush} />
      )}
      {uploading && <UploadDialog project={project} files={[]} name={name} close={() => setUploading(false)} />}
    </>
  );
}

function RefreshButton({ scope, why }: { readonly scope: DatasetScope; readonly why: string | undefined }) {
  const { project, name, key } = scope;
  const client = useClient(project);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { mutate, isPending } = useMutation<Ingest, DaisError>({
    mutationFn: async () => await client.perform(refreshDatasetOperation, { name }),
    onSuccess: () => {
      toast({
        title: 'Ingestion started',
        text: 'A new version appears if the source has new data.',
        state: 'waiting',
      });
      void queries.invalidateQueries({ queryKey: key });
      void navigate({ to: '.', search: { tab: 'made' }, replace: true });
    },
    onError: ({ message }) => toast({ title: 'Ingestion did not start', text: message, state: 'failed' }),
  });
  return (
    <GuardedButton why={why} loading={isPending} onClick={() => mutate()}>
      Ingest now
    </GuardedButton>
  );
}

function DatasetTabs({ scope, resource }: { readonly scope: DatasetScope; readonly resource: Resource }) {
  const { project } = scope;
  const findings = useFindings(scope);
  const masks = useMasks(scope);
  const open = findings.data?.filter(({ state }) => state === 'open').length ?? 0;
  return (
    <ResourceTabs
      kind={datasetKind}
      project={project}
      resource={resource}
      lead={[
        { name: 'versions', title: 'Versions', panel: <DatasetVersionsTab scope={scope} /> },
        {
          name: 'findings',
          title: open === 0 ? 'Findings' : `Findings (${open} open)`,
          panel: (
            <div className="resource-overview">
              {findings.error !== null && <ErrorNote error={findings.error} retry={() => void findings.refetch()} />}
              <FindingsPanel project={project} findings={findings.data} />
              <MasksPanel masks={masks} />
            </div>
          ),
        },
        { name: 'made', title: 'Ingestions', panel: <IngestsTab scope={scope} /> },
        {
          name: 'about',
          title: 'Details',
          panel: <ResourceOverview kind={datasetKind} resource={resource} project={project} />,
        },
      ]}
    />
  );
}
