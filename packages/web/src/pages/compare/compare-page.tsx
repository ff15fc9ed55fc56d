import type { DaisError } from '@dais/api';
import { readRunOperation, type Run } from '@dais/api/tracking';
import { useQueries } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { DiffTable } from './diff-table.tsx';
import { ObjectivePanels } from './objective-panels.tsx';
import { ParallelView, ScatterView } from './value-views.tsx';
import { experimentsAddress, runAddress } from '#addresses.ts';
import { chartView } from '#pages/runs/chart-view.ts';
import { MetricCharts } from '#pages/runs/metric-charts.tsx';
import { RUN_STATES } from '#pages/runs/run-words.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useClient } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { ActionIcon, Tabs } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { seriesVariable } from '#ui/plot/series-style.ts';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import './compare.css';

/** Maximum number of runs that the server charts together. */
const MOST = 100;
const POLL_MS = 2500;

/** Compares runs: which is better, and how they differ. */
export function ComparePage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const query = useAddressQuery();
  const text = query['runs'] ?? '';
  const ids = useMemo(() => [...new Set(text.split(',').filter((id) => id !== ''))].slice(0, MOST), [text]);
  const { runs, loading, errors } = useRunsOf(project, ids);
  const tab = query['tab'] ?? 'charts';
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  const python = `[mlflow.get_run(id) for id in ${JSON.stringify(ids)}]`;
  return (
    <div className="page">
      <PageHead
        title={`Compare ${ids.length.toLocaleString('en')} runs`}
        under={<Link {...experimentsAddress(project)}>All experiments</Link>}
        actions={
          <CopyAs
            forms={[
              { title: 'Python (mlflow)', preview: python, text: () => python },
              { title: 'Link to this page', text: () => location.href },
            ]}
          />
        }
      />
      {errors.map(({ id, error }) => (
        <ErrorNote key={id} error={error}>
          <p>
            Run <code>{id}</code>
          </p>
        </ErrorNote>
      ))}
      {ids.length === 0 && (
        <EmptyState sentence="No runs selected. Select runs in a table to compare them here.">
          <Link {...experimentsAddress(project)}>Select runs</Link>
        </EmptyState>
      )}
      {loading && <Skeleton rows={14} />}
      {!loading && runs.length > 0 && (
        <>
          <RunKeys
            project={project}
            runs={runs}
            leave={(id) => update({ runs: ids.filter((one) => one !== id).join(',') })}
          />
          <ObjectivePanels project={project} runs={runs} />
          <Tabs value={tab} onChange={(next) => update({ tab: next === 'charts' ? undefined : (next ?? undefined) })}>
            <Tabs.List>
              <Tabs.Tab value="charts">Charts</Tabs.Tab>
              <Tabs.Tab value="diff">Differences</Tabs.Tab>
              <Tabs.Tab value="parallel">Parallel coordinates</Tabs.Tab>
              <Tabs.Tab value="scatter">Scatter</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="charts" className="compare-panel">
              {tab === 'charts' && (
                <MetricCharts project={project} runs={runs} view={chartView(query)} update={update} />
              )}
            </Tabs.Panel>
            <Tabs.Panel value="diff" className="compare-panel">
              {tab === 'diff' && <DiffTable runs={runs} all={query['all'] === 'yes'} update={update} />}
            </Tabs.Panel>
            <Tabs.Panel value="parallel" className="compare-panel">
              {tab === 'parallel' && <ParallelView runs={runs} axes={query['axes']} update={update} />}
            </Tabs.Panel>
            <Tabs.Panel value="scatter" className="compare-panel">
              {tab === 'scatter' && (
                <ScatterView runs={runs} across={query['across']} up={query['up']} update={update} />
              )}
            </Tabs.Panel>
          </Tabs>
        </>
      )}
    </div>
  );
}

function useRunsOf(project: string, ids: readonly string[]) {
  const client = useClient(project);
  return useQueries({
    queries: ids.map((id) => ({
      queryKey: ['run', project, id],
      queryFn: async ({ signal }: { readonly signal: AbortSignal }) =>
        await client.perform(readRunOperation, { id }, { signal }),
      refetchInterval: ({ state }: { readonly state: { readonly data?: Run | undefined } }) =>
        state.data?.status === 'RUNNING' ? POLL_MS : (false as const),
    })),
    combine: (results) => ({
      runs: results.flatMap(({ data }) => (data === undefined ? [] : [data])),
      loading: results.some(({ isPending }) => isPending),
      errors: results.flatMap(({ error }, at) =>
        error === null ? [] : [{ id: ids[at] ?? '', error: error as DaisError }],
      ),
    }),
  });
}

interface RunKeysProps {
  readonly project: string;
  readonly runs: readonly Run[];
  readonly leave: (id: string) => void;
}

/** Maps runs to colors. */
function RunKeys({ project, runs, leave }: RunKeysProps) {
  return (
    <ul className="compare-runs" aria-label="Runs">
      {runs.map(({ id, name, status }, position) => (
        <li key={id}>
          <svg width="12" height="12" aria-hidden="true">
            <rect width="12" height="12" rx="2" fill={seriesVariable(position)} />
          </svg>
          <Link {...runAddress(project, id)} title={id}>
            {name}
          </Link>
          <StateBadge {...RUN_STATES[status]} />
          <ActionIcon size="sm" aria-label={`Remove ${name} from the comparison`} onClick={() => leave(id)}>
            <Icon name="close" />
          </ActionIcon>
        </li>
      ))}
    </ul>
  );
}
