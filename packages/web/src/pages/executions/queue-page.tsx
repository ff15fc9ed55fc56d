import { readExecutionQueueOperation, type DaisError, type ExecutionQueue, type ExecutionWait } from '@dais/api';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { resourcesText } from './attempt-words.ts';
import type { StateWords } from './execution-words.ts';
import { executionAddress, executionsAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useClient } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { Button } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

const AGAIN_MS = 2500;
const PAGE = 100;

/** Which steps could run and do not, and why. */
export function QueuePage() {
  const project = useCurrentProject();
  const client = useClient(project);
  const found = useInfiniteQuery({
    queryKey: ['execution-queue', project],
    queryFn: async ({ pageParam, signal }) =>
      await client.perform(
        readExecutionQueueOperation,
        { limit: PAGE, ...(pageParam && { cursor: pageParam }) },
        { signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= 1 ? AGAIN_MS : false),
  });
  const error = found.error as DaisError | null;
  const load = found.data?.pages[0];
  const waits = found.data?.pages.flatMap(({ items }) => items);
  const forms = useCopyForms({
    command: daisCommand(['runs', '--state', 'running'], project),
    call: { project, path: '/api/v1/execution-queue' },
  });
  return (
    <div className="page">
      <PageHead
        title={`What waits in ${project}, and why?`}
        under={
          <>
            <Link {...executionsAddress(project)}>Executions</Link>
            <span>Steps that could run, in the order in which they will.</span>
          </>
        }
        actions={<CopyAs forms={forms} />}
      />
      {error !== null && <ErrorNote error={error} retry={() => void found.refetch()} />}
      {load === undefined || waits === undefined ? (
        error === null && <Skeleton rows={8} />
      ) : (
        <>
          <Load load={load} />
          {waits.length === 0 ? (
            <EmptyState sentence="Nothing waits: whatever could run does." />
          ) : (
            <PlainTable
              label="What waits"
              rows={waits}
              keyOf={({ run, node }) => `${run} ${node}`}
              columns={columnsOf(project, load)}
            />
          )}
          {found.hasNextPage && (
            <div>
              <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
                Show more
              </Button>
            </div>
          )}
        </>
      )}
    </div>
  );
}

function Load({ load }: { readonly load: ExecutionQueue }) {
  const { running, perProject, runningAll, slots, waitingElsewhere } = load;
  return (
    <Panel title="Places">
      <KeyValue
        label="Places"
        pairs={[
          {
            key: 'of this project',
            value: `${running.toLocaleString('en')} of ${perProject.toLocaleString('en')} steps run or start`,
            about: 'executions.perProject says how many steps of one project run at once.',
          },
          {
            key: 'of all projects',
            value: `${runningAll.toLocaleString('en')} run; a process looks after ${slots.toLocaleString('en')} at once`,
            about: 'executions.atOnce says how many steps one process looks after.',
          },
          { key: 'waiting elsewhere', value: `${waitingElsewhere.toLocaleString('en')} steps of other projects` },
        ]}
      />
    </Panel>
  );
}

const REASONS: Readonly<Record<ExecutionWait['why'], StateWords>> = {
  project: { state: 'waiting', word: 'the project is full' },
  slots: { state: 'waiting', word: 'no place is free' },
  retry: { state: 'warning', word: 'tried again later' },
  starting: { state: 'running', word: 'starting' },
};

function columnsOf(project: string, load: ExecutionQueue) {
  return [
    {
      title: 'Run',
      cell: ({ run, name }: ExecutionWait) => <Link {...executionAddress(project, run)}>{name}</Link>,
    },
    {
      title: 'Step',
      cell: ({ run, node }: ExecutionWait) => <Link {...executionAddress(project, run, { step: node })}>{node}</Link>,
    },
    { title: 'Why', narrow: true, cell: ({ why }: ExecutionWait) => <StateBadge {...REASONS[why]} /> },
    { title: 'What would change it', cell: (wait: ExecutionWait) => remedyOf(wait, load) },
    {
      title: 'Since',
      narrow: true,
      cell: ({ since }: ExecutionWait) => <Time at={new Date(since).toISOString()} />,
    },
    { title: 'Priority', narrow: true, cell: ({ priority }: ExecutionWait) => priority },
    { title: 'Asks for', cell: ({ resources }: ExecutionWait) => resourcesText(resources) ?? '–' },
  ];
}

function remedyOf({ why, before, until }: ExecutionWait, { perProject, slots }: ExecutionQueue) {
  const ahead = before === 0 ? 'it is next' : `${before.toLocaleString('en')} of the project come before it`;
  if (why === 'project') return `One of the ${perProject.toLocaleString('en')} that run has to end; ${ahead}.`;
  if (why === 'slots') return `A process has to have one of its ${slots.toLocaleString('en')} places free; ${ahead}.`;
  if (why === 'starting') return 'Its files are brought, its packages made, or what it asks for is in use by others.';
  return until === undefined ? (
    'Its next attempt is not due yet.'
  ) : (
    <>
      Its next attempt is due <Time at={new Date(until).toISOString()} />.
    </>
  );
}
