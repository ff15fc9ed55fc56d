/** `ExportTraceServiceRequest` in JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): ids in hex. */
import { plainAttributes } from '@dais/api/access';
import { invalidUtf8At } from '#lib/formats/utf8.ts';
import { clean, newDraft, SpanGatherer, type Attributes, type Decoded, type SpanDraft } from './span-draft.ts';

export class JsonError extends Error {}

type Json = Readonly<Record<string, unknown>>;

/** @throws JsonSyntaxError, TooManySpans */
export function decodeJson(bytes: Buffer): Decoded {
  const invalidAt = invalidUtf8At(bytes);
  if (invalidAt !== undefined) throw new JsonError(`the body is not valid UTF-8 at byte ${invalidAt}`);
  const gathered = new SpanGatherer();
  const request = mapOf(parsed(bytes.toString('utf8')), 'the body');
  for (const resourceSpans of listOf(request, 'resourceSpans')) {
    const one = gathered.resource();
    const { resource } = resourceSpans;
    if (resource !== undefined) one.resource = attributesOf(mapOf(resource, 'a resource'));
    for (const scopeSpans of listOf(resourceSpans, 'scopeSpans')) {
      for (const span of listOf(scopeSpans, 'spans')) gathered.add(one.spans, draftOf(span));
    }
  }
  return gathered.end();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new JsonError('the body is not valid JSON');
  }
}

function mapOf(value: unknown, what: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new JsonError(`${what} is not an object`);
}

/** A field with a list of maps. Names are in camel case; some writers use the names of the .proto files. */
function listOf(map: Json, name: string): Json[] {
  const value = map[name] ?? map[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new JsonError(`${name} is not a list`);
  return value.map((one) => mapOf(one, `an item of ${name}`));
}

function draftOf(span: Json): SpanDraft {
  const draft = newDraft();
  draft.traceId = idOf(span, 'traceId');
  draft.spanId = idOf(span, 'spanId');
  draft.parentId = idOf(span, 'parentSpanId');
  draft.state = textOf(span, 'traceState');
  draft.name = textOf(span, 'name');
  draft.kind = enumOf(span['kind'], KINDS);
  draft.start = timeOf(span, 'startTimeUnixNano');
  draft.end = timeOf(span, 'endTimeUnixNano');
  draft.attributes = attributesOf(span);
  const status = span['status'] === undefined || span['status'] === null ? {} : mapOf(span['status'], 'a status');
  draft.message = textOf(status, 'message');
  draft.code = enumOf(status['code'], CODES);
  draft.events = listOf(span, 'events').map((event) => ({
    name: textOf(event, 'name'),
    ns: timeOf(event, 'timeUnixNano'),
    attributes: attributesOf(event),
  }));
  draft.links = listOf(span, 'links').map((link) => ({
    traceId: idOf(link, 'traceId'),
    spanId: idOf(link, 'spanId'),
    attributes: attributesOf(link),
  }));
  return draft;
}

const KINDS: readonly string[] = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map(
  (name) => `SPAN_KIND_${name}`,
);
const CODES: readonly string[] = ['UNSET', 'OK', 'ERROR'].map((name) => `STATUS_CODE_${name}`);

/** A number, as in the specification; some writers send the name. An unknown value counts as absent. */
function enumOf(value: unknown, names: readonly string[]): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  return typeof value === 'string' ? Math.max(0, names.indexOf(value)) : 0;
}

function textOf(map: Json, name: string): string {
  const value = map[name];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new JsonError(`${name} is not a string`);
  return clean(value.toWellFormed());
}

function idOf(map: Json, name: string): string {
  return textOf(map, name).toLowerCase();
}

function timeOf(map: Json, name: string): bigint {
  const value = map[name];
  if (value === undefined || value === null) return 0n;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return BigInt(value);
  throw new JsonError(`${name} is not a number of nanoseconds`);
}

function attributesOf(map: Json): Attributes {
  return plainAttributes(map['attributes']);
}
