import type { Rollout } from '@dais/api/serving';
import { Link } from '@tanstack/react-router';
import { milliseconds, ROLLOUT_STATES, STATUSES, weightText } from './endpoint-words.ts';
import { RolloutRamp } from './rollout-ramp.tsx';
import { RolloutVerbs } from './rollout-verbs.tsx';
import { useRollouts, type EndpointScope, type EndpointStatus } from './use-endpoint.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { useAddressQuery } from '#server/address-fields.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface RolloutPanelProps {
  readonly scope: EndpointScope;
  readonly status: EndpointStatus;
}

/** A rollout step by step, with its actions; the latest one unless the URL names another. */
export function RolloutPanel({ scope, status }: RolloutPanelProps) {
  const { data, error, refetch } = useRollouts(scope);
  const { rollout: chosen } = useAddressQuery();
  const [last] = data ?? [];
  const shown = data?.find(({ id }) => id === chosen) ?? last;
  const others = (data ?? []).filter((one) => one !== shown);
  return (
    <>
      <Panel
        title={shown === undefined ? 'Rollout' : `Rollout of ${shown.to}`}
        actions={<RolloutVerbs scope={scope} last={last} />}
      >
        {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
        {shown === undefined ? (
          <p className="dim">No rollouts yet. Deploy a model version to start one.</p>
        ) : (
          <>
            <p>
              <StateBadge {...ROLLOUT_STATES[shown.state]} />{' '}
              {shown === last ? (status.rollout?.message ?? shown.reason) : shown.reason}
            </p>
            <p className="dim">
              {CAUSES[shown.cause]} <By who={shown.startedBy} project={scope.project} /> <Time at={shown.startedAt} />
              {shown.from !== undefined && <>, replacing {shown.from}</>}
              {shown.endedAt !== undefined && shown.endedBy !== undefined && (
                <>
                  ; ended by <By who={shown.endedBy} project={scope.project} /> <Time at={shown.endedAt} />
                </>
              )}
            </p>
            <RolloutRamp rollout={shown} />
            <Steps rollout={shown} />
          </>
        )}
      </Panel>
      {others.length > 0 && (
        <Panel title={shown === last ? 'Earlier rollouts' : 'Other rollouts'} flush>
          <PlainTable
            label="Rollouts"
            rows={others}
            keyOf={({ id }) => id}
            columns={[
              { title: 'State', narrow: true, cell: ({ state }) => <StateBadge {...ROLLOUT_STATES[state]} /> },
              {
                title: 'Model',
                cell: (one) => (
                  <Link to="." search={(now: object) => ({ ...now, rollout: one === last ? undefined : one.id })}>
                    {one.to}
                  </Link>
                ),
              },
              { title: 'Reason', cell: ({ reason }) => <span title={reason}>{reason.split('\n', 1)[0]}</span> },
              {
                title: 'Started',
                cell: ({ startedAt, startedBy }) => (
                  <>
                    <Time at={startedAt} /> by <By who={startedBy} project={scope.project} />
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

const CAUSES: Readonly<Record<Rollout['cause'], string>> = {
  deploy: 'Deployed by',
  alias: 'An alias was moved by',
  rollback: 'Rolled back by',
};

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
        {
          title: 'Traffic',
          narrow: true,
          cell: ({ number, weight }) => (number === 0 ? 'loading' : weightText(weight)),
        },
        { title: 'Result', narrow: true, cell: ({ status }) => <StateBadge {...STATUSES[status]} /> },
        {
          title: 'New version',
          cell: ({ canary }) =>
            canary === undefined
              ? ''
              : `${canary.failed} of ${canary.requests} failed, p99 ${milliseconds(canary.p99Ms)}`,
        },
        {
          title: 'Current version',
          cell: ({ stable }) =>
            stable === undefined
              ? ''
              : `${stable.failed} of ${stable.requests} failed, p99 ${milliseconds(stable.p99Ms)}`,
        },
        { title: 'Message', cell: ({ message }) => message },
        { title: 'Started', narrow: true, cell: ({ startedAt }) => <Time at={startedAt} /> },
      ]}
    />
  );
}
