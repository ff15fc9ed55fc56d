import type { DaisError } from '@dais/api';
import { readExperimentOperation, type Experiment } from '@dais/api/tracking';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo, useRef, useState } from 'react';
import { pickableColumns, knownKeys, loggedKeys, readRunColumns, usualColumns } from './run-columns.ts';
import { groupRuns, isHead, isRun, rowKey, type RunRow } from './run-groups.ts';
import { RowStateContext } from './row-state.ts';
import { runQuery } from './run-query.ts';
import { RunsBar } from './runs-bar.tsx';
import { runTableColumns } from './run-table-columns.tsx';
import { useLiveRuns } from './use-live-runs.ts';
import { countWords, useRunCount } from './use-run-count.ts';
import { useRunForms } from './use-run-forms.ts';
import { useRunTree } from './use-run-tree.ts';
import { canNest, onTop } from './run-tree.ts';
import { useRuns } from './use-runs.ts';
import { experimentAddress, experimentsAddress, runAddress } from '#addresses.ts';
import { ExperimentActions, experimentKey } from '#pages/experiments/experiment-actions.tsx';
import { FirstRunNote } from '#pages/experiments/first-run-note.tsx';
import { useExperimentNames } from '#pages/experiments/use-experiments.ts';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useClient } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { readSort, ResourceTable, writeSort } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import './runs.css';

/** Maximum number of runs in one chart: the server's limit. */
const MOST_CHOSEN = 100;
/** Runs that determine the columns: those of the first page, so that columns stay the same while scrolling. */
const SOME = 100;
/** The next page is requested when fewer rows than this remain after the visible ones. */
const AHEAD = 300;

