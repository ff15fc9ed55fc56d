import type { Event } from '@dais/api';
import { eventWords, ownWords } from './event-words.ts';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { Time } from '#ui/time.tsx';
import './event-list.css';

export interface EventListProps {
  readonly events: readonly Event[];
  /** Project of the links; events of the organization have none. */
  readonly project: string;
  /** The page is about one resource, which the rows need not name. */
  readonly ofOne?: boolean;
}

export function EventList({ events, project, ofOne = false }: EventListProps) {
  return (
    <ol className="events">
      {events.map((event) => (
        <li key={event.id}>
          <span className="events-at dim">
            <Time at={event.at} />
          </span>
          <span>
            <span className="events-actor">{event.actor.id}</span> {ownWords(event) ?? eventWords(event)}
            {event.subject !== undefined && !ofOne && ownWords(event) === undefined && (
              <>
                {' '}
                {event.subject.kind}{' '}
                <ReferenceLink kind={event.subject.kind} name={event.subject.name} project={event.project ?? project} />
              </>
            )}
            <EventDetail event={event} />
          </span>
          <code className="events-type dim">{event.type}</code>
        </li>
      ))}
    </ol>
  );
}

function EventDetail({ event }: { readonly event: Event }) {
  const { fields, conditions, reason } = event.data;
  const detail = Array.isArray(fields)
    ? fields.join(', ')
    : typeof reason === 'string'
      ? reason
      : typeof conditions === 'object' && conditions !== null
        ? Object.entries(conditions)
            .map(([type, status]) => `${type} ${String(status)}`)
            .join(', ')
        : '';
  return detail === '' ? null : <span className="dim">: {detail}</span>;
}
