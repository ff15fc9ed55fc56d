import type { ExecutionMark } from '@dais/api/executions';
import { useNavigate } from '@tanstack/react-router';
import { noteSentence } from './attempt-words.ts';
import { NODE_STATES, sourceWord, taskName, tookText } from './execution-words.ts';
import { StepAbout, StepAttempts } from './step-about.tsx';
import { StepValues } from './step-values.tsx';
import { StepVersions } from './step-versions.tsx';
import { useLog } from './use-log.ts';
import { useAttempts, useRunFileUrl, useStep } from './use-step.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useNow } from '#ui/clock.tsx';
import { ActionIcon, Button, Tabs } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Icon } from '#ui/icons.tsx';
import { LogView } from '#ui/log/log-view.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface StepPanelProps {
  readonly project: string;
  readonly run: string;
  readonly mark: ExecutionMark;
  readonly close: () => void;
}

/** One step: the failure reason first, then its log, inputs, outputs and details. */
export function StepPanel({ project, run, mark, close }: StepPanelProps) {
  const navigate = useNavigate();
  const { show: view, attempt } = useAddressQuery();
  const group = mark.kind !== 'step';
  const show = view ?? (group ? 'values' : 'log');
  const { data: step, error } = useStep(project, run, mark);
  const attempts = useAttempts(project, run, mark).data ?? [];
  const now = useNow();
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  const source = sourceWord(mark.source);
  // Only an attempt that is starting has one.
  const note = attempts.at(-1)?.note;
  return (
    <section className="step-panel" aria-label={`Step ${mark.path}`}>
      <header className="step-head">
        <h2 title={mark.path}>{taskName(mark.path)}</h2>
        <StateBadge {...(note === undefined ? NODE_STATES[mark.state] : STARTING)} />
        {source !== undefined && <span className="label-chip">{source}</span>}
        <span className="dim">
          {mark.startedAt === undefined ? (
            'not started'
          ) : (
            <>
              <Time at={new Date(mark.startedAt).toISOString()} />, {tookText(mark, now)}
            </>
          )}
        </span>
        <ActionIcon aria-label="Close step" onClick={close}>
          <Icon name="close" />
        </ActionIcon>
      </header>
      {mark.path.includes('/') && <code className="step-path dim">{mark.path}</code>}
      {step?.error !== undefined && (
        <div className="note note-failed step-error" role="status">
          {step.error}
        </div>
      )}
      {note !== undefined && (
        <div className="note note-waiting step-error" role="status">
          {noteSentence(note)}
        </div>
      )}
      {error !== null && <ErrorNote error={error} />}
      <Tabs
        value={show}
        onChange={(next) => update({ show: next ?? undefined })}
        keepMounted={false}
        className="step-tabs"
      >
        <Tabs.List>
          {!group && <Tabs.Tab value="log">Log</Tabs.Tab>}
          <Tabs.Tab value="values">Inputs and outputs</Tabs.Tab>
          {!group && <Tabs.Tab value="about">Command</Tabs.Tab>}
          {!group && <Tabs.Tab value="attempts">Attempts{attempts.length > 1 ? ` (${attempts.length})` : ''}</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="log" className="step-log">
          {mark.source === undefined ? (
            <StepLog key={attempt ?? ''} project={project} run={run} node={mark.path} attempt={attempt}>
              {attempt !== undefined && (
                <Button variant="default" size="compact-xs" onClick={() => update({ attempt: undefined })}>
                  Latest attempt
                </Button>
              )}
            </StepLog>
          ) : (
            <p className="log-note dim">
              Cache hit: the step did not run. The outputs are those of an identical earlier step.
            </p>
          )}
        </Tabs.Panel>
        <Tabs.Panel value="values" className="step-parts">
          {step === undefined ? (
            <Skeleton rows={4} />
          ) : (
            <>
              <StepValues
                project={project}
                title="Outputs"
                nothing={outputWord(mark)}
                values={step.outputs}
                paths={step.step?.outputs}
              />
              <StepVersions project={project} attempt={attempts.findLast(({ state }) => state === 'ended')?.id} />
              <StepValues project={project} title="Inputs" nothing="The step has no inputs." values={step.inputs} />
            </>
          )}
        </Tabs.Panel>
        <Tabs.Panel value="about" className="step-parts">
          {step === undefined ? <Skeleton rows={6} /> : <StepAbout project={project} step={step} />}
        </Tabs.Panel>
        <Tabs.Panel value="attempts" className="step-parts">
          <StepAttempts attempts={attempts} shown={attempt} show={(id) => update({ show: 'log', attempt: id })} />
        </Tabs.Panel>
      </Tabs>
    </section>
  );
}

/** A step that waits for its target counts as running, but its command has not started. */
const STARTING = { state: 'waiting', word: 'starting' } as const;

function outputWord({ endedAt }: ExecutionMark): string {
  return endedAt === undefined ? 'Outputs are collected when the step ends.' : 'The step has no outputs.';
}

interface StepLogProps {
  readonly project: string;
  readonly run: string;
  readonly node: string;
  readonly attempt: string | undefined;
  readonly children: React.ReactNode;
}

function StepLog({ project, run, node, attempt, children }: StepLogProps) {
  const { log, ended, error, last } = useLog(project, run, node, attempt);
  const urlOf = useRunFileUrl(project);
  if (error !== undefined) return <ErrorNote error={error} />;
  return (
    <LogView
      label={`Log of ${node}`}
      log={log}
      ended={ended}
      actions={
        <>
          {children}
          {ended && last !== undefined && log.lines.length > 0 && (
            <Button
              variant="default"
              size="compact-xs"
              component="a"
              href={urlOf(run, `logs/${last}`)}
              download={`${taskName(node)}.log`}
            >
              Download
            </Button>
          )}
        </>
      }
    />
  );
}
