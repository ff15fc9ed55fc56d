import { pipelineKind, type Execution } from '@dais/api/executions';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { NODE_STATES, NODE_STATE_NAMES, stateOf, tookText, submitterText } from './execution-words.ts';
import { RunActions } from './run-actions.tsx';
import { RunGraph } from './run-graph.tsx';
import { initialStep } from './run-level.ts';
import { RunSteps } from './run-steps.tsx';
import { RunTimeline } from './run-timeline.tsx';
import { StepPanel } from './step-panel.tsx';
import { useExecution } from './use-execution.ts';
import { useEdges, useMarks, type RunMarks } from './use-marks.ts';
import {
  accessAddress,
  resourceAddress,
  experimentAddress,
  executionAddress,
  executionDiffAddress,
  executionsAddress,
  computeAddress,
} from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { usePipelineNames } from '#pages/pipelines/use-pipeline-names.ts';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useNow } from '#ui/clock.tsx';
import { Tabs } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { CopyButton } from '#ui/copy-button.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import '#ui/label-chip.css';
import './executions.css';

/** One execution: its graph, its progress and its steps. `?step=` selects a step. */
export function ExecutionPage() {
  const project = useCurrentProject();
  const { execution: id = '' } = useAddressFields();
  const { data: run, error, refetch } = useExecution(project, id);
  if (run === undefined) {
    return (
      <div className="page">
        <PageHead title={`Job ${id.slice(-8)}`} />
        {error === null ? (
          <Skeleton rows={14} />
        ) : (
          <ErrorNote error={error} retry={() => void refetch()}>
            <p>
              {error.code === 'forbidden' ? (
                <Link {...accessAddress(project, { action: 'execution:read', resource: 'Execution' })}>
                  Show why and what would allow it
                </Link>
              ) : (
                <Link {...executionsAddress(project)}>All jobs</Link>
              )}
            </p>
          </ErrorNote>
        )}
      </div>
    );
  }
  return <Shown key={`${project} ${id}`} project={project} run={run} />;
}

interface ShownProps {
  readonly project: string;
  readonly run: Execution;
}

const NO_CHOICE = 'none';
const ROOT: readonly string[] = [''];

