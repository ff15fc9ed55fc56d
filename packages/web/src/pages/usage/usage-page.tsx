import { findKind } from '@dais/api';
import type { UsageSum } from '@dais/api/usage';
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { UsageFilters } from './usage-filters.tsx';
import {
  amountText,
  GROUPS,
  groupName,
  MEASURES,
  shownAs,
  usagePeriod,
  usageQuery,
  usageWords,
  usedMeasures,
  type Measure,
  type UsageQuery,
} from './usage-query.ts';
import { MOST_GROUPS, useUsage, type Usage, type UsageSeries } from './use-usage.ts';
import { resourceAddress, usageAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useConsole } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useMay } from '#server/own-access.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { LineChart } from '#ui/plot/line-chart.tsx';
import { seriesVariable } from '#ui/plot/series-style.ts';
import { Skeleton } from '#ui/skeleton.tsx';
import './usage.css';

/** Usage of steps, models, storage and queries over time; without a project in the URL: of all projects. */
export function UsagePage() {
  const { project } = useAddressFields();
  const current = useCurrentProject();
  const may = useMay(current);
  const navigate = useNavigate();
  const organization = project === undefined;
  const query = usageQuery(useAddressQuery(), organization);
  const change = (changes: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...changes }), replace: true });
  const forms = useCopyForms({
    command: daisCommand(usageWords(query, organization), project),
    call: {
      project: project ?? 'default',
      path: organization ? '/api/v1/organization/usage' : '/api/v1/usage',
      query: { by: query.by },
    },
  });
  const seesAll = may('organizationUsage:read') === true;
  return (
    <div className="page">
      <PageHead
        title={organization ? 'Usage of all projects' : 'Usage'}
        under={
          organization ? (
            <Link {...usageAddress(current)}>Only usage of {current}</Link>
          ) : (
            <>
              <span className="dim">Steps, loaded models, storage and data queries of {project}.</span>
              {seesAll && <Link {...usageAddress(undefined)}>Usage of all projects</Link>}
            </>
          )
        }
        actions={<CopyAs forms={forms} />}
      />
      <UsageFilters query={query} organization={organization} change={change} />
      <Found project={project} query={query} />
    </div>
  );
}

interface FoundProps {
  readonly project: string | undefined;
  readonly query: UsageQuery;
}

function Found({ project, query }: FoundProps) {
  const { usage, series, measure, error, retry } = useUsage(project, query);
  const isFiltered = [query.type, query.person, query.resource, query.team, query.project].some(
    (value) => value !== undefined,
  );
  if (usage === undefined) return error === null ? <Skeleton rows={12} /> : <ErrorNote error={error} retry={retry} />;
  return (
    <>
      {error !== null && <ErrorNote error={error} retry={retry} />}
      {usage.items.length === 0 ? (
        isFiltered ? (
          <EmptyState sentence="No matching usage in this period. Remove a filter, or select a longer period." />
        ) : (
          <EmptyState
            sentence="No usage in this period. Run a job, serve a model or query data: a record appears when a step or query ends, and hourly for a loaded model."
            command="dais run -- echo hello"
          >
            <a href="docs/guide/usage" target="_blank" rel="noreferrer">
              Guide: usage
            </a>
          </EmptyState>
        )
      ) : (
        <>
          {series === undefined ? <Skeleton rows={6} /> : <Days query={{ ...query, measure }} series={series} />}
          <Groups project={project} query={query} usage={usage} series={series} />
          <Export project={project} query={query} />
        </>
      )}
    </>
  );
}

function Days({
  query: { by, measure },
  series: { days, series },
}: {
  readonly query: UsageQuery;
  readonly series: UsageSeries;
}) {
  const xs = days.map((day) => Date.parse(day) / 1000);
  const total = series.flatMap(({ values }) => values).reduce((sum, value) => sum + value, 0);
  const { title, scale } = shownAs(MEASURES.find(({ value }) => value === measure) ?? FIRST, total);
  return (
    <LineChart
      title={`${title} per day (UTC)`}
      summary={`${days.length} days, in total ${amountText(total * scale) || '0'}`}
      lines={series.map(({ key, others, values }, place) => ({
        label: others === true ? 'others' : groupName(by, key),
        place,
        xs,
        ys: values.map((value) => value * scale),
      }))}
      log={false}
      smoothing={0}
      unit="time"
      height={240}
      sync="usage"
      range={undefined}
      onRange={() => {}}
    />
  );
}

