import { projectKind, type DaisError } from '@dais/api';
import {
  listComputeOperation,
  readExecutionQueueOperation,
  targetKind,
  type ExecutionQueue,
  type ExecutionWait,
  type ProjectCompute,
} from '@dais/api/executions';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { resourcesText } from './attempt-words.ts';
import { Machines, Targets } from './compute-nodes.tsx';
import {
  amountText,
  reasonWords,
  remedyText,
  resourceNames,
  resourceTitle,
  usageRows,
  type UsageRow,
} from './compute-words.ts';
import { computeAddress, executionAddress, executionsAddress, resourceAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useClient } from '#server/console-context.ts';
import { useMay } from '#server/own-access.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { Button } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { UsageMeter } from '#ui/usage-meter.tsx';

const REFRESH_MS = 2500;
const PAGE = 100;
/** Projects in the table; `dais quota --all` lists more. */
const PROJECTS = 1000;

/** Usage of quotas and nodes by steps, by project, and the pending steps. */
export function ComputePage() {
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
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= 1 ? REFRESH_MS : false),
  });
  const error = found.error as DaisError | null;
  const load = found.data?.pages[0];
  const waits = found.data?.pages.flatMap(({ items }) => items);
  const hasTargets = waits?.some(({ target }) => target !== undefined) === true;
  const forms = useCopyForms({
    command: daisCommand(['queue'], project),
    call: { project, path: '/api/v1/execution-queue' },
  });
  return (
    <div className="page">
      <PageHead
        title="Compute"
        under={
          <>
            <Link {...executionsAddress(project)}>Jobs and pipeline runs</Link>
            <span>Quotas, usage and queued steps of {project}.</span>
          </>
        }
        actions={<CopyAs forms={forms} />}
      />
      {error !== null && <ErrorNote error={error} retry={() => void found.refetch()} />}
      {load === undefined || waits === undefined ? (
        error === null && <Skeleton rows={8} />
      ) : (
        <>
          <Usage project={project} load={load} />
          <Machines nodes={load.nodes.filter(({ type }) => type === 'machine')} />
          <Targets project={project} nodes={load.nodes.filter(({ type }) => type === 'target')} />
          <Projects current={project} />
          <Panel title="Queued steps" flush={waits.length > 0}>
            {waits.length === 0 ? (
              <EmptyState sentence="No queued steps. A step is queued while it waits for quota, capacity or a retry." />
            ) : (
              <PlainTable
                label="Queued steps in start order"
                rows={waits}
                keyOf={({ run, node }) => `${run} ${node}`}
                columns={waitColumns(project, load, hasTargets)}
              />
            )}
          </Panel>
          {found.hasNextPage && (
            <div>
              <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
                Show more steps
              </Button>
            </div>
          )}
        </>
      )}
    </div>
  );
}

function Usage({ project, load }: { readonly project: string; readonly load: ExecutionQueue }) {
  const { use, limits, others } = load;
  return (
    <Panel
      title="Usage"
      flush
      actions={<Link {...resourceAddress(projectKind, project, project)}>Quotas of {project}</Link>}
    >
      <PlainTable
        label="Usage by resource"
        rows={usageRows(use, limits)}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Resource', cell: ({ name }: UsageRow) => name },
          {
            title: 'Used',
            narrow: true,
            about: 'Sum of the requests of running steps.',
            cell: ({ usedText }: UsageRow) => usedText,
          },
          {
            title: 'Quota',
            narrow: true,
            about: 'From `spec.quotas.compute` of the project, or the default of the server.',
            cell: ({ limitText }: UsageRow) => limitText,
          },
          {
            title: 'Quota used (%)',
            cell: ({ name, used, limit, usedText, limitText }: UsageRow) =>
              limit === undefined ? (
                '–'
              ) : (
                <UsageMeter label={name} used={used} limit={limit} text={`${usedText} of ${limitText}`} />
              ),
          },
        ]}
      />
      <p className="panel-body dim">
        Other projects together: {others.runningSteps.toLocaleString('en')} running steps,{' '}
        {others.queuedSteps.toLocaleString('en')} queued steps.
      </p>
    </Panel>
  );
}

