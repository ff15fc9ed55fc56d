import { datasetKind } from '@dais/api';
import { modelKind } from '@dais/api/registry';
import type { ModelJob } from '@dais/api/serving';
import { Link, useNavigate } from '@tanstack/react-router';
import { JOB_KINDS, JOB_STATES, progressText } from './batch-words.ts';
import { Made } from './made.tsx';
import { useJobs } from './use-batches.ts';
import { batchAddress, listAddress, resourceAddress, versionAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { Button, Select } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './batches.css';

const ANY = 'any';
const STATES = [
  { value: ANY, label: 'Any state' },
  ...Object.keys(JOB_STATES).map((value) => ({ value, label: value })),
];
const KINDS = [
  { value: ANY, label: 'Any kind' },
  ...Object.entries(JOB_KINDS).map(([value, label]) => ({ value, label })),
];

/** Jobs on model versions: batch predictions, feature importance, conversions. Newest first. */
export function BatchesPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { model, dataset, kind, state } = useAddressQuery();
  const query = {
    ...(model !== undefined && { model }),
    ...(dataset !== undefined && { dataset }),
    ...(kind !== undefined && { kind }),
    ...(state !== undefined && { state }),
  };
  const { jobs, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useJobs(project, query);
  const forms = useCopyForms({
    command: daisCommand(['batch', 'list', ...(model === undefined ? [] : ['--model', model])], project),
    call: { project, path: '/api/v1/model-jobs', query },
  });
  const choose = (part: 'kind' | 'state') => (value: string | null) =>
    void navigate({
      to: '.',
      search: { ...query, [part]: value === ANY || value === null ? undefined : value },
      replace: true,
    });
  const about = model ?? dataset;
  return (
    <div className="page">
      <PageHead
        title={about === undefined ? 'Batch jobs' : `Batch jobs of ${about}`}
        under={<Link {...listAddress(modelKind, project)}>Models</Link>}
        actions={<CopyAs forms={forms} />}
      />
      <div className="batches-bar">
        <Select
          aria-label="Kind of job"
          value={kind ?? ANY}
          data={KINDS}
          allowDeselect={false}
          onChange={choose('kind')}
        />
        <Select
          aria-label="State"
          value={state ?? ANY}
          data={STATES}
          allowDeselect={false}
          onChange={choose('state')}
        />
      </div>
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {jobs === undefined ? (
        error === null && <Skeleton rows={6} />
      ) : jobs.length === 0 ? (
        <EmptyState
          sentence="No batch jobs yet. A batch prediction scores every row of a dataset with a model version."
          command={daisCommand(
            [
              'batch-predict',
              '--model',
              `${model ?? 'MODEL'}@champion`,
              '--data',
              `${dataset ?? 'DATASET'}@latest`,
              '--out',
              'ANSWERS',
            ],
            project,
          )}
        />
      ) : (
        <Panel title="Jobs" flush>
          <JobTable project={project} jobs={jobs} />
        </Panel>
      )}
      {hasNextPage && (
        <p>
          <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            Show older jobs
          </Button>
        </p>
      )}
    </div>
  );
}

function JobTable({ project, jobs }: { readonly project: string; readonly jobs: readonly ModelJob[] }) {
  return (
    <PlainTable
      label="Batch jobs"
      rows={jobs}
      keyOf={({ id }) => id}
      columns={[
        {
          title: 'State',
          narrow: true,
          cell: ({ state, error }) => <StateBadge {...JOB_STATES[state]} why={error} />,
        },
        {
          title: 'Kind',
          narrow: true,
          cell: ({ id, kind }) => <Link {...batchAddress(project, id)}>{JOB_KINDS[kind]}</Link>,
        },
        {
          title: 'Model',
          narrow: true,
          cell: ({ model, version }) => (
            <Link {...versionAddress(project, model, version)}>{`${model}/${version}`}</Link>
          ),
        },
        { title: 'Data', narrow: true, cell: ({ data }) => <Data project={project} data={data} /> },
        { title: 'Rows', narrow: true, cell: (job) => progressText(job) },
        {
          title: 'Rejected',
          narrow: true,
          about: 'Rows that the model rejected',
          cell: ({ rows }) =>
            rows.rejected === 0 ? <span className="dim">none</span> : rows.rejected.toLocaleString('en'),
        },
        { title: 'Output', narrow: true, cell: (job) => <Made project={project} job={job} /> },
        { title: 'Started', narrow: true, cell: ({ createdAt }) => <Time at={new Date(createdAt).toISOString()} /> },
      ]}
    />
  );
}

function Data({ project, data }: { readonly project: string; readonly data: string | undefined }) {
  const name = data?.split('@')[0];
  return name === undefined ? (
    <span className="dim">none</span>
  ) : (
    <Link {...resourceAddress(datasetKind, project, name)}>{data}</Link>
  );
}
