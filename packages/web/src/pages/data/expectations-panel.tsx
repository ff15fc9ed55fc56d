import { datasetKind, type DaisError } from '@dais/api';
import {
  makeDatasetProfileOperation,
  startQualityCheckOperation,
  type CheckFinding,
  type DatasetVersion,
  type ExpectationResult,
  type QualityCheckResults,
  type QualityReport,
} from '@dais/api/data';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { DataTable } from './data-table.tsx';
import { countText, shareText } from './data-words.ts';
import type { DatasetScope } from './use-data.ts';
import { Suggestions } from './suggestions.tsx';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';

/** Violated expectations, with examples of violating rows. Renders nothing without violations. */
export function FailuresPanel({ check }: { readonly check: QualityCheckResults }) {
  const broken = check.results.filter(({ outcome }) => outcome !== 'passed');
  if (check.state === 'error' && check.message !== undefined) {
    return (
      <div className="note note-failed" role="status">
        <StateBadge state="failed" word="The validation could not run" />
        <p>{check.message}</p>
      </div>
    );
  }
  if (broken.length === 0) return null;
  return (
    <Panel title={`${countText(broken.length)} of ${countText(check.results.length)} expectations failed`}>
      <ul className="data-broken">
        {broken.map((result) => (
          <li key={result.name}>
            <h3>
              <Outcome result={result} /> {result.name} <span className="dim">{result.type}</span>
            </h3>
            {result.description !== undefined && <p>{result.description}</p>}
            {result.message !== undefined && <p>{result.message}</p>}
            <Observed findings={result.findings.filter(({ anomaly }) => anomaly !== undefined)} />
            {result.more !== undefined && result.more > 0 && (
              <p className="dim">{countText(result.more)} more of the same kind</p>
            )}
            {result.sample !== undefined && (
              <Sample sample={result.sample} name={result.name} open={result.severity === 'block'} />
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Outcome({ result: { outcome, severity } }: { readonly result: ExpectationResult }) {
  if (outcome === 'passed') return <StateBadge state="ok" word="passed" />;
  if (outcome === 'error') return <StateBadge state="failed" word="not evaluated" />;
  return severity === 'block' ? (
    <StateBadge state="failed" word="failed" />
  ) : (
    <StateBadge state="warning" word="failed (warning)" />
  );
}

function Observed({ findings }: { readonly findings: readonly CheckFinding[] }) {
  return (
    <ul>
      {findings.map((finding) => (
        <li key={`${finding.column} ${finding.anomaly} ${finding.observed}`}>
          {finding.column !== undefined && (
            <>
              <code>{finding.column}</code>:{' '}
            </>
          )}
          {finding.observed}; expected {finding.allowed}
          {finding.broken !== undefined && finding.rows !== undefined && finding.rows > 0 && (
            <span className="dim">
              {' '}
              · {countText(finding.broken)} of {countText(finding.rows)} rows (
              {shareText(finding.broken / finding.rows)})
            </span>
          )}
          {finding.anomaly !== undefined && (
            <>
              {' '}
              <span className="label-chip data-anomaly" title="Name of the anomaly in TensorFlow Data Validation">
                {finding.anomaly}
              </span>
            </>
          )}
        </li>
      ))}
    </ul>
  );
}

interface SampleProps {
  readonly sample: NonNullable<ExpectationResult['sample']>;
  readonly name: string;
  /** Warnings are collapsed, so that they do not hide the following content. */
  readonly open: boolean;
}

function Sample({ sample, name, open }: SampleProps) {
  if (sample.withheld !== undefined) return <p className="dim">No sample rows: {sample.withheld}</p>;
  if (sample.rows.length === 0) return null;
  return (
    <details open={open}>
      <summary className="dim">
        {sample.rows.length < sample.total
          ? `${sample.rows.length} of ${countText(sample.total)} failing rows`
          : 'Failing rows'}
      </summary>
      <DataTable
        label={`Rows that fail ${name}`}
        columns={sample.columns.map((column) => ({ name: column }))}
        rows={sample.rows}
        masked={sample.masked}
      />
    </details>
  );
}

export interface ExpectationsPanelProps {
  readonly scope: DatasetScope;
  readonly version: DatasetVersion;
  readonly report: QualityReport | undefined;
}

/** All expectations and their results, with the results of earlier versions. */
export function ExpectationsPanel({ scope, version, report }: ExpectationsPanelProps) {
  const { project, name, key } = scope;
  const client = useClient(project);
  const queries = useQueryClient();
  const whyNot = useWhyNotDo(project, datasetKind.kind, ['dataset:check'], name)('dataset:check');
  const one = { name, version: String(version.number) };
  const start = useMutation<unknown, DaisError, 'check' | 'profile'>({
    mutationFn: async (what) =>
      what === 'check'
        ? await client.perform(startQualityCheckOperation, one)
        : await client.perform(makeDatasetProfileOperation, one),
    onSuccess: (_, what) => {
      const title = what === 'check' ? 'Validation started' : 'Profiling started';
      toast({ title, text: 'The result appears here.', state: 'waiting' });
      void queries.invalidateQueries({ queryKey: key });
    },
  });
  const check = report?.check;
  const results = check?.results ?? [];
  const why = version.state === 'deleted' ? 'The files were deleted.' : whyNot;
  return (
    <div className="resource-overview">
      {start.error !== null && <ErrorNote error={start.error} />}
      <Panel
        title="Expectations"
        flush={results.length > 0}
        actions={
          <>
            {check?.endedAt !== undefined && (
              <span className="dim">
                checked <Time at={new Date(check.endedAt).toISOString()} />
                {check.gate ? '; this check decided about the version' : ''}
              </span>
            )}
            <GuardedButton
              size="compact-xs"
              variant="default"
              why={why}
              loading={start.isPending && start.variables === 'profile'}
              onClick={() => start.mutate('profile')}
            >
              Profile again
            </GuardedButton>
            <GuardedButton
              size="compact-xs"
              variant="default"
              why={why}
              hint="The result does not change the state of the version"
              loading={start.isPending && start.variables === 'check'}
              onClick={() => start.mutate('check')}
            >
              Validate again
            </GuardedButton>
          </>
        }
      >
        {results.length === 0 ? (
          <p className="dim">No expectations yet.</p>
        ) : (
          <PlainTable
            label="Expectation results"
            rows={results}
            keyOf={(result) => result.name}
            columns={[
              { title: 'Result', narrow: true, cell: (result) => <Outcome result={result} /> },
              {
                title: 'Expectation',
                cell: (result) => (
                  <>
                    <span title={result.description}>{result.name}</span> <span className="dim">{result.type}</span>
                  </>
                ),
              },
              {
                title: 'On failure',
                narrow: true,
                cell: ({ severity }) => (severity === 'block' ? 'blocks' : 'warns'),
              },
              {
                title: 'Observed',
                cell: ({ findings, message }) => <Seen findings={findings} message={message} />,
              },
            ]}
          />
        )}
      </Panel>
      <Suggestions scope={scope} version={version} />
      {report !== undefined && report.history.length > 0 && (
        <Panel title="History of validations" flush>
          <PlainTable
            label="Earlier validations"
            rows={report.history}
            keyOf={({ id }) => id}
            columns={[
              { title: 'Version', narrow: true, cell: ({ number }) => `version ${number}` },
              {
                title: 'Result',
                narrow: true,
                cell: ({ state }) => (
                  <StateBadge
                    state={state === 'passed' ? 'ok' : state === 'failed' || state === 'error' ? 'failed' : 'running'}
                    word={state === 'error' ? 'error' : state}
                  />
                ),
              },
              { title: 'Passed', narrow: true, cell: ({ passed }) => countText(passed) },
              { title: 'Failed', narrow: true, cell: ({ failed }) => countText(failed) },
              { title: 'Warnings', narrow: true, cell: ({ warned }) => countText(warned) },
              { title: 'Time', cell: ({ createdAt }) => <Time at={new Date(createdAt).toISOString()} /> },
            ]}
          />
        </Panel>
      )}
    </div>
  );
}

function Seen(props: { readonly findings: readonly CheckFinding[]; readonly message: string | undefined }) {
  const { findings, message } = props;
  const [first] = findings;
  if (message !== undefined) return message;
  if (first === undefined) return '';
  return (
    <>
      {first.column !== undefined && (
        <>
          <code>{first.column}</code>:{' '}
        </>
      )}
      {first.observed} <span className="dim">expected {first.allowed}</span>
      {findings.length > 1 && <span className="dim"> and {findings.length - 1} more</span>}
    </>
  );
}
