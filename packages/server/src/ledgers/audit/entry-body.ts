/** Converts an event to an entry: canonical JSON in which personal data is sealed. */
import { createHash } from 'node:crypto';
import { eventTypes, type EventType } from '@dais/api';
import type { SequencedEvent } from '#kernel/events.ts';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import { openFor, sealFor, type Person } from './persons.ts';

/** The kind whose resources are people: their names and events are personal. */
const PERSON_KIND = 'User';

const TYPES: ReadonlyMap<string, EventType> = new Map(Object.values(eventTypes).map((type) => [type.type, type]));

export type Outcome = 'succeeded' | 'denied' | 'failed';

/** Version 1 of the entry format. Only optional members may be added. */
export interface EntryBody {
  readonly v: 1;
  readonly seq: number;
  /** Id of the event in the event stream. */
  readonly event: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly type: string;
  readonly typeVersion: number;
  readonly outcome: Outcome;
  /** Absent for the organization. */
  readonly project?: { readonly id: string; readonly name?: string | undefined };
  readonly actor: { readonly type: string } & ({ readonly id: string } | SealedPart);
  /** Authentication of the actor; address and user agent of people are sealed with the actor. */
  readonly via?: {
    readonly method: string;
    readonly mfa: boolean;
    readonly credential?: string | undefined;
    readonly address?: string | undefined;
    readonly userAgent?: string | undefined;
  };
  readonly decision?: { readonly policies: readonly string[]; readonly set: string };
  readonly requestId?: string;
  readonly subject?: { readonly kind: string; readonly uid?: string } & ({ readonly name: string } | SealedPart);
  /** Absent if sealed with the subject. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Personal data: AES-256-GCM under the key of the person. */
export interface SealedPart {
  readonly person: string;
  readonly sealed: string;
}

/** Returns the login names of people that an event refers to. They need keys before the entry is created. */
export function personsOf(event: SequencedEvent): readonly string[] {
  return [actorName(event), subjectName(event)].filter((name) => name !== undefined);
}

function actorName({ actor }: SequencedEvent): string | undefined {
  return actor.type === 'user' ? actor.id : undefined;
}

/** Personal events that are not about a user contain their subject in `data.user` or `data.email`, if it is another person. */
function subjectName(event: SequencedEvent): string | undefined {
  if (event.subject?.kind === PERSON_KIND) return event.subject.name;
  if (TYPES.get(event.type)?.personal !== true) return undefined;
  const { user, email } = event.data;
  const named = user ?? email;
  return typeof named === 'string' && named !== '' ? named : actorName(event);
}

export interface Entry {
  readonly body: string;
  readonly outcome: Outcome;
  /** As in the column: the id of a person, `service:NAME`, `system:NAME`. */
  readonly actor: string;
  readonly subjectKind: string | undefined;
  readonly subject: string | undefined;
}

export function makeEntry(
  seq: number,
  event: SequencedEvent,
  project: EntryBody['project'],
  persons: ReadonlyMap<string, Person>,
): Entry {
  const { via, decision, requestId, subject } = event;
  const actor = personOf(actorName(event), persons);
  const about = personOf(subjectName(event), persons);
  const { address, userAgent, ...method } = via ?? {};
  const data = keptData(event);
  const outcome = TYPES.get(event.type)?.outcome ?? 'succeeded';
  const body: EntryBody = {
    v: 1,
    seq,
    event: String(event.id),
    at: event.at.toISOString(),
    type: event.type,
    typeVersion: event.v,
    outcome,
    ...(project !== undefined && { project }),
    actor: {
      type: event.actor.type,
      ...(actor === undefined
        ? { id: event.actor.id }
        : { person: actor.id, sealed: sealFor(actor, canonicalJson({ id: event.actor.id, address, userAgent })) }),
    },
    ...(via !== undefined && {
      via: { ...(method as NonNullable<EntryBody['via']>), ...(actor === undefined && { address, userAgent }) },
    }),
    ...(decision !== undefined && { decision }),
    ...(requestId !== undefined && { requestId }),
    ...(about === undefined
      ? { ...(subject !== undefined && { subject }), data }
      : {
          subject: {
            kind: PERSON_KIND,
            ...(subject !== undefined && { uid: subject.uid }),
            person: about.id,
            sealed: sealFor(about, canonicalJson({ name: subjectName(event), data })),
          },
        }),
  };
  const { actor: by, subjectKind, subject: of } = columnsOf(body);
  return { body: canonicalJson(body), outcome, actor: by, subjectKind, subject: of };
}

/** Returns the searchable columns of an entry; the same for new and stored entries. */
export function columnsOf({ actor, subject, ...body }: EntryBody): Pick<Entry, 'actor' | 'subjectKind' | 'subject'> & {
  readonly project: string | undefined;
} {
  return {
    project: body.project?.id,
    actor: 'person' in actor ? actor.person : `${actor.type}:${actor.id}`,
    subjectKind: subject?.kind,
    subject: subject === undefined ? undefined : 'person' in subject ? subject.person : subject.name,
  };
}

function personOf(name: string | undefined, persons: ReadonlyMap<string, Person>): Person | undefined {
  if (name === undefined) return undefined;
  const person = persons.get(name);
  if (person === undefined) throw new Error('an entry refers to a person without a key');
  return person;
}

/** Replaces a resource by its digest: it can contain any name, and its history stores it. */
function keptData({ data }: SequencedEvent): Readonly<Record<string, unknown>> {
  const { object, ...rest } = data;
  if (object === undefined) return data;
  return { ...rest, objectSha256: createHash('sha256').update(canonicalJson(object)).digest('hex') };
}

/** The placeholder of data that can no longer be opened. */
const FORGOTTEN = '(forgotten)';

export interface OpenedBody extends Omit<EntryBody, 'actor' | 'subject'> {
  readonly actor: { readonly type: string; readonly id: string };
  readonly subject?: { readonly kind: string; readonly uid?: string; readonly name: string };
}

/** Returns the people that an entry refers to. */
export function sealedPersons({ actor, subject }: EntryBody): readonly string[] {
  return [actor, subject].flatMap((part) => (part !== undefined && 'person' in part ? [part.person] : []));
}

/** Returns the entry with its sealed data opened. */
export function openBody(body: EntryBody, keys: ReadonlyMap<string, Buffer>): OpenedBody {
  const { actor, subject, via, data, ...rest } = body;
  const who =
    'id' in actor
      ? { id: actor.id }
      : (opened(actor, keys) as { id: string; address?: string; userAgent?: string } | undefined);
  const what =
    subject === undefined || 'name' in subject
      ? { name: subject?.name, data }
      : ((opened(subject, keys) as { name: string; data: EntryBody['data'] } | undefined) ?? {
          name: FORGOTTEN,
          data: undefined,
        });
  const { id = FORGOTTEN, ...client } = who ?? {};
  return {
    ...rest,
    actor: { type: actor.type, id },
    ...(via !== undefined && { via: { ...via, ...client } }),
    ...(subject !== undefined && {
      subject: { kind: subject.kind, name: what.name ?? '', ...(subject.uid !== undefined && { uid: subject.uid }) },
    }),
    ...(what.data !== undefined && { data: what.data }),
  };
}

function opened({ person, sealed }: SealedPart, keys: ReadonlyMap<string, Buffer>): unknown {
  const key = keys.get(person);
  const text = key === undefined ? undefined : openFor({ id: person, key }, sealed);
  return text === undefined ? undefined : JSON.parse(text);
}