/** The runs of one experiment, of several (`1,2`) or of `all`: filtered, sorted and grouped by the URL. */
export function RunsPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { experiment: named = '0' } = useAddressFields();
  const query = useAddressQuery();
  const names = useExperimentNames(project);
  const experiments = useMemo(() => experimentsOf(named, names), [named, names]);
  const one = useExperiment(project, experiments?.length === 1 ? experiments[0] : undefined);
  const several = named === 'all' || named.includes(',');
  const { filter, sort, group, view, columns: columnText } = query;
  const runsQuery = useMemo(() => runQuery({ filter, sort, group, view }), [filter, sort, group, view]);
  const nested = query['nested'] === 'yes' && canNest(runsQuery);
  const listed = useMemo(() => (nested ? onTop(runsQuery) : runsQuery), [nested, runsQuery]);
  const location = { project, experiments, query: listed, nested };
  const { key, runs, stale, more, loadMore, loading, error, again } = useRuns(location);
  const count = useRunCount(location, more);

  const some = useMemo(() => (runs ?? []).slice(0, SOME), [runs]);
  const logged = useMemo(() => loggedKeys(some), [some]);
  const known = useMemo(() => knownKeys(some, logged), [some, logged]);
  const shownIds =
    columnText ??
    usualColumns(logged, several)
      .map(({ id }) => id)
      .join(',');
  const columns = useMemo(() => readRunColumns(shownIds), [shownIds]);
  const tableColumns = useMemo(
    () => runTableColumns({ project, columns, experimentNames: names }),
    [project, columns, names],
  );

  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const grouped = useMemo(() => groupRuns(runs ?? [], runsQuery.group, closed), [runs, runsQuery.group, closed]);
  const update = useCallback(
    (change: Readonly<Record<string, string | undefined>>) =>
      void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true }),
    [navigate],
  );
  const tree = useRunTree({ ...location, runs, open: query['open'], update });
  const rows = tree?.rows ?? grouped;
  const seen = useRef<readonly [number, number]>([0, 0]);
  const inView = () => rows.slice(seen.current[0], seen.current[1] + 1).filter(isRun);
  const { waiting, forget } = useLiveRuns({ ...location, key, inView });
  const reach = (first: number, last: number) => {
    seen.current = [first, last];
    if (more && !loading && last > rows.length - AHEAD) loadMore();
  };

  const chosenText = query['chosen'] ?? '';
  const rowState = useMemo(() => {
    const chosen = new Set(chosenText === '' ? [] : chosenText.split(','));
    return {
      chosen,
      choose: (run: string, on: boolean) => {
        const next = on ? [...chosen, run].slice(-MOST_CHOSEN) : [...chosen].filter((id) => id !== run);
        update({ chosen: next.join(',') });
      },
      toggleGroup: (value: string) =>
        setClosed((before) => {
          const next = new Set(before);
          if (!next.delete(value)) next.add(value);
          return next;
        }),
      tree: tree?.state,
    };
  }, [chosenText, update, tree?.state]);

  const forms = useRunForms({ project, experiments, query: runsQuery });
  const title = one.data !== undefined ? `Runs of ${one.data.name}` : `Runs of ${several ? project : named}`;
  const note = one.data?.tags['mlflow.note.content'];
  const deleted = one.data?.lifecycle === 'deleted';
  const filtered = runsQuery.filter !== '' || runsQuery.view === 'deleted';
  return (
    <div className="page">
      <PageHead
        title={title}
        under={
          <>
            <Link {...experimentsAddress(project)}>All experiments</Link>
            {several ? (
              <span>{experiments === undefined ? '' : `${experiments.length.toLocaleString('en')} experiments`}</span>
            ) : (
              <Link {...experimentAddress(project, 'all')}>Runs of all experiments</Link>
            )}
            {deleted && <StateBadge state="off" word="deleted" />}
            {note !== undefined && <span className="page-head-brief">{note}</span>}
          </>
        }
        actions={
          <>
            <CopyAs forms={forms} />
            {one.data !== undefined && <ExperimentActions project={project} experiment={one.data} moved={again} />}
          </>
        }
      />
      {one.error !== null && <ErrorNote error={one.error} />}
      {error !== null && <ErrorNote error={error} retry={again} />}
      {runs !== undefined && (runs.length > 0 || filtered) && (
        <RunsBar
          project={project}
          experiments={experiments ?? []}
          query={runsQuery}
          address={query}
          counted={`${countWords(runs.length, more, loading, count)}${nested ? ', nested runs not counted' : ''}`}
          nested={nested}
          waiting={waiting}
          again={() => {
            forget();
            again();
          }}
          logged={logged}
          known={known}
          several={several}
          pickable={pickableColumns(logged)}
          columns={columns.map(({ id }) => id)}
          chosen={rowState.chosen}
          update={update}
        />
      )}
      {runs === undefined ? (
        error === null && one.error === null && <Skeleton rows={14} />
      ) : runs.length === 0 ? (
        deleted && !filtered ? (
          <EmptyState sentence="The experiment and its runs are deleted. Use Restore to recover them.">
            <Link to="." search={{ view: 'deleted' }}>
              Show its deleted runs
            </Link>
          </EmptyState>
        ) : filtered ? (
          <EmptyState sentence={runsQuery.view === 'deleted' ? 'No deleted runs.' : 'No matches.'}>
            <Link to="." search={{}}>
              Clear filter
            </Link>
          </EmptyState>
        ) : (
          <FirstRunNote sentence="No runs yet. Log one with MLflow." project={project} experiment={one.data?.name} />
        )
      ) : (
        <RowStateContext value={rowState}>
          <ResourceTable
            key={`${project} ${named} ${listed.filter} ${runsQuery.orderBy.join()} ${runsQuery.view} ${runsQuery.group ?? ''}`}
            label="Runs"
            rows={rows}
            columns={tableColumns}
            keyOf={rowKey}
            complete={!stale}
            growing
            onReach={reach}
            sort={readSort(sort)}
            onSort={(next) => update({ sort: writeSort(next) })}
            selected={query['selected']}
            onSelect={(id) => update({ selected: id })}
            layout={tree?.layout ?? [...closed].join()}
            {...(tree !== undefined && { tree: tree.table })}
            onOpen={(row) => {
              if (isHead(row)) rowState.toggleGroup(row.value ?? '');
              else if (isRun(row)) void navigate(runAddress(project, row.id));
            }}
            onToggle={(row) => {
              if (isRun(row)) rowState.choose(row.id, !rowState.chosen.has(row.id));
            }}
            rowClass={classOf}
          />
        </RowStateContext>
      )}
    </div>
  );
}

const classOf = (row: RunRow) => (isHead(row) ? 'runs-group-head' : undefined);

/** Undefined while the experiments are unknown. */
function experimentsOf(named: string, names: ReadonlyMap<string, string> | undefined): readonly string[] | undefined {
  if (named === 'all') return names && [...names.keys()];
  return named.split(',').filter((id) => /^\d{1,18}$/.test(id));
}

function useExperiment(project: string, id: string | undefined) {
  const client = useClient(project);
  return useQuery<Experiment, DaisError>({
    queryKey: experimentKey(project, id),
    queryFn: async ({ signal }) => await client.perform(readExperimentOperation, { id: id ?? '' }, { signal }),
    enabled: id !== undefined,
  });
}
