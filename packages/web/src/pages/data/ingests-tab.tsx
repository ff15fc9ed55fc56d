import { countNoun, type DaisError, datasetKind } from '@dais/api';
import { cancelIngestOperation, type Ingest, type IngestState } from '@dais/api/data';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IngestProblems } from './ingest-problems.tsx';
import { useIngests, type DatasetScope } from './use-data.ts';
import { datasetVersionAddress } from '#addresses.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { useClient, useConsole } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge, type State } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';

const STATES: Readonly<Record<IngestState, { readonly state: State; readonly word: string }>> = {
  open: { state: 'waiting', word: 'waiting for files' },
  pending: { state: 'waiting', word: 'pending' },
  running: { state: 'running', word: 'running' },
  succeeded: { state: 'ok', word: 'succeeded' },
  failed: { state: 'failed', word: 'failed' },
  canceled: { state: 'off', word: 'canceled' },
};

/** How versions were created, and the errors of those that failed. */
export function IngestsTab({ scope }: { readonly scope: DatasetScope }) {
  const { project, name, key } = scope;
  const client = useClient(project);
  const queries = useQueryClient();
  const { data, error, refetch } = useIngests(scope);
  const whyNot = useWhyNotDo(project, datasetKind.kind, ['dataset:push', 'dataset:unmask'], name);
  const cancel = useMutation<Ingest, DaisError, string>({
    mutationFn: async (id) => await client.perform(cancelIngestOperation, { name, id }),
    onSettled: () => void queries.invalidateQueries({ queryKey: key }),
    onError: ({ message }) => toast({ title: 'The ingestion was not canceled', text: message, state: 'failed' }),
  });
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton rows={6} />;
  if (data.length === 0) {
    return <EmptyState sentence="No ingestions yet. Each push and each read of the source is listed here." />;
  }
  return (
    <Panel title="Newest first" flush>
      <PlainTable
        label="Ingestions"
        rows={data}
        keyOf={({ id }) => id}
        columns={[
          { title: 'State', narrow: true, cell: (ingest) => <Progress ingest={ingest} /> },
          {
            title: 'Version',
            narrow: true,
            cell: ({ version, unchanged }) =>
              version === undefined ? (
                ''
              ) : (
                <>
                  <Link {...datasetVersionAddress(project, name, version)}>version {version}</Link>
                  {unchanged && <span className="dim"> unchanged: no new data</span>}
                </>
              ),
          },
          {
            title: 'Errors',
            cell: ({ id, problems: foundProblems, rejects }) => (
              <>
                <IngestProblems problems={foundProblems} />
                {rejects > 0 && <Rejects scope={scope} id={id} rejects={rejects} why={whyNot('dataset:unmask')} />}
              </>
            ),
          },
          {
            title: 'Started',
            narrow: true,
            cell: ({ createdAt, createdBy }) => (
              <>
                <Time at={new Date(createdAt).toISOString()} /> by <ActorName actor={createdBy} project={project} />
              </>
            ),
          },
          {
            title: '',
            narrow: true,
            cell: ({ id, endedAt }) =>
              endedAt === undefined && (
                <GuardedButton
                  size="compact-xs"
                  variant="default"
                  why={whyNot('dataset:push')}
                  loading={cancel.isPending && cancel.variables === id}
                  onClick={() => cancel.mutate(id)}
                >
                  Cancel
                </GuardedButton>
              ),
          },
        ]}
      />
    </Panel>
  );
}

function Progress({ ingest: { state, phase, done } }: { readonly ingest: Ingest }) {
  return (
    <>
      <StateBadge {...STATES[state]} />
      {state === 'running' && (
        <span className="dim">
          {' '}
          {phase}, {Math.round(done * 100)} %
        </span>
      )}
    </>
  );
}

interface RejectsProps {
  readonly scope: DatasetScope;
  readonly id: string;
  readonly rejects: number;
  readonly why: string | undefined;
}

/** Rows as uploaded, without masks. */
function Rejects({ scope: { project, name }, id, rejects, why }: RejectsProps) {
  const { basePath } = useConsole();
  const words = `${countNoun(rejects, 'row')} rejected`;
  if (why !== undefined) return <span title={why}>{words}</span>;
  const path = `/p/${encodeURIComponent(project)}/api/v1/data/datasets/${encodeURIComponent(name)}/ingests/${id}/rejects`;
  return (
    <a href={`${basePath}${path}`} download={`${name}-rejects.ndjson`}>
      {words}
    </a>
  );
}
