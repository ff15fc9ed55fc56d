import { datasetKind, type DaisError, type DatasetSpec, type Resource } from '@dais/api';
import { refreshDatasetOperation, type Ingest } from '@dais/api/data';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { specOf, statusOf, type DatasetStatus } from './catalogue.ts';
import { bytesText, countText } from './data-words.ts';
import { DatasetVersionsTab } from './dataset-versions-tab.tsx';
import { FindingsPanel } from './findings-panel.tsx';
import { IngestsTab } from './ingests-tab.tsx';
import { MasksPanel } from './masks-panel.tsx';
import { UploadDialog } from './upload-dialog.tsx';
import { useDatasetPlace, useDatasetResource, useFindings, useMasks, type DatasetPlace } from './use-data.ts';
import { changeAddress, datasetVersionAddress, listAddress } from '#addresses.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { DeleteDialog } from '#kinds/delete-dialog.tsx';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { ResourceEvents } from '#kinds/resource-events.tsx';
import { ResourceHistory } from '#kinds/resource-history.tsx';
import { ResourceManifest } from '#kinds/resource-manifest.tsx';
import { ResourceOverview } from '#kinds/resource-overview.tsx';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useWhyNot } from '#kinds/use-why-not.ts';
import { useAddressParts, useAddressQuery } from '#server/address-parts.ts';
import { useClient } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Tabs } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';
import '#kinds/resource-page.css';
import './data.css';

/** One dataset: every version there is, which is in use, and what was found in them. */
export function DatasetPage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressParts();
  return <OneDataset key={`${project} ${name}`} project={project} name={name} />;
}

function OneDataset({ project, name }: { readonly project: string; readonly name: string }) {
  const place = useDatasetPlace(project, name);
  const { data: resource, error, refetch } = useDatasetResource(place);
  const title = `Which version of ${name} can be used?`;
  if (resource === undefined) {
    return (
      <div className="page">
        <PageHead title={title} />
        {error === null ? (
          <Skeleton rows={8} />
        ) : (
          <ErrorNote error={error} retry={() => void refetch()}>
            <p>
              <Link {...listAddress(datasetKind, project)}>All datasets</Link>
            </p>
          </ErrorNote>
        )}
      </div>
    );
  }
  return (
    <div className="page">
      <PageHead
        title={title}
        under={<Under project={project} name={name} spec={specOf(resource)} status={statusOf(resource)} />}
        actions={<Actions place={place} resource={resource} />}
      />
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      <DatasetTabs place={place} resource={resource} />
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
        <span>no version is ready</span>
      ) : (
        <span>
          in use: <Link {...datasetVersionAddress(project, name, latestVersion)}>version {latestVersion}</Link>
          {rows !== undefined && `, ${countText(rows)} rows`}
          {bytes !== undefined && `, ${bytesText(bytes)}`}
          {updatedAt !== undefined && (
            <>
              , <Time at={updatedAt} />
            </>
          )}
        </span>
      )}
      {spec.owner !== undefined && (
        <span>
          owned by <ReferenceLink kind="Team" name={spec.owner} project={project} />
        </span>
      )}
      {spec.licence !== undefined && <span>licence {spec.licence}</span>}
      {spec.description !== undefined && <span>{spec.description}</span>}
    </>
  );
}

