/** Spans in the formats of tracking servers: OpenTelemetry's JSON, and the formats of their files and tables. */
import { plainAttributes } from '@dais/api/access';
import type { Span } from '@dais/api/tracking';
import { exactJson, storable } from './exact-json.ts';

type Map = Readonly<Record<string, unknown>>;

const LONGEST_NAME = 1024;
const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const STATUSES = ['UNSET', 'OK', 'ERROR'] as const;

const object = (value: unknown): Map => (typeof value === 'object' && value !== null ? (value as Map) : {});
const list = (value: unknown): readonly Map[] => (Array.isArray(value) ? (value as Map[]) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A span of `traces/get`, parsed with `exactJson`. */
export function spanOfWire(json: Map): Span {
  const at = (snake: string) => json[snake] ?? json[camel(snake)];
  return spanOf({
    ...ids(at('trace_id'), at('span_id'), at('parent_span_id')),
    name: json['name'],
    kind: json['kind'],
    start: at('start_time_unix_nano'),
    end: at('end_time_unix_nano'),
    status: object(json['status'])['code'],
    message: object(json['status'])['message'],
    attributes: wireAttributes(json['attributes']),
    events: list(json['events']).map((event) => ({
      name: event['name'],
      ns: event['time_unix_nano'] ?? event['timeUnixNano'],
      attributes: wireAttributes(event['attributes']),
    })),
    links: list(json['links']).map((link) => ({
      traceId: hexOf(link['trace_id'] ?? link['traceId'], 16),
      spanId: hexOf(link['span_id'] ?? link['spanId'], 8),
      attributes: wireAttributes(link['attributes']),
    })),
    state: at('trace_state'),
  });
}

/** A span of the file `traces.json` or of the table `spans`, of any version, parsed with `exactJson`. */
export function spanOfStored(json: Map): Span {
  const context = object(json['context']);
  const older = json['context'] !== undefined;
  const status = object(json['status']);
  return spanOf({
    ...(older
      ? ids(context['trace_id'], context['span_id'], json['parent_id'])
      : ids(json['trace_id'], json['span_id'], json['parent_span_id'])),
    name: json['name'],
    kind: json['kind'],
    start: json['start_time_unix_nano'] ?? json['start_time'],
    end: json['end_time_unix_nano'] ?? json['end_time'],
    status: older ? json['status_code'] : status['code'],
    message: older ? json['status_message'] : status['message'],
    attributes: storedAttributes(json['attributes']),
    events: list(json['events']).map((event) => ({
      name: event['name'],
      ns: event['time_unix_nano'] ?? event['timestamp'],
      attributes: object(event['attributes']),
    })),
    links: list(json['links']).map((link) => ({
      traceId: hexOf(link['trace_id'], 16),
      spanId: hexOf(link['span_id'], 8),
      attributes: object(link['attributes']),
    })),
    state: '',
  });
}

interface Draft {
  readonly traceId: string;
  readonly id: string;
  readonly parentId: string;
  readonly name: unknown;
  readonly kind: unknown;
  readonly start: unknown;
  readonly end: unknown;
  readonly status: unknown;
  readonly message: unknown;
  readonly attributes: Map;
  readonly events: readonly { readonly name: unknown; readonly ns: unknown; readonly attributes: Map }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: Map }[];
  readonly state: unknown;
}