interface GroupsProps {
  readonly project: string | undefined;
  readonly query: UsageQuery;
  readonly usage: Usage;
  readonly series: UsageSeries | undefined;
}

/** Table of the numbers of the chart, largest first. */
function Groups({ project, query, usage, series }: GroupsProps) {
  const { by } = query;
  const measures = usedMeasures(usage.total);
  const main = measures.find(({ value }) => value === query.measure) ?? measures[0];
  const rows = usage.items.toSorted((a, b) => (main === undefined ? 0 : b[main.value] - a[main.value]));
  const places = new Map(series?.series.flatMap(({ key, others }, place) => (others ? [] : [[key, place] as const])));
  const title = GROUPS.find(({ value }) => value === by)?.label ?? 'Group';
  return (
    <Panel title={`Usage by ${title.toLowerCase()}`} flush>
      <PlainTable
        label={`Sums by ${title.toLowerCase()}`}
        rows={[...rows, TOTAL]}
        keyOf={(row) => (row === TOTAL ? 'total' : JSON.stringify(row.key))}
        columns={[
          {
            title,
            cell: (row) =>
              row === TOTAL ? <b>Total</b> : <Group project={project} by={by} name={row.key} places={places} />,
          },
          ...(usage.total.attempts === 0
            ? []
            : [{ title: 'Attempts', narrow: true, cell: (row: Row) => amountText(sumOf(row, usage).attempts) }]),
          ...measures.map((measure) => {
            const { title: head, scale } = shownAs(measure, usage.total[measure.value]);
            const cell = (row: Row) => amountText(sumOf(row, usage)[measure.value] * scale);
            return { title: head, narrow: true, cell };
          }),
        ]}
      />
      {usage.hasMore && <p className="dim">The first {MOST_GROUPS.toLocaleString('en')} groups by name are shown.</p>}
    </Panel>
  );
}

const FIRST: Measure = { value: 'stepSeconds', label: 'Step time', unit: 'time' };
const TOTAL = 'total';
type Row = UsageSum | typeof TOTAL;

function sumOf(row: Row, usage: Usage): UsageSum {
  return row === TOTAL ? usage.total : row;
}

interface GroupProps extends GroupLinkProps {
  readonly places: ReadonlyMap<string | null, number>;
}

/** The name of a group, with the color of its line: a filter, or a link to the resource. */
function Group({ project, by, name, places }: GroupProps) {
  const place = places.get(name);
  return (
    <span className="usage-group">
      <span className="usage-mark" style={place === undefined ? {} : { background: seriesVariable(place) }} />
      <GroupLink project={project} by={by} name={name} />
    </span>
  );
}

interface GroupLinkProps extends Pick<FoundProps, 'project'> {
  readonly by: UsageQuery['by'];
  readonly name: string | null;
}

function GroupLink({ project, by, name }: GroupLinkProps): ReactNode {
  if (name === null) return <span className="dim">{groupName(by, name)}</span>;
  if (by === 'project') return <Link {...usageAddress(name)}>{name}</Link>;
  if (by === 'person') {
    return (
      <Link to="." search={(before: object) => ({ ...before, person: name, by: 'resource' })}>
        {name}
      </Link>
    );
  }
  const [word = '', ...rest] = name.split('/');
  const kind = by === 'resource' && project !== undefined ? findKind(word) : undefined;
  // A job has no page of its name.
  if (kind === undefined || project === undefined) return groupName(by, name);
  return <Link {...resourceAddress(kind, project, rest.join('/'))}>{name}</Link>;
}

function Export({ project, query }: Pick<FoundProps, 'project' | 'query'>) {
  const { basePath } = useConsole();
  const { type, person, resource, team } = query;
  const path =
    project === undefined
      ? '/api/v1/organization/usage/export'
      : `/p/${encodeURIComponent(project)}/api/v1/usage/export`;
  const hrefOf = (format: 'csv' | 'parquet') => {
    const fields = { ...usagePeriod(query, Date.now()), type, person, resource, team, project: query.project, format };
    const given = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
    return `${basePath}${path}?${new URLSearchParams(given).toString()}`;
  };
  return (
    <p>
      Download the records as{' '}
      <a href={hrefOf('parquet')} download="usage.parquet">
        Parquet
      </a>{' '}
      or{' '}
      <a href={hrefOf('csv')} download="usage.csv">
        CSV
      </a>
      .
    </p>
  );
}
