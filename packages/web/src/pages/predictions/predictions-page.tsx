import { countNoun } from '@dais/api';
import { endpointKind } from '@dais/api/serving';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { PredictionFilters, readFilter } from './prediction-filters.tsx';
import { PredictionSummary } from './prediction-summary.tsx';
import { predictionColumns } from './prediction-columns.tsx';
import type { PredictionRow } from './prediction-rows.ts';
import { pageSql } from './prediction-sql.ts';
import { SpanSelect } from './span-select.tsx';
import { timeSpan } from './time-span.ts';
import { usePredictions, usePredictionSummary, type PredictionsOf } from './use-predictions.ts';
import { listAddress, predictionAddress, resourceAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useLiveList } from '#server/use-live-list.ts';
import { useNow } from '#ui/clock.tsx';
import { Button, Select } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { ResourceTable } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import './predictions.css';

/** The next page is requested when fewer rows than this remain after the visible ones. */
const AHEAD = 40;

/** Predictions of endpoints, filtered by endpoint, time, version, result and any value. */
export function PredictionsPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const query = useAddressQuery();
  const endpoints = useLiveList(endpointKind, project, '');
  const names = endpoints.rows?.map(({ metadata }) => metadata.name).toSorted();
  const endpoint = query['endpoint'] ?? names?.[0];
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  return (
    <div className="page">
      <PageHead
        title="Predictions"
        under={
          <>
            <Link {...listAddress(endpointKind, project)}>Endpoints</Link>
            {endpoint !== undefined && <Link {...resourceAddress(endpointKind, project, endpoint)}>{endpoint}</Link>}
          </>
        }
        actions={endpoint !== undefined && <Copies project={project} endpoint={endpoint} />}
      />
      {endpoints.error !== undefined && <ErrorNote error={endpoints.error} retry={endpoints.retry} />}
      {endpoint === undefined ? (
        names === undefined ? (
          endpoints.error === undefined && <Skeleton rows={12} />
        ) : (
          <EmptyState
            sentence={`No predictions in ${project} yet. Deploy a model to an endpoint first.`}
            command={daisCommand(['deploy', 'models:/MODEL@champion', '--to', 'ENDPOINT', '--wait'], project)}
          >
            <a href="docs/guide/predictions" target="_blank" rel="noreferrer">
              Guide: predictions
            </a>
          </EmptyState>
        )
      ) : (
        <OneEndpoint
          key={`${project} ${endpoint}`}
          project={project}
          endpoint={endpoint}
          choice={
            <Select
              aria-label="Endpoint"
              value={endpoint}
              // Predictions of a deleted endpoint remain.
              data={[...new Set([...(names ?? []), endpoint])]}
              allowDeselect={false}
              searchable
              onChange={(value) => update({ endpoint: value ?? undefined, column: undefined, value: undefined })}
              comboboxProps={{ withinPortal: false }}
            />
          }
        />
      )}
    </div>
  );
}

function Copies({ project, endpoint }: { readonly project: string; readonly endpoint: string }) {
  const sql = pageSql(readFilter(useAddressQuery()), undefined, 100);
  const command = daisCommand(['predictions', 'query', endpoint, '--sql', sql], project);
  return (
    <CopyAs
      forms={[
        { title: 'CLI command', preview: `dais predictions query ${endpoint} …`, text: () => command },
        { title: 'SQL', preview: 'select * from labeled …', text: () => sql },
        { title: 'Link to this page', text: () => location.href },
      ]}
    />
  );
}

interface OneEndpointProps {
  readonly project: string;
  readonly endpoint: string;
  readonly choice: React.ReactNode;
}

function OneEndpoint({ project, endpoint, choice }: OneEndpointProps) {
  const navigate = useNavigate();
  const query = useAddressQuery();
  const { time, from, until, selected } = query;
  const now = useNow();
  // The end of the time range is fixed until the viewer refreshes: each query writes pending predictions to files.
  const [end, setEnd] = useState(now);
  const filter = useMemo(() => readFilter(query), [query]);
  const of: PredictionsOf = useMemo(
    () => ({ project, endpoint, span: timeSpan({ time, from, until }, end) }),
    [project, endpoint, time, from, until, end],
  );
  const { rows, columns, masked, more, loadMore, loading, error, again } = usePredictions(of, filter);
  const summary = usePredictionSummary(of, filter);
  const shown = useMemo(
    () => predictionColumns(project, endpoint, columns, masked),
    [project, endpoint, columns, masked],
  );
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  const reach = (_first: number, last: number) => {
    if (more && !loading && rows !== undefined && last > rows.length - AHEAD) loadMore();
  };
  return (
    <>
      <div className="predictions-bar">
        {choice}
        <SpanSelect time={time} from={from} until={until} update={update} now={now} />
        <PredictionFilters filter={filter} columns={columns} summary={summary.data} update={update} />
        <Button variant="default" loading={loading} onClick={() => setEnd(Date.now())}>
          Refresh
        </Button>
        <span role="status" className="predictions-summary">
          {rows === undefined
            ? error === null
              ? 'Loading'
              : ''
            : `${countNoun(rows.length, 'row')}${more ? ', scroll for more' : ''}`}
        </span>
      </div>
      {error !== null && <ErrorNote error={error} retry={again} />}
      {rows === undefined ? (
        error === null && <Skeleton rows={12} />
      ) : rows.length === 0 ? (
        <EmptyState
          sentence={`No matching predictions of ${endpoint}. \`spec.capture\` of the endpoint defines which predictions are stored.`}
          command={daisCommand(['predictions', 'tail', endpoint, '-f'], project)}
        >
          <Link to="." search={{ endpoint, time: '30d' }}>
            Show the last 30 days
          </Link>
          , or{' '}
          <Link {...resourceAddress(endpointKind, project, endpoint)} search={{ tab: 'try' }}>
            send a request
          </Link>
          .
        </EmptyState>
      ) : (
        <>
          <PredictionSummary project={project} summary={summary.data} error={summary.error} update={update} />
          <ResourceTable
            key={JSON.stringify([of.span, filter])}
            label="Predictions"
            rows={rows}
            columns={shown}
            keyOf={keyOf}
            complete
            growing
            onReach={reach}
            onSort={() => {}}
            selected={selected}
            onSelect={(key) => update({ selected: key })}
            onOpen={({ id, row }) =>
              void navigate({
                ...predictionAddress(project, endpoint, id),
                search: row === 0 ? {} : { row: String(row) },
              })
            }
          />
        </>
      )}
    </>
  );
}

const keyOf = ({ key }: PredictionRow) => key;
