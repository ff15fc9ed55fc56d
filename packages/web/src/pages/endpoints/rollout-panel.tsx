import type { DaisError } from '@dais/api';
import {
  abortRolloutOperation,
  pauseRolloutOperation,
  promoteRolloutOperation,
  resumeRolloutOperation,
  rollBackOperation,
  type Rollout,
} from '@dais/api/serving';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { milliseconds, ROLLOUT_STATES, VERDICTS } from './endpoint-words.ts';
import { useRollouts, type EndpointPlace, type EndpointStatus } from './use-endpoint.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

const VERBS = {
  promote: { title: 'Promote', operation: promoteRolloutOperation },
  pause: { title: 'Pause', operation: pauseRolloutOperation },
  resume: { title: 'Resume', operation: resumeRolloutOperation },
  abort: { title: 'Abort', operation: abortRolloutOperation },
  revert: { title: 'Roll back', operation: rollBackOperation },
} as const;
type Verb = keyof typeof VERBS;

export interface RolloutPanelProps {
  readonly place: EndpointPlace;
  readonly status: EndpointStatus;
}

/** How the last version took over, step by step, and what can be done about it. */
export function RolloutPanel({ place, status }: RolloutPanelProps) {
  const { data, error, refetch } = useRollouts(place);
  const [last, ...before] = data ?? [];
  return (
    <>
      <Panel
        title={last === undefined ? 'Rollout' : `Rollout of ${last.to}`}
        actions={<Verbs place={place} last={last} />}
      >
        {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
        {last === undefined ? (
          <p className="dim">Nothing was rolled out yet.</p>
        ) : (
          <>
            <p>
              <StateBadge {...ROLLOUT_STATES[last.state]} /> {status.rollout?.message ?? last.reason}
            </p>
            <Steps rollout={last} />
          </>
        )}
      </Panel>
      {before.length > 0 && (
        <Panel title="Before" flush>
          <PlainTable
            label="Earlier rollouts"
            rows={before}
            keyOf={({ id }) => id}
            columns={[
              { title: 'State', narrow: true, cell: ({ state }) => <StateBadge {...ROLLOUT_STATES[state]} /> },
              { title: 'Model', cell: ({ to }) => <code>{to}</code> },
              { title: 'Reason', cell: ({ reason }) => <span title={reason}>{reason.split('\n', 1)[0]}</span> },
              {
                title: 'Begun',
                cell: ({ startedAt, startedBy }) => (
                  <>
                    <Time at={startedAt} /> by <By who={startedBy} project={place.project} />
                  </>
                ),
              },
            ]}
          />
        </Panel>
      )}
    </>
  );
}

function By({ who, project }: { readonly who: string; readonly project: string }) {
  const [type = '', ...rest] = who.split(':');
  return <ActorName actor={{ type, id: rest.join(':') }} project={project} />;
}

function Steps({ rollout }: { readonly rollout: Rollout }) {
  return (
    <PlainTable
      label="Steps"
      rows={rollout.steps}
      keyOf={({ number }) => String(number)}
      columns={[
        { title: 'Traffic', narrow: true, cell: ({ number, weight }) => (number === 0 ? 'loading' : `${weight} %`) },
        { title: 'Verdict', narrow: true, cell: ({ verdict }) => <StateBadge {...VERDICTS[verdict]} /> },
        {
          title: 'New version',
          cell: ({ canary }) =>
            canary === undefined
              ? ''
              : `${canary.failed} of ${canary.requests} failed, p99 ${milliseconds(canary.p99Ms)}`,
        },
        {
          title: 'Running version',
          cell: ({ stable }) =>
            stable === undefined
              ? ''
              : `${stable.failed} of ${stable.requests} failed, p99 ${milliseconds(stable.p99Ms)}`,
        },
        { title: 'Found', cell: ({ message }) => message },
        { title: 'Begun', narrow: true, cell: ({ startedAt }) => <Time at={startedAt} /> },
      ]}
    />
  );
}

function Verbs({ place, last }: { readonly place: EndpointPlace; readonly last: Rollout | undefined }) {
  const { project, name, key } = place;
  const client = useClient(project);
  const queries = useQueryClient();
  const why = useWhyNotDo(project, 'Endpoint', ['endpoint:deploy'], name)('endpoint:deploy');
  const act = useMutation<Rollout, DaisError, Verb>({
    mutationFn: async (verb) => await client.perform(VERBS[verb].operation, { endpoint: name }),
    onSettled: () => void queries.invalidateQueries({ queryKey: key }),
  });
  const underWay = last !== undefined && (last.state === 'running' || last.state === 'paused');
  const verbs: readonly Verb[] = underWay
    ? [last.state === 'paused' ? 'resume' : 'pause', 'abort', 'promote']
    : last === undefined
      ? []
      : ['revert'];
  return (
    <>
      {act.error !== null && <ErrorNote error={act.error} />}
      {verbs.map((verb) => (
        <GuardedButton
          key={verb}
          size="compact-xs"
          variant={verb === 'promote' ? 'filled' : 'default'}
          why={why}
          loading={act.isPending && act.variables === verb}
          onClick={() => act.mutate(verb)}
        >
          {VERBS[verb].title}
        </GuardedButton>
      ))}
    </>
  );
}
