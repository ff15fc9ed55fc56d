import type { AuditEntry } from '@dais/api/audit';
import { Link } from '@tanstack/react-router';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { eventWords, ownWords } from '#pages/events/event-words.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './audit.css';

export interface AuditTableProps {
  readonly entries: readonly AuditEntry[];
  readonly project: string;
  /** Entries of several projects: each names its project. */
  readonly organization: boolean;
  /** The open entry. */
  readonly open: number | undefined;
}

export const OUTCOMES = {
  succeeded: { state: 'ok', word: 'succeeded' },
  denied: { state: 'failed', word: 'denied' },
  failed: { state: 'warning', word: 'failed' },
} as const;

export function AuditTable({ entries, project, organization, open }: AuditTableProps) {
  return (
    <PlainTable
      label="Entries"
      rows={entries}
      keyOf={({ seq }) => seq}
      selected={open}
      columns={[
        {
          title: 'Entry',
          narrow: true,
          cell: ({ seq }) => (
            <Link
              to="."
              search={(before: object) => ({ ...before, entry: String(seq) })}
              replace
              aria-label={`Open entry ${seq}`}
              aria-current={seq === open ? 'true' : undefined}
            >
              {seq.toLocaleString('en')}
            </Link>
          ),
        },
        { title: 'Time', narrow: true, cell: ({ at }) => <Time at={at} /> },
        { title: 'Outcome', narrow: true, cell: ({ outcome }) => <StateBadge {...OUTCOMES[outcome]} /> },
        {
          title: 'Action',
          cell: (entry) => (
            <>
              <ActorName actor={entry.actor} project={project} /> {ownWords(entry) ?? eventWords(entry)}{' '}
              {ownWords(entry) === undefined && <EntrySubject entry={entry} project={project} />}
              {organization && entry.project?.name !== undefined && (
                <span className="dim">
                  {' '}
                  in <ReferenceLink kind="Project" name={entry.project.name} project={entry.project.name} />
                </span>
              )}
            </>
          ),
        },
        {
          title: 'Client',
          narrow: true,
          cell: ({ via }) => <span className="dim">{via === undefined ? 'the platform' : via.method}</span>,
        },
      ]}
    />
  );
}

/** The subject of the entry; of a denial, the requested subject. */
export function EntrySubject({ entry, project }: { readonly entry: AuditEntry; readonly project: string }) {
  const { subject, data, type } = entry;
  if (subject !== undefined) {
    return (
      <>
        {subject.kind}{' '}
        <ReferenceLink kind={subject.kind} name={subject.name} project={entry.project?.name ?? project} />
      </>
    );
  }
  if (type !== 'access.denied') return null;
  const { kind, name, project: scope } = data as { kind?: string; name?: string; project?: string };
  return (
    <>
      {kind}{' '}
      {name !== undefined && kind !== undefined && <ReferenceLink kind={kind} name={name} project={scope ?? project} />}
      {scope !== undefined && <span className="dim"> in {scope}</span>}
    </>
  );
}
