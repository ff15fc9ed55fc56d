import { datasetKind, type DaisError } from '@dais/api';
import { cancelModelJobOperation, type ModelJob } from '@dais/api/serving';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { hasEnded, JOB_KINDS, JOB_STATES, progressText, shareOf } from './batch-words.ts';
import { Made } from './made.tsx';
import { RejectsPanel } from './rejects-panel.tsx';
import { useJob } from './use-batches.ts';
import { batchesAddress, resourceAddress, versionAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useAddressFields } from '#server/address-fields.ts';
import { useClient } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Confirm } from '#ui/confirm.tsx';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './batches.css';

/** One job on a model version: its progress, its output and its rejected rows. */
export function BatchPage() {
  const project = useCurrentProject();
  const { job: id = '' } = useAddressFields();
  const { data: job, error, refetch, key } = useJob(project, id);
  const forms = useCopyForms({
    command: daisCommand(['batch', 'get', id], project),
    call: { project, path: `/api/v1/model-jobs/${id}` },
  });
  return (
    <div className="page">
      <PageHead
        title={job === undefined ? 'Batch job' : `Batch job: ${JOB_KINDS[job.kind]}`}
        under={<Link {...batchesAddress(project)}>Batch jobs</Link>}
        actions={
          <>
            <CopyAs forms={forms} />
            {job !== undefined && !hasEnded(job) && <Cancel project={project} job={job} queryKey={key} />}
          </>
        }
      />
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {job === undefined ? error === null && <Skeleton rows={6} /> : <OneJob project={project} job={job} />}
    </div>
  );
}

function OneJob({ project, job }: { readonly project: string; readonly job: ModelJob }) {
  const { problems, rows, state, error, kind } = job;
  return (
    <>
      <Panel title="Progress">
        <p>
          <StateBadge {...JOB_STATES[state]} /> {progressText(job)}
        </p>
        {!hasEnded(job) && (
          <progress className="batch-progress" max={100} value={shareOf(job)} aria-label="Processed rows (%)" />
        )}
        {error !== undefined && <p className="batch-error">{error}</p>}
      </Panel>
      <Panel title="Request">
        <KeyValue label="Request" pairs={pairsOf(project, job)} />
      </Panel>
      {kind === 'conversion' && job.result !== undefined && (
        <Panel title="Conversion check">
          <KeyValue label="Conversion check" pairs={checkedPairs(job.result)} />
        </Panel>
      )}
      {problems.length > 0 && state !== 'succeeded' && (
        <Panel title="Rejected rows" flush>
          <PlainTable
            label="Row errors"
            rows={problems}
            keyOf={({ row }) => row}
            columns={[
              { title: 'Row', narrow: true, cell: ({ row }) => row.toLocaleString('en') },
              { title: 'Column', narrow: true, cell: ({ column }) => column ?? '' },
              { title: 'Error', cell: ({ message }) => message },
            ]}
          />
        </Panel>
      )}
      {rows.rejected > 0 && state === 'succeeded' && <RejectsPanel project={project} job={job} />}
    </>
  );
}

function pairsOf(project: string, job: ModelJob) {
  const { model, version, data, output, onError, createdBy, createdAt, startedAt, endedAt, attempts } = job;
  const dataset = data?.split('@')[0];
  const time = (at: number) => <Time at={new Date(at).toISOString()} />;
  return [
    { key: 'Model', value: <Link {...versionAddress(project, model, version)}>{`${model}/${version}`}</Link> },
    ...(dataset === undefined
      ? []
      : [{ key: 'Data', value: <Link {...resourceAddress(datasetKind, project, dataset)}>{data}</Link> }]),
    ...(output === undefined ? [] : [{ key: 'Kept columns', value: output.columns.join(', ') || 'nothing' }]),
    ...(onError === undefined
      ? []
      : [{ key: 'Invalid rows', value: onError === 'reject' ? 'rejected and stored' : 'fail the job' }]),
    { key: 'Output', value: <Made project={project} job={job} /> },
    { key: 'Created by', value: createdBy.id },
    { key: 'Created', value: time(createdAt) },
    ...(startedAt === undefined ? [] : [{ key: 'Started', value: time(startedAt) }]),
    ...(endedAt === undefined ? [] : [{ key: 'Ended', value: time(endedAt) }]),
    { key: 'Attempts', value: String(attempts) },
  ];
}

const CHECKED: readonly (readonly [string, string])[] = [
  ['estimators', 'Converted'],
  ['predictFn', 'Prediction function'],
  ['opset', 'Opset'],
  ['computesIn', 'Precision'],
  ['rows', 'Compared rows'],
  ['examples', 'Rows of the input example'],
  ['tolerance', 'Tolerance'],
  ['largestDifference', 'Largest difference'],
];

function checkedPairs(result: Readonly<Record<string, unknown>>) {
  return CHECKED.map(([field, key]) => {
    const value = result[field];
    return { key, value: Array.isArray(value) ? value.join(', ') : String(value) };
  });
}

interface CancelProps {
  readonly project: string;
  readonly job: ModelJob;
  readonly queryKey: readonly string[];
}

function Cancel({ project, job, queryKey }: CancelProps) {
  const client = useClient(project);
  const queries = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const why = useWhyNotDo(project, 'Model', ['model:cancelJob'], job.model)('model:cancelJob');
  const { mutate, isPending, error } = useMutation<ModelJob, DaisError>({
    mutationFn: async () => await client.perform(cancelModelJobOperation, { id: job.id }),
    onSuccess: () => {
      setOpen(false);
      void queries.invalidateQueries({ queryKey });
    },
  });
  return (
    <>
      <GuardedButton variant="default" why={why} onClick={() => setOpen(true)}>
        Cancel job
      </GuardedButton>
      {isOpen && (
        <Confirm
          title="Cancel job?"
          verb="Cancel job"
          busy={isPending}
          confirm={() => mutate()}
          close={() => setOpen(false)}
        >
          <p>The partial output is deleted and no version is created.</p>
          {error !== null && <ErrorNote error={error} />}
        </Confirm>
      )}
    </>
  );
}
