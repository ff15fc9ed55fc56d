import { findKind } from '@dais/api';
import { targetKind, type ExecutionAttempt, type ExecutionStep } from '@dais/api/executions';
import { Link } from '@tanstack/react-router';
import { attemptState, resourcesText, usageText } from './attempt-words.ts';
import { resourceAddress } from '#addresses.ts';
import { shellWord } from '#kinds/cli-command.ts';
import { Button } from '#ui/controls.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { KeyValue, type Pair } from '#ui/key-value.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface StepAboutProps {
  readonly project: string;
  readonly step: ExecutionStep;
}

/** The command and the execution environment of the step. */
export function StepAbout({ project, step: { step } }: StepAboutProps) {
  if (step === undefined) return <p className="dim">This is a group. Each of its steps has its own command.</p>;
  const command = step.command.map(shellWord).join(' ');
  const variables = Object.entries(step.variables).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const { environment, target, pool } = step;
  return (
    <>
      <Panel title="Command" actions={<CopyButton text={command} label="Copy command" />}>
        <pre className="step-command" tabIndex={0}>
          {command}
        </pre>
      </Panel>
      <Panel title="Execution environment">
        <KeyValue label="Execution environment" pairs={[...targetPairs(project, target, pool), ...aboutPairs(step)]} />
      </Panel>
      {(variables.length > 0 || Object.keys(step.secrets).length > 0) && (
        <Panel title="Variables">
          <KeyValue
            label="Variables"
            pairs={[
              ...variables.map(([key, value]) => ({ key, value: <code className="step-text">{value}</code> })),
              ...Object.entries(step.secrets).map(([key, { secret, key: at }]) => ({
                key,
                value: <SecretName project={project} name={secret} at={at} />,
              })),
            ]}
          />
        </Panel>
      )}
      {environment.packages !== undefined && (
        <Panel title={`${environment.packages.length.toLocaleString('en')} packages`}>
          <pre className="step-packages" tabIndex={0}>
            {environment.packages.join('\n')}
          </pre>
        </Panel>
      )}
    </>
  );
}

function SecretName({ project, name, at }: { readonly project: string; readonly name: string; readonly at: string }) {
  const kind = findKind('Secret');
  return (
    <>
      <code>{at}</code> of secret{' '}
      {kind === undefined ? name : <Link {...resourceAddress(kind, project, name)}>{name}</Link>}
    </>
  );
}

/** Steps on the machines of the server have none. */
function targetPairs(project: string, target: string | undefined, pool: string | undefined): readonly Pair[] {
  if (target === undefined) return [];
  return [
    { key: 'target', value: <Link {...resourceAddress(targetKind, project, target)}>{target}</Link> },
    ...(pool === undefined ? [] : [{ key: 'pool', value: pool }]),
  ];
}

function aboutPairs(step: NonNullable<ExecutionStep['step']>): readonly Pair[] {
  const { target, environment, resources, timeoutSeconds, retries, cache, isolation, network, outputs } = step;
  const kept = Object.entries(outputs);
  return [
    {
      key: 'environment',
      value: environmentText(environment, target),
    },
    { key: 'requests', value: resourcesText(resources) ?? 'defaults' },
    // Pods are isolated in any case.
    { key: 'isolated', value: target === undefined ? ISOLATION[isolation] : 'yes, in a pod' },
    { key: 'network', value: network ? 'yes' : target === undefined ? 'no (when isolated)' : 'no' },
    ...(timeoutSeconds === undefined ? [] : [{ key: 'timeout', value: `${timeoutSeconds} s` }]),
    { key: 'retries', value: retries === 0 ? 'never' : retries === 1 ? 'once' : `${retries} times` },
    { key: 'cache', value: cache ? 'yes: an identical command with identical inputs is not run again' : 'no' },
    ...(kept.length === 0
      ? []
      : [{ key: 'keeps', value: kept.map(([name, path]) => `${name} from ${path}`).join(', ') }]),
  ];
}

function environmentText(
  { type, image, version = '', requirements = [] }: Environment,
  target: string | undefined,
): string {
  if (type === 'image') return `the image ${image ?? ''}`;
  return type === 'system'
    ? target === undefined
      ? 'the programs on the machine'
      : 'the image of the target'
    : `Python ${version} with ${requirements.length} requirements`;
}

type Environment = NonNullable<ExecutionStep['step']>['environment'];

const ISOLATION: Readonly<Record<NonNullable<ExecutionStep['step']>['isolation'], string>> = {
  required: 'yes',
  preferred: 'when the machine supports it',
  none: 'no: the step has the access of the server',
};

export interface StepAttemptsProps {
  readonly attempts: readonly ExecutionAttempt[];
  readonly shown: string | undefined;
  readonly show: (attempt: string) => void;
}

/** The attempts, with results and resource usage. */
export function StepAttempts({ attempts, shown, show }: StepAttemptsProps) {
  if (attempts.length === 0) return <p className="dim">No attempts yet.</p>;
  return (
    <PlainTable
      label="Attempts"
      rows={attempts}
      keyOf={({ id }) => id}
      selected={shown}
      columns={[
        { title: '#', narrow: true, cell: ({ number }) => number },
        {
          title: 'Result',
          cell: (attempt) => (
            <>
              <StateBadge {...attemptState(attempt)} />
              {attempt.error !== undefined && attempt.ending !== 'exit' && (
                <div className="step-text">{attempt.error}</div>
              )}
            </>
          ),
        },
        ...(attempts.some(({ target }) => target !== undefined)
          ? [{ title: 'Target', narrow: true, cell: ({ target = 'local' }: ExecutionAttempt) => target }]
          : []),
        { title: 'Started', narrow: true, cell: ({ claimedAt }) => <Time at={new Date(claimedAt).toISOString()} /> },
        { title: 'Duration', cell: (attempt) => usageText(attempt) },
        {
          title: '',
          narrow: true,
          cell: ({ id, number }) => (
            <Button
              variant="default"
              size="compact-xs"
              aria-label={`Log of attempt ${number}`}
              onClick={() => show(id)}
            >
              Log
            </Button>
          ),
        },
      ]}
    />
  );
}
