import type { DaisClient, DaisError } from '@dais/api';
import { listExecutionNodesOperation, type Execution, type ExecutionNode } from '@dais/api/executions';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { NODE_STATES, sourceWord, stateOf, tookText } from './execution-words.ts';
import { differs, diffRuns, type StepDiff } from './run-diff.ts';
import { executionKey, useExecution } from './use-execution.ts';
import { MOST_MARKS } from './use-marks.ts';
import { executionAddress, executionsAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useClient } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useNow } from '#ui/clock.tsx';
import { Checkbox } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './executions.css';

/** Maximum number of rows of a plain table; the API returns all. */
const MOST_ROWS = 500;

/** Differences between two executions: `?from=` and `?to=`. */
export function CompareExecutionsPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { from = '', to = '', all } = useAddressQuery();
  const [a, b] = [useExecution(project, from), useExecution(project, to)];
  const [left, right] = [useNodes(project, a.data), useNodes(project, b.data)];
  const error = a.error ?? b.error ?? left.error ?? right.error;
  const diffs = useMemo(
    () => (left.data === undefined || right.data === undefined ? undefined : diffRuns(left.data, right.data)),
    [left.data, right.data],
  );
  const shown = diffs?.filter((diff) => all !== undefined || differs(diff));
  const forms = useCopyForms({
    command: daisCommand(['runs'], project),
    call: { project, path: `/api/v1/executions/${to}/nodes` },
  });
  return (
    <div className="page">
      <PageHead
        title="Compare two jobs"
        under={<Link {...executionsAddress(project)}>Jobs and pipeline runs</Link>}
        actions={<CopyAs forms={forms} />}
      />
      {error !== null && <ErrorNote error={error} />}
      {a.data !== undefined && b.data !== undefined && <Both project={project} runs={[a.data, b.data]} />}
      {shown === undefined ? (
        error === null && <Skeleton rows={8} />
      ) : (
        <>
          <div className="filter">
            <Checkbox
              size="xs"
              label="Show identical steps"
              checked={all !== undefined}
              onChange={({ currentTarget }) =>
                void navigate({
                  to: '.',
                  search: (now: object) => ({ ...now, all: currentTarget.checked ? 'yes' : undefined }),
                  replace: true,
                })
              }
              className="filter-summary"
            />
            <span className="filter-summary" role="status">
              {(diffs ?? []).filter(differs).length.toLocaleString('en')} of {(diffs ?? []).length.toLocaleString('en')}{' '}
              steps differ
            </span>
          </div>
          {shown.length === 0 ? (
            <EmptyState sentence="No step differs: states, inputs and outputs are identical." />
          ) : (
            <Steps project={project} runs={[from, to]} diffs={shown.slice(0, MOST_ROWS)} />
          )}
          {shown.length > MOST_ROWS && <p className="dim">The first {MOST_ROWS} are shown.</p>}
        </>
      )}
    </div>
  );
}

function useNodes(project: string, run: Execution | undefined) {
  const client = useClient(project);
  return useQuery<readonly ExecutionNode[], DaisError>({
    queryKey: [...executionKey(project, run?.id ?? ''), 'nodes', run?.state, run?.nodes],
    queryFn: async ({ signal }) => await readNodes(client, run?.id ?? '', signal),
    enabled: run !== undefined,
    placeholderData: (before) => before,
  });
}

async function readNodes(client: DaisClient, id: string, signal: AbortSignal): Promise<readonly ExecutionNode[]> {
  const all: ExecutionNode[] = [];
  let cursor: string | undefined;
  do {
    const input = { id, limit: 1000, ...(cursor !== undefined && { cursor }) };
    // oxlint-disable-next-line no-await-in-loop -- each page names the next
    const page = await client.perform(listExecutionNodesOperation, input, { signal });
    all.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined && all.length < MOST_MARKS);
  return all;
}

function Both({ project, runs }: { readonly project: string; readonly runs: readonly [Execution, Execution] }) {
  const now = useNow();
  return (
    <PlainTable
      label="Compared jobs"
      rows={runs}
      keyOf={({ id }) => id}
      columns={[
        { title: 'Job', cell: (run) => <Link {...executionAddress(project, run.id)}>{run.name}</Link> },
        { title: 'ID', narrow: true, cell: ({ id }) => <code title={id}>{id.slice(-8)}</code> },
        { title: 'State', narrow: true, cell: (run) => <StateBadge {...stateOf(run)} /> },
        { title: 'Submitted', narrow: true, cell: (run) => <Time at={new Date(run.createdAt).toISOString()} /> },
        { title: 'Duration', narrow: true, cell: (run) => tookText(run, now) },
        {
          title: 'Code',
          cell: ({ code }) =>
            code?.commit === undefined ? '–' : <code title={code.commit}>{code.commit.slice(0, 8)}</code>,
        },
      ]}
    />
  );
}

interface StepsProps {
  readonly project: string;
  readonly runs: readonly [string, string];
  readonly diffs: readonly StepDiff[];
}

function Steps({ project, runs: [from, to], diffs }: StepsProps) {
  const side = (run: string, node: ExecutionNode | undefined) =>
    node === undefined ? (
      <span className="dim">missing</span>
    ) : (
      <Link {...executionAddress(project, run, { step: node.path })}>
        <StateBadge {...NODE_STATES[node.state]} /> {sourceWord(node.source) ?? tookText(node, node.startedAt ?? 0)}
      </Link>
    );
  return (
    <PlainTable
      label="Steps"
      rows={diffs}
      keyOf={({ path }) => path}
      columns={[
        { title: 'Step', cell: ({ path }) => path },
        { title: 'First', cell: (diff) => side(from, diff.from) },
        { title: 'Second', cell: (diff) => side(to, diff.to) },
        {
          title: 'Different inputs and outputs',
          cell: ({ values }) => (
            <ul className="run-diff">
              {values.map((value) => (
                <li key={`${value.side} ${value.name}`}>
                  {value.side} <strong>{value.name}</strong>: <del>{value.from.slice(0, 200)}</del>{' '}
                  <ins>{value.to.slice(0, 200)}</ins>
                </li>
              ))}
            </ul>
          ),
        },
      ]}
    />
  );
}
