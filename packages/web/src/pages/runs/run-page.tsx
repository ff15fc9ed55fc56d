import type { Run } from '@dais/api/tracking';
import { Link, useNavigate } from '@tanstack/react-router';
import { ArtifactBrowser } from './artifacts/artifact-browser.tsx';
import { artifactRoot } from './artifacts/preview-kind.ts';
import { chartView } from './chart-view.ts';
import { DeleteRuns } from './delete-runs.tsx';
import { MetricCharts } from './metric-charts.tsx';
import { RunAbout } from './run-about.tsx';
import { RunComments } from './run-comments.tsx';
import { RunLineage } from './run-lineage.tsx';
import { RunLogs } from './run-logs.tsx';
import { durationMs, durationText, RUN_STATES } from './run-words.ts';
import { useRun } from './use-run.ts';
import { accessAddress, experimentAddress, runAddress } from '#addresses.ts';
import { curlCommand } from '#kinds/curl-command.ts';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useSession } from '#server/session.ts';
import { useNow } from '#ui/clock.tsx';
import { Tabs } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { CopyButton } from '#ui/copy-button.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './run-page.css';

/** One run: its metrics, parameters, artifacts and models. */
export function RunPage() {
  const project = useCurrentProject();
  const { run: id = '' } = useAddressFields();
  const { run, error, again } = useRun(project, id);
  if (run === undefined) {
    return (
      <div className="page">
        <PageHead title={`Run ${id.slice(0, 8)}`} />
        {error === null ? (
          <Skeleton rows={14} />
        ) : (
          <ErrorNote error={error} retry={again}>
            {error.code === 'forbidden' && (
              <p>
                <Link {...accessAddress(project, { action: 'run:read', resource: 'Run' })}>
                  Show why and what would allow it
                </Link>
              </p>
            )}
          </ErrorNote>
        )}
      </div>
    );
  }
  return <Shown project={project} run={run} again={again} />;
}

interface ShownProps {
  readonly project: string;
  readonly run: Run;
  readonly again: () => void;
}

function Shown({ project, run, again }: ShownProps) {
  const navigate = useNavigate();
  const query = useAddressQuery();
  const { tab = 'charts', file } = query;
  const root = artifactRoot(run.artifactUri);
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  return (
    <div className="page">
      <PageHead
        title={`Run ${run.name}`}
        under={<Strip project={project} run={run} />}
        actions={
          <>
            <CopyAs forms={useForms(project, run)} />
            <DeleteRuns project={project} runs={[run.id]} restore={run.lifecycle === 'deleted'} done={again} />
          </>
        }
      />
      <RunLineage project={project} run={run} />
      <Tabs value={tab} onChange={(next) => update({ tab: next === 'charts' ? undefined : (next ?? undefined) })}>
        <Tabs.List>
          <Tabs.Tab value="charts">Charts</Tabs.Tab>
          <Tabs.Tab value="artifacts">Artifacts</Tabs.Tab>
          <Tabs.Tab value="logs">Logs</Tabs.Tab>
          <Tabs.Tab value="about">Details</Tabs.Tab>
          <Tabs.Tab value="comments">Comments</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="charts" className="run-panel">
          {tab === 'charts' && (
            <div className="run-charts">
              <div className="run-charts-main">
                <MetricCharts project={project} runs={[run]} view={chartView(query)} update={update} />
              </div>
              <Params run={run} />
            </div>
          )}
        </Tabs.Panel>
        <Tabs.Panel value="artifacts" className="run-panel">
          {tab === 'artifacts' &&
            (root === undefined ? (
              <p>
                The artifact location of this run is outside of Dais: <code>{run.artifactUri}</code>.
              </p>
            ) : (
              <ArtifactBrowser
                project={project}
                root={root}
                file={file}
                open={(next) => update({ file: next })}
                live={run.status === 'RUNNING'}
              />
            ))}
        </Tabs.Panel>
        <Tabs.Panel value="logs" className="run-panel">
          {tab === 'logs' && <RunLogs project={project} run={run.id} live={run.status === 'RUNNING'} />}
        </Tabs.Panel>
        <Tabs.Panel value="about" className="run-panel">
          {tab === 'about' && <RunAbout project={project} run={run} />}
        </Tabs.Panel>
        <Tabs.Panel value="comments" className="run-panel">
          {tab === 'comments' && <RunComments project={project} run={run.id} />}
        </Tabs.Panel>
      </Tabs>
    </div>
  );
}

function Params({ run }: { readonly run: Run }) {
  const params = Object.entries(run.params).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return (
    <Panel title="Parameters">
      {params.length === 0 ? (
        <p className="dim">No parameters logged.</p>
      ) : (
        <KeyValue
          label="Parameters"
          pairs={params.map(([key, value]) => ({ key, about: key, value: <code className="run-value">{value}</code> }))}
        />
      )}
    </Panel>
  );
}

function Strip({ project, run }: Omit<ShownProps, 'again'>) {
  const now = useNow();
  const parent = run.tags['mlflow.parentRunId'];
  const commit = run.tags['mlflow.source.git.commit'];
  const source = run.tags['mlflow.source.name'];
  return (
    <>
      <StateBadge {...RUN_STATES[run.status]} />
      {run.lifecycle === 'deleted' && <StateBadge state="off" word="deleted" />}
      <Link {...experimentAddress(project, run.experimentId)}>experiment</Link>
      {parent !== undefined && <Link {...runAddress(project, parent)}>parent run</Link>}
      {run.user !== '' && <span>by {run.user}</span>}
      {run.startedAt > 0 && (
        <span>
          started <Time at={new Date(run.startedAt).toISOString()} />
        </span>
      )}
      <span>duration {durationText(durationMs(run, now))}</span>
      {source !== undefined && (
        <span title={source}>
          from <code>{source.slice(source.lastIndexOf('/') + 1)}</code>
        </span>
      )}
      {commit !== undefined && (
        <span>
          at <code title={commit}>{commit.slice(0, 8)}</code>
        </span>
      )}
      <span className="run-id">
        <code title={run.id}>{run.id.slice(0, 8)}</code> <CopyButton text={run.id} label="Copy ID" />
      </span>
    </>
  );
}

function useForms(project: string, run: Run) {
  const accounts = useSession()?.mode === 'accounts';
  const server = document.baseURI.replace(/\/$/, '');
  const python = `mlflow.get_run(${JSON.stringify(run.id)})`;
  const curl = curlCommand({ server, accounts, project, path: `/api/v1/tracking/runs/${encodeURIComponent(run.id)}` });
  return [
    { title: 'Python (mlflow)', preview: python, text: () => python },
    { title: 'curl command', preview: curl, text: () => curl },
    { title: 'ID', preview: run.id, text: () => run.id },
    { title: 'Link to this page', text: () => location.href },
  ];
}