/** For users with a role in the organization; others see only their own project. */
function Projects({ current }: { readonly current: string }) {
  const client = useClient(undefined);
  const mayRead = useMay(current)('compute:read');
  const { data } = useQuery({
    enabled: mayRead === true,
    queryKey: ['compute', 'projects'],
    queryFn: async ({ signal }) => await client.perform(listComputeOperation, { limit: PROJECTS }, { signal }),
    refetchInterval: REFRESH_MS,
  });
  if (data === undefined) return null;
  const rows = data.items.toSorted((a, b) => b.share - a.share || b.use.queuedSteps - a.use.queuedSteps);
  const names = resourceNames(...rows.flatMap(({ use, limits }) => [use.resources, limits.resources]));
  return (
    <Panel title="Projects" flush>
      <PlainTable
        label="Projects by share"
        rows={rows}
        keyOf={({ project }) => project}
        selected={current}
        columns={[
          {
            title: 'Project',
            cell: ({ project }: ProjectCompute) => <Link {...computeAddress(project)}>{project}</Link>,
          },
          {
            title: 'Share',
            about: 'Dominant share: the largest share of any resource of all machines that the project uses.',
            cell: ({ project, share }: ProjectCompute) => {
              const percent = `${Math.round(share * 100)} %`;
              return (
                <span className="amount">
                  <UsageMeter label={`Share of ${project}`} used={share} limit={1} text={percent} /> {percent}
                </span>
              );
            },
          },
          { title: 'Weight', narrow: true, cell: ({ limits }: ProjectCompute) => limits.weight },
          {
            title: 'Running steps',
            narrow: true,
            cell: ({ use, limits }: ProjectCompute) =>
              `${use.runningSteps.toLocaleString('en')} of ${limits.runningSteps.toLocaleString('en')}`,
          },
          {
            title: 'Queued steps',
            narrow: true,
            cell: ({ use }: ProjectCompute) => use.queuedSteps.toLocaleString('en'),
          },
          ...names.map((name) => ({
            title: resourceTitle(name),
            narrow: true,
            cell: ({ use, limits }: ProjectCompute) => {
              const [used, limit] = [use.resources[name] ?? 0, limits.resources[name]];
              return limit === undefined
                ? amountText(name, used)
                : `${amountText(name, used)} of ${amountText(name, limit)}`;
            },
          })),
        ]}
      />
    </Panel>
  );
}

function waitColumns(project: string, { limits }: ExecutionQueue, hasTargets: boolean) {
  return [
    {
      title: 'Job',
      cell: ({ run, name }: ExecutionWait) => <Link {...executionAddress(project, run)}>{name}</Link>,
    },
    {
      title: 'Step',
      cell: ({ run, node }: ExecutionWait) => <Link {...executionAddress(project, run, { step: node })}>{node}</Link>,
    },
    ...(hasTargets
      ? [
          {
            title: 'Target',
            narrow: true,
            cell: ({ target }: ExecutionWait) =>
              target === undefined ? 'local' : <Link {...resourceAddress(targetKind, project, target)}>{target}</Link>,
          },
        ]
      : []),
    { title: 'Reason', narrow: true, cell: (wait: ExecutionWait) => <StateBadge {...reasonWords(wait)} /> },
    {
      title: 'Next action',
      cell: (wait: ExecutionWait) =>
        wait.until === undefined ? (
          remedyText(wait, limits)
        ) : (
          <>
            The next attempt starts <Time at={new Date(wait.until).toISOString()} />.
          </>
        ),
    },
    {
      title: 'Queued',
      narrow: true,
      cell: ({ since }: ExecutionWait) => <Time at={new Date(since).toISOString()} />,
    },
    { title: 'Priority', narrow: true, cell: ({ priority }: ExecutionWait) => priority },
    { title: 'Requests', cell: ({ resources }: ExecutionWait) => resourcesText(resources) ?? '–' },
  ];
}