function Actions({ place, resource }: { readonly place: DatasetPlace; readonly resource: Resource }) {
  const { project, name } = place;
  const [asking, setAsking] = useState<'upload' | 'delete'>();
  const whyNot = useWhyNot(datasetKind, project, resource);
  const whyNotPush = useWhyNotDo(project, datasetKind.kind, ['dataset:push'], name)('dataset:push');
  const { source } = specOf(resource);
  const uploaded = source === undefined || source.type === 'upload';
  const forms = useCopyForms({
    command: cliCommand(['data', 'versions', name], datasetKind, project),
    manifest: {
      title: 'Manifest',
      text: async () => (await import('#kinds/manifest-text.ts')).manifestText(resource),
    },
    call: { project, path: `/api/v1/data/datasets/${encodeURIComponent(name)}/versions` },
  });
  return (
    <>
      <CopyAs forms={forms} />
      <GuardedButton
        why={whyNot('delete')}
        variant="default"
        leftSection={<Icon name="bin" />}
        onClick={() => setAsking('delete')}
      >
        Delete
      </GuardedButton>
      <GuardedButton
        why={whyNot('update')}
        variant="default"
        link={(props) => <Link {...changeAddress(datasetKind, project, name)} {...props} />}
        leftSection={<Icon name="edit" />}
      >
        Edit
      </GuardedButton>
      {uploaded ? (
        <GuardedButton why={whyNotPush} leftSection={<Icon name="plus" />} onClick={() => setAsking('upload')}>
          Upload a version
        </GuardedButton>
      ) : (
        <RefreshButton place={place} why={whyNotPush} />
      )}
      {asking === 'upload' && (
        <UploadDialog project={project} files={[]} name={name} close={() => setAsking(undefined)} />
      )}
      {asking === 'delete' && (
        <DeleteDialog kind={datasetKind} project={project} name={name} close={() => setAsking(undefined)} />
      )}
    </>
  );
}

function RefreshButton({ place, why }: { readonly place: DatasetPlace; readonly why: string | undefined }) {
  const { project, name, key } = place;
  const client = useClient(project);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { mutate, isPending } = useMutation<Ingest, DaisError>({
    mutationFn: async () => await client.perform(refreshDatasetOperation, { name }),
    onSuccess: () => {
      toast({ title: 'Its source is read', text: 'A version comes if there is something new.', state: 'waiting' });
      void queries.invalidateQueries({ queryKey: key });
      void navigate({ to: '.', search: { tab: 'made' }, replace: true });
    },
    onError: ({ message }) => toast({ title: 'It could not be asked for', text: message, state: 'failed' }),
  });
  return (
    <GuardedButton why={why} loading={isPending} onClick={() => mutate()}>
      Read the source now
    </GuardedButton>
  );
}

function DatasetTabs({ place, resource }: { readonly place: DatasetPlace; readonly resource: Resource }) {
  const { project, name } = place;
  const { tab = 'versions' } = useAddressQuery();
  const navigate = useNavigate();
  const whyNot = useWhyNot(datasetKind, project, resource);
  const findings = useFindings(place);
  const masks = useMasks(place);
  const open = findings.data?.filter(({ state }) => state === 'open').length ?? 0;
  const choose = (next: string | null) =>
    void navigate({ to: '.', search: { tab: next === 'versions' ? undefined : (next ?? undefined) }, replace: true });
  const tabs = [
    ['versions', 'Versions'],
    ['findings', open === 0 ? 'Findings' : `Findings (${open} open)`],
    ['made', 'How they were made'],
    ['about', 'About'],
    ['manifest', 'Manifest'],
    ['history', 'History'],
    ['events', 'Events'],
  ] as const;
  return (
    <Tabs value={tab} onChange={choose} keepMounted={false}>
      <Tabs.List>
        {tabs.map(([value, title]) => (
          <Tabs.Tab key={value} value={value}>
            {title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="versions">
        <DatasetVersionsTab place={place} />
      </Tabs.Panel>
      <Tabs.Panel value="findings">
        <div className="resource-overview">
          {findings.error !== null && <ErrorNote error={findings.error} retry={() => void findings.refetch()} />}
          <FindingsPanel project={project} findings={findings.data} />
          <MasksPanel masks={masks} />
        </div>
      </Tabs.Panel>
      <Tabs.Panel value="made">
        <IngestsTab place={place} />
      </Tabs.Panel>
      <Tabs.Panel value="about">
        <ResourceOverview kind={datasetKind} resource={resource} project={project} />
      </Tabs.Panel>
      <Tabs.Panel value="manifest">
        <ResourceManifest resource={resource} />
      </Tabs.Panel>
      <Tabs.Panel value="history">
        <ResourceHistory kind={datasetKind} resource={resource} project={project} whyNot={whyNot} />
      </Tabs.Panel>
      <Tabs.Panel value="events">
        <ResourceEvents kind={datasetKind} name={name} project={project} />
      </Tabs.Panel>
    </Tabs>
  );
}
