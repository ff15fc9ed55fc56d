import type { KindSpec } from '@dais/api';
import { EventList } from '#pages/events/event-list.tsx';
import { useLiveEvents } from '#server/use-live-events.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

export interface ResourceEventsProps {
  readonly kind: KindSpec;
  readonly project: string;
  readonly name: string;
}

/** The events of one resource, live. */
export function ResourceEvents({ kind, name, project }: ResourceEventsProps) {
  const scope = kind.scope === 'org' ? undefined : project;
  const { events, error, retry } = useLiveEvents(scope, { kind: kind.kind, name });
  if (error !== undefined) return <ErrorNote error={error} retry={retry} />;
  if (events === undefined) return <Skeleton rows={6} />;
  if (events.length === 0) return <EmptyState sentence="No events yet. Changes of this resource are listed here." />;
  return (
    <Panel title="Newest first" flush>
      <EventList events={events} project={project} ofOne />
    </Panel>
  );
}
