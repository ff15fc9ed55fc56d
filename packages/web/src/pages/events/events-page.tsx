import { kinds } from '@dais/api';
import { Link, useNavigate } from '@tanstack/react-router';
import { EventList } from './event-list.tsx';
import { eventsAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useLiveEvents } from '#server/use-live-events.ts';
import { Select } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

/** Events of a project, or of the organization. */
export function EventsPage() {
  const { project } = useAddressFields();
  const current = useCurrentProject();
  const navigate = useNavigate();
  const { kind, name } = useAddressQuery();
  const { events, more, error, retry } = useLiveEvents(project, { kind, name });
  const scope = project === undefined ? 'org' : 'project';
  const choices = kinds.filter((one) => one.scope === scope).map((one) => one.kind);
  const forms = useCopyForms({
    command: daisCommand(
      [
        'events',
        ...(kind === undefined ? [] : [kind, ...(name === undefined ? [] : [name])]),
        ...(project === undefined ? ['--organization'] : []),
      ],
      project,
    ),
    call: {
      project,
      path: project === undefined ? '/api/v1/organization/events' : '/api/v1/events',
      query: { kind, name },
    },
  });
  return (
    <div className="page">
      <PageHead
        title={project === undefined ? 'Events of the organization' : 'Events'}
        under={
          project === undefined ? (
            <Link {...eventsAddress(current)}>Show events of project {current}</Link>
          ) : (
            <Link {...eventsAddress(undefined)}>Show events of the organization</Link>
          )
        }
        actions={
          <>
            <CopyAs forms={forms} />
            <Select
              aria-label="Kind"
              placeholder="All kinds"
              clearable
              clearButtonProps={{ 'aria-label': 'All kinds' }}
              data={choices}
              value={kind ?? null}
              onChange={(value) =>
                void navigate({ to: '.', search: { kind: value ?? undefined, name }, replace: true })
              }
            />
          </>
        }
      />
      {error !== undefined && <ErrorNote error={error} retry={retry} />}
      {events === undefined && error === undefined && <Skeleton rows={12} />}
      {events?.length === 0 && <EmptyState sentence="No events yet." />}
      {events !== undefined && events.length > 0 && (
        <Panel title="Newest first" flush>
          <EventList events={events} project={current} />
        </Panel>
      )}
      {more && <p className="dim">Older events: dais events</p>}
    </div>
  );
}