function spanOf(draft: Draft): Span {
  const kind = typeof draft.kind === 'number' ? draft.kind : KINDS.indexOf(text(draft.kind).replace('SPAN_KIND_', ''));
  const end = nanoseconds(draft.end);
  const message = text(draft.message);
  const links = draft.links.filter(({ traceId, spanId }) => traceId !== '' && spanId !== '');
  return {
    traceId: draft.traceId,
    id: draft.id,
    ...(draft.parentId !== '' && { parentId: draft.parentId }),
    name: short(draft.name),
    ...(kind >= 1 && kind <= 5 && { kind }),
    startNs: nanoseconds(draft.start),
    ...(end !== '0' && { endNs: end }),
    status: statusOf(draft.status),
    ...(message !== '' && { message: storable(message) }),
    attributes: { ...draft.attributes },
    ...(draft.events.length > 0 && {
      events: draft.events.map(({ name, ns, attributes }) => ({
        name: short(name),
        ...(nanoseconds(ns) !== '0' && { ns: nanoseconds(ns) }),
        attributes: { ...attributes },
      })),
    }),
    ...(links.length > 0 && { links: links.map((link) => ({ ...link, attributes: { ...link.attributes } })) }),
    ...(text(draft.state) !== '' && { state: short(draft.state) }),
  };
}

const short = (name: unknown): string => storable(text(name).slice(0, LONGEST_NAME));

function ids(traceId: unknown, id: unknown, parentId: unknown) {
  return { traceId: hexOf(traceId, 16), id: hexOf(id, 8), parentId: hexOf(parentId, 8) };
}

/** In base64, as hexadecimal digits, or as `0x…`: each version has another format. Empty for none. */
function hexOf(value: unknown, bytes: number): string {
  const given = text(value).replace(/^trace:\/.*\//, '');
  const digits = given.replace(/^(tr-|0x)/, '');
  const hex = /^[0-9a-f]+$/i.test(digits) && (given !== digits || digits.length === bytes * 2);
  const found = hex ? digits.toLowerCase().padStart(bytes * 2, '0') : Buffer.from(given, 'base64').toString('hex');
  return found.length === bytes * 2 && !/^0*$/.test(found) ? found : '';
}

/** Beyond the exact integers of JavaScript. */
function nanoseconds(value: unknown): string {
  if (typeof value === 'number') return String(Math.max(0, Math.trunc(value)));
  if (typeof value === 'string') return /^\d{1,19}$/.test(value) ? value : '0';
  const [, exact] = (object(value)['@'] ?? []) as readonly unknown[];
  return exact === undefined ? '0' : nanoseconds(exact);
}

function statusOf(code: unknown): (typeof STATUSES)[number] {
  if (typeof code === 'number') return STATUSES[code] ?? 'UNSET';
  const name = text(code).replace('STATUS_CODE_', '');
  return STATUSES.find((one) => one === name) ?? 'UNSET';
}

const camel = (snake: string): string => snake.replaceAll(/_(\w)/g, (_all, letter: string) => letter.toUpperCase());

function wireAttributes(pairs: unknown): Map {
  return plainAttributes(list(pairs).map(({ key, value }) => ({ key, value: wireValue(value) })));
}

/** Names with underscores, and numbers as numbers, in the format of OpenTelemetry. */
function wireValue(value: unknown): unknown {
  const [name, content] = Object.entries(object(value))[0] ?? [];
  if (name === undefined) return {};
  const inner = list(object(content)['values']);
  switch (camel(name)) {
    case 'intValue':
      return { intValue: typeof content === 'object' ? exactOf(content) : content };
    case 'doubleValue':
      return { doubleValue: typeof content === 'object' ? exactOf(content) : content };
    case 'arrayValue':
      return { arrayValue: { values: inner.map(wireValue) } };
    case 'kvlistValue':
      return { kvlistValue: { values: inner.map(({ key, value: one }) => ({ key, value: wireValue(one) })) } };
    default:
      return { [camel(name)]: content };
  }
}

const exactOf = (value: unknown): unknown => ((object(value)['@'] ?? []) as unknown[])[1];

/** Each value is a JSON text there. */
function storedAttributes(value: unknown): Map {
  return Object.fromEntries(
    Object.entries(object(value)).map(([key, one]) => {
      if (typeof one !== 'string') return [key, one];
      try {
        return [key, exactJson(one)];
      } catch {
        return [key, one];
      }
    }),
  );
}