function Shown({ project, run }: ShownProps) {
  const navigate = useNavigate();
  const { step, view = 'graph' } = useAddressQuery();
  const ended = run.endedAt !== undefined;
  const found = useMarks(project, run.id, ended);
  const { marks } = found;
  const edges = useEdges(project, run.id, ROOT).of.get('') ?? [];
  const first = useMemo(() => initialStep(marks), [marks]);
  const chosen = step === NO_CHOICE ? undefined : (step ?? first);
  const mark = chosen === undefined ? undefined : marks.get(chosen);
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  // The view of one step does not apply to another.
  const choose = (path: string | undefined) =>
    update({ step: path ?? NO_CHOICE, attempt: undefined, ...(path === undefined && { show: undefined }) });
  const forms = useCopyForms({
    command: daisCommand(
      ['logs', run.id, ...(mark !== undefined && marks.size > 1 ? ['--step', mark.path] : [])],
      project,
    ),
    call: { project, path: `/api/v1/executions/${run.id}` },
  });
  return (
    <div className="page run-shown">
      <PageHead
        title={`${run.pipeline === undefined ? 'Job' : 'Pipeline run'} ${run.name}`}
        under={<Strip project={project} run={run} />}
        actions={
          <>
            <CopyAs forms={[...forms, { title: 'ID', preview: run.id, text: () => run.id }]} />
            <RunActions project={project} run={run} marks={marks} edges={edges} chosen={mark?.path} />
          </>
        }
      />
      {run.error !== undefined && run.state === 'failed' && (
        <div className="note note-failed run-error" role="status">
          {run.error}
        </div>
      )}
      {run.warnings !== undefined && (
        <ul className="note" aria-label="Warnings">
          {run.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      {found.error !== undefined && <ErrorNote error={found.error} />}
      <div className="run-parts" data-step={mark !== undefined || undefined}>
        <Tabs
          value={view}
          onChange={(next) => update({ view: next === 'graph' ? undefined : (next ?? undefined) })}
          keepMounted={false}
          className="run-views"
        >
          <div className="run-tabs">
            <Tabs.List>
              <Tabs.Tab value="graph">Graph</Tabs.Tab>
              <Tabs.Tab value="steps">Steps</Tabs.Tab>
              <Tabs.Tab value="timeline">Timeline</Tabs.Tab>
            </Tabs.List>
            <Counts run={run} />
          </div>
          <Views project={project} run={run} found={found} chosen={mark?.path} choose={choose} update={update} />
        </Tabs>
        {mark !== undefined && (
          <StepPanel key={mark.path} project={project} run={run.id} mark={mark} close={() => choose(undefined)} />
        )}
      </div>
    </div>
  );
}

interface ViewsProps extends ShownProps {
  readonly found: RunMarks;
  readonly chosen: string | undefined;
  readonly choose: (path: string | undefined) => void;
  readonly update: (change: Readonly<Record<string, string | undefined>>) => void;
}

function Views({ project, run, found, chosen, choose, update }: ViewsProps) {
  const { marks, shape, complete, more } = found;
  if (marks.size === 0) return <Skeleton rows={8} />;
  return (
    <>
      <Tabs.Panel value="graph" className="run-view">
        <RunGraph project={project} run={run.id} marks={marks} shape={shape} chosen={chosen} choose={choose} />
      </Tabs.Panel>
      <Tabs.Panel value="steps" className="run-view">
        <RunSteps marks={marks} complete={complete} chosen={chosen} choose={choose} update={update} />
      </Tabs.Panel>
      <Tabs.Panel value="timeline" className="run-view">
        <RunTimeline marks={marks} chosen={chosen} choose={choose} />
      </Tabs.Panel>
      {more && <p className="dim">The first {marks.size.toLocaleString('en')} steps and groups are shown.</p>}
    </>
  );
}

/** Numbers of steps by state; states that need attention first. */
function Counts({ run: { nodes = {} } }: { readonly run: Execution }) {
  const order = ['failed', 'running', 'delayed', 'ready'];
  const states = NODE_STATE_NAMES.filter((state) => (nodes[state] ?? 0) > 0).toSorted(
    (a, b) => (order.indexOf(b) + 1 > 0 ? 1 : 0) - (order.indexOf(a) + 1 > 0 ? 1 : 0),
  );
  return (
    <span className="run-counts" role="status" aria-label="Steps and groups by state">
      {states.map((state) => (
        <StateBadge
          key={state}
          state={NODE_STATES[state].state}
          word={`${(nodes[state] ?? 0).toLocaleString('en')} ${NODE_STATES[state].word}`}
        />
      ))}
    </span>
  );
}

function Strip({ project, run }: ShownProps) {
  const now = useNow();
  const { code, retryOf, pipeline, experimentId } = run;
  const name = usePipelineNames(project, pipeline !== undefined).get(pipeline ?? '');
  return (
    <>
      <Link {...executionsAddress(project)}>Jobs and pipeline runs</Link>
      <StateBadge {...stateOf(run)} />
      {run.state === 'pending' && <Link {...computeAddress(project)}>why it is queued</Link>}
      <span>by {submitterText(run.submittedBy)}</span>
      <span>
        <Time at={new Date(run.createdAt).toISOString()} />, duration {tookText(run, now)}
      </span>
      {retryOf !== undefined && (
        <span>
          retry of <Link {...executionAddress(project, retryOf)}>{retryOf.slice(-8)}</Link>,{' '}
          <Link {...executionDiffAddress(project, retryOf, run.id)}>compare</Link>
        </span>
      )}
      {pipeline !== undefined && (
        <span>
          of {name === undefined ? 'a pipeline' : 'pipeline '}
          {name !== undefined && <Link {...resourceAddress(pipelineKind, project, name)}>{name}</Link>}
        </span>
      )}
      {experimentId !== undefined && <Link {...experimentAddress(project, experimentId)}>experiment</Link>}
      {code?.commit !== undefined && (
        <span>
          at <code title={code.commit}>{code.commit.slice(0, 8)}</code>
          {code.dirty === true && ', with uncommitted changes'}
        </span>
      )}
      {run.priority !== 0 && <span>priority {run.priority}</span>}
      <span className="run-id">
        <code title={run.id}>{run.id.slice(-8)}</code> <CopyButton text={run.id} label="Copy ID" />
      </span>
    </>
  );
}
