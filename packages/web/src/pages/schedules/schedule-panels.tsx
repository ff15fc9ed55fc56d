import type { Resource } from '@dais/api';
import type { Fire } from '@dais/api/executions';
import { Link } from '@tanstack/react-router';
import { useFires, useNextTimes, type ScheduleScope } from './use-schedule.ts';
import { executionAddress } from '#addresses.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge, type State } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface SchedulePanelsProps {
  readonly resource: Resource;
  readonly project: string;
}

/** When a schedule starts runs, and the result of each start. */
export function SchedulePanels({ resource, project }: SchedulePanelsProps) {
  const { uid, resourceVersion } = resource.metadata;
  const location = { project, id: uid, seen: resourceVersion };
  return (
    <>
      <NextTimes scope={location} suspended={resource.spec['suspended'] === true} />
      <Fires scope={location} />
    </>
  );
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

function NextTimes({ scope, suspended }: { readonly scope: ScheduleScope; readonly suspended: boolean }) {
  const { data: times, error } = useNextTimes(scope);
  if (error !== null) return <ErrorNote error={error} />;
  if (times === undefined) return <Skeleton rows={3} />;
  return (
    <Panel title="Next start times">
      {suspended && <p>The schedule is suspended. Nothing starts at these times.</p>}
      {times.length === 0 ? (
        <p className="dim">No further start times: the schedule waits for an event, or it has ended.</p>
      ) : (
        <ul aria-label="Next start times">
          {times.map((time) => (
            <li key={time}>
              {exact.format(time)}{' '}
              <span className="dim">
                <Time at={new Date(time).toISOString()} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

const STATES: Readonly<Record<Fire['state'], { readonly state: State; readonly word: string }>> = {
  pending: { state: 'waiting', word: 'Pending' },
  started: { state: 'ok', word: 'Started' },
  skipped: { state: 'off', word: 'Skipped' },
  failed: { state: 'failed', word: 'Failed' },
};

function Fires({ scope }: { readonly scope: ScheduleScope }) {
  const { data, error } = useFires(scope);
  if (error !== null) return <ErrorNote error={error} />;
  if (data === undefined) return <Skeleton rows={4} />;
  const { fires, more } = data;
  return (
    <Panel title="Recent starts" flush={fires.length > 0}>
      {fires.length === 0 ? (
        <p className="dim">No starts yet.</p>
      ) : (
        <PlainTable
          label="Starts"
          rows={fires}
          keyOf={({ cause }) => cause}
          columns={[
            { title: 'Scheduled for', narrow: true, cell: ({ at }) => <Time at={new Date(at).toISOString()} /> },
            { title: 'State', narrow: true, cell: ({ state }) => <StateBadge {...STATES[state]} /> },
            { title: 'Job', cell: (fire) => <RunOf project={scope.project} fire={fire} /> },
            { title: 'Message', cell: ({ error: why }) => why ?? '' },
          ]}
        />
      )}
      {more && <p className="artifact-note dim">Older starts are not listed.</p>}
    </Panel>
  );
}

function RunOf({ project, fire: { run, at } }: { readonly project: string; readonly fire: Fire }) {
  if (run === undefined) return null;
  return <Link {...executionAddress(project, run)}>Job of {exact.format(at)}</Link>;
}
