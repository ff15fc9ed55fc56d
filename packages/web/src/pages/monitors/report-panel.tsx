import type { MonitorReport, MonitorResult } from '@dais/api/monitoring';
import { Link } from '@tanstack/react-router';
import { AttributionSides } from './attribution-sides.tsx';
import { ColumnSides } from './column-sides.tsx';
import { figure, MONITOR_STATES, windowText } from './monitor-words.ts';
import { datasetVersionAddress, predictionAddress, versionAddress } from '#addresses.ts';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface ReportPanelProps {
  readonly project: string;
  readonly report: MonitorReport;
  /** The model version of the predictions. */
  readonly endpoint: string | undefined;
  readonly column: string | undefined;
}

/** One window: failing and unknown checks, the selected column compared with the baseline, and outliers. */
export function ReportPanel({ project, report, endpoint, column }: ReportPanelProps) {
  const { number, from, until, status, reason, columns, results, examples, notes } = report;
  const shown = columns.find((one) => one.column === column) ?? columns[0];
  const notable = results.filter((one) => one.status !== 'passing');
  return (
    <>
      <Panel
        title={`Window ${number}`}
        actions={
          <a
            href={`api/v1/monitoring/monitors/${encodeURIComponent(report.monitor)}/reports/${number}/page?project=${encodeURIComponent(project)}`}
          >
            Open report page
          </a>
        }
      >
        <p>
          <StateBadge {...MONITOR_STATES[status]} />{' '}
          {notable.length === 0
            ? (reason ?? 'All checks pass.')
            : `${report.failing} of ${results.length} results fail, ${report.unknown} are unknown.`}
        </p>
        <p className="dim">
          {windowText(from, until)}, {report.rows.toLocaleString('en')} rows; evaluated{' '}
          <Time at={new Date(report.evaluatedAt).toISOString()} />
          {report.baseline !== undefined && (
            <>
              , baseline <Baseline project={project} name={report.baseline.name} />
              {report.baseline.reason !== undefined &&
                !notes.includes(report.baseline.reason) &&
                ` (${report.baseline.reason})`}
            </>
          )}
          .
        </p>
        <Versions project={project} report={report} />
        {notes.map((note) => (
          <p key={note}>{note}</p>
        ))}
        {notable.length > 0 && <Results results={notable} />}
      </Panel>
      {(report.attributions ?? []).map((one) => (
        <AttributionSides key={one.check} attributions={one} />
      ))}
      {shown !== undefined && <ColumnSides comparison={shown} />}
      {endpoint !== undefined &&
        examples
          .filter((one) => column === undefined || one.column === column)
          .slice(0, 5)
          .map((example) => (
            <Panel key={`${example.column} ${example.why}`} title={`Outlier rows in ${example.column}`} flush>
              <PlainTable
                label={`Outlier rows of ${example.column}`}
                rows={example.rows}
                keyOf={({ prediction, row, value }) => `${prediction ?? ''} ${row} ${value}`}
                columns={[
                  { title: 'Value', cell: ({ value }) => <code>{value}</code> },
                  { title: 'Reason', cell: () => example.why },
                  {
                    title: 'Prediction',
                    narrow: true,
                    cell: ({ prediction, row }) =>
                      prediction !== undefined && (
                        <Link
                          {...predictionAddress(project, endpoint, prediction)}
                          search={row === 0 ? {} : { row: String(row) }}
                        >
                          <code>{prediction.slice(0, 13)}</code>
                        </Link>
                      ),
                  },
                ]}
              />
            </Panel>
          ))}
    </>
  );
}

/** `flights@3` links to the version. */
function Baseline({ project, name }: { readonly project: string; readonly name: string }) {
  const [, dataset, version] = /^([^@]+)@(.+)$/.exec(name) ?? [];
  if (dataset === undefined || version === undefined) return <>{name}</>;
  return <Link {...datasetVersionAddress(project, dataset, version)}>{name}</Link>;
}

function Versions({ project, report: { versions } }: { readonly project: string; readonly report: MonitorReport }) {
  if (versions.length === 0) return null;
  return (
    <p className="dim">
      Served by{' '}
      {versions.map(({ model, version, rows, trainedOn }, at) => (
        <span key={`${model}/${version}`}>
          {at > 0 && ', '}
          <Link {...versionAddress(project, model, version)}>
            {model}/{version}
          </Link>{' '}
          ({rows.toLocaleString('en')} rows
          {trainedOn !== undefined && (
            <>
              , trained on <Baseline project={project} name={trainedOn} />
            </>
          )}
          )
        </span>
      ))}
      .
    </p>
  );
}

function Results({ results }: { readonly results: readonly MonitorResult[] }) {
  return (
    <PlainTable
      label="Failing and unknown results"
      rows={results}
      keyOf={({ check, metric, column = '', segment = '' }) => `${check} ${metric} ${column} ${segment}`}
      columns={[
        {
          title: 'Status',
          narrow: true,
          cell: ({ status }) => <StateBadge {...MONITOR_STATES[status]} />,
        },
        { title: 'Check', narrow: true, cell: ({ check }) => check },
        {
          title: 'Column or segment',
          cell: ({ column, segment }) => (
            <>
              {column} {segment !== undefined && <span className="dim">{segment}</span>}
            </>
          ),
        },
        {
          title: 'Value',
          narrow: true,
          about: 'With its 95 % confidence interval, where available',
          cell: ({ metric, value, low, high, pValue }) => (
            <>
              {metric} <b>{figure(value)}</b>
              {low !== undefined && high !== undefined && (
                <span className="dim">
                  {' '}
                  {figure(low)} to {figure(high)}
                </span>
              )}
              {pValue !== undefined && <span className="dim"> p = {figure(pValue)}</span>}
            </>
          ),
        },
        {
          title: 'Threshold',
          narrow: true,
          cell: ({ threshold, pValue }) => (
            <>
              {pValue !== undefined && <span className="dim">p </span>}
              {figure(threshold)}
            </>
          ),
        },
        { title: 'Reason', cell: ({ reason }) => reason },
      ]}
    />
  );
}
