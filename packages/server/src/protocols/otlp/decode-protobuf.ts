/**
 * `ExportTraceServiceRequest` in protocol buffers, field numbers as in opentelemetry-proto 1.5
 * (https://github.com/open-telemetry/opentelemetry-proto/blob/v1.5.0/opentelemetry/proto/trace/v1/trace.proto).
 */
import { plainDouble, plainInt, plainMap } from '@dais/api/access';
import { ProtobufReader } from '#lib/formats/protobuf-reader.ts';
import { clean, newDraft, SpanGatherer, type Attributes, type Decoded, type SpanDraft } from './span-draft.ts';

/** Nested lists and maps; deeper values are omitted. */
const MAX_DEPTH = 16;

/** @throws ProtobufError, TooManyItems */
export function decodeProtobuf(bytes: Buffer): Decoded {
  const reader = new ProtobufReader(bytes);
  const gathered = new SpanGatherer();
  while (reader.next()) {
    if (reader.field !== 1) reader.skip();
    else reader.message(() => readResourceSpans(reader, gathered));
  }
  return gathered.end();
}

function readResourceSpans(reader: ProtobufReader, gathered: SpanGatherer): void {
  const one = gathered.resource();
  while (reader.next()) {
    if (reader.field === 1) readResource(reader, one.resource);
    else if (reader.field === 2) {
      reader.message(() => {
        while (reader.next()) {
          if (reader.field !== 2) reader.skip();
          else {
            const draft = newDraft();
            reader.message(() => readSpan(reader, draft));
            gathered.add(one.spans, draft);
          }
        }
      });
    } else reader.skip();
  }
}

/** Reads the attributes of the program. */
export function readResource(reader: ProtobufReader, into: Attributes): void {
  reader.message(() => {
    while (reader.next()) {
      if (reader.field === 1) readAttribute(reader, into, 0);
      else reader.skip();
    }
  });
}

function readSpan(reader: ProtobufReader, draft: SpanDraft): void {
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        draft.traceId = reader.bytes().toString('hex');
        break;
      case 2:
        draft.spanId = reader.bytes().toString('hex');
        break;
      case 3:
        draft.state = clean(reader.text());
        break;
      case 4:
        draft.parentId = reader.bytes().toString('hex');
        break;
      case 5:
        draft.name = clean(reader.text());
        break;
      case 6:
        draft.kind = reader.int32();
        break;
      case 7:
        draft.start = reader.fixed64();
        break;
      case 8:
        draft.end = reader.fixed64();
        break;
      case 9:
        readAttribute(reader, draft.attributes, 0);
        break;
      case 11:
        reader.message(() => draft.events.push(readEvent(reader)));
        break;
      case 13:
        reader.message(() => draft.links.push(readLink(reader)));
        break;
      case 15:
        reader.message(() => {
          while (reader.next()) {
            if (reader.field === 2) draft.message = clean(reader.text());
            else if (reader.field === 3) draft.code = reader.int32();
            else reader.skip();
          }
        });
        break;
      default:
        reader.skip();
    }
  }
}

function readEvent(reader: ProtobufReader): SpanDraft['events'][number] {
  const event = { name: '', ns: 0n, attributes: {} };
  while (reader.next()) {
    if (reader.field === 1) event.ns = reader.fixed64();
    else if (reader.field === 2) event.name = clean(reader.text());
    else if (reader.field === 3) readAttribute(reader, event.attributes, 0);
    else reader.skip();
  }
  return event;
}

function readLink(reader: ProtobufReader): SpanDraft['links'][number] {
  const link = { traceId: '', spanId: '', attributes: {} };
  while (reader.next()) {
    if (reader.field === 1) link.traceId = reader.bytes().toString('hex');
    else if (reader.field === 2) link.spanId = reader.bytes().toString('hex');
    else if (reader.field === 4) readAttribute(reader, link.attributes, 0);
    else reader.skip();
  }
  return link;
}

export function readAttribute(reader: ProtobufReader, into: Attributes, depth: number): void {
  let key = '';
  let value: unknown = null;
  reader.message(() => {
    while (reader.next()) {
      if (reader.field === 1) key = clean(reader.text());
      else if (reader.field === 2) value = readValue(reader, depth);
      else reader.skip();
    }
  });
  // A key that programs cannot keep in a map.
  if (key !== '__proto__') into[key] = value;
}

export function readValue(reader: ProtobufReader, depth: number): unknown {
  let value: unknown = null;
  reader.message(() => {
    while (reader.next()) {
      switch (reader.field) {
        case 1:
          value = clean(reader.text());
          break;
        case 2:
          value = reader.int32() !== 0;
          break;
        case 3: {
          const number = reader.int64();
          value = typeof number === 'number' ? number : plainInt(number);
          break;
        }
        case 4:
          value = plainDouble(reader.double());
          break;
        case 5:
          value = depth < MAX_DEPTH ? readList(reader, depth + 1) : leftOut(reader);
          break;
        case 6:
          value = depth < MAX_DEPTH ? readMap(reader, depth + 1) : leftOut(reader);
          break;
        case 7:
          value = { '@': ['bytes', reader.bytes().toString('base64')] };
          break;
        default:
          reader.skip();
      }
    }
  });
  return value;
}

function leftOut(reader: ProtobufReader): string {
  reader.skip();
  return '…';
}

function readList(reader: ProtobufReader, depth: number): unknown[] {
  const list: unknown[] = [];
  reader.message(() => {
    while (reader.next()) {
      if (reader.field === 1) list.push(readValue(reader, depth));
      else reader.skip();
    }
  });
  return list;
}

function readMap(reader: ProtobufReader, depth: number): unknown {
  const map: Attributes = {};
  reader.message(() => {
    while (reader.next()) {
      if (reader.field === 1) readAttribute(reader, map, depth);
      else reader.skip();
    }
  });
  return plainMap(map);
}
