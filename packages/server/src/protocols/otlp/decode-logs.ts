/**
 * `ExportLogsServiceRequest`, field numbers as in opentelemetry-proto 1.5
 * (https://github.com/open-telemetry/opentelemetry-proto/blob/v1.5.0/opentelemetry/proto/logs/v1/logs.proto).
 */
import { plainAttributes } from '@dais/api/access';
import { ProtobufReader } from '#lib/formats/protobuf-reader.ts';
import { attributesOf, enumOf, idOf, listOf, mapOf, parsedBody, resourceOf, textOf, timeOf } from './decode-json.ts';
import { readAttribute, readResource, readValue } from './decode-protobuf.ts';
import { newRecord, type RecordDraft, type ResourceLogs } from './log-draft.ts';
import { MAX_ITEMS, TooManyItems } from './otlp-http.ts';
import { clean } from './span-draft.ts';

/** @throws JsonError, TooManyItems */
export function decodeLogsJson(bytes: Buffer): ResourceLogs[] {
  let count = 0;
  return listOf(parsedBody(bytes), 'resourceLogs').map((resourceLogs) => {
    const logs: ResourceLogs = { resource: resourceOf(resourceLogs), records: [] };
    for (const scopeLogs of listOf(resourceLogs, 'scopeLogs')) {
      const scope = scopeLogs['scope'];
      const logger = scope === undefined || scope === null ? '' : textOf(mapOf(scope, 'a scope'), 'name');
      for (const record of listOf(scopeLogs, 'logRecords')) {
        if (++count > MAX_ITEMS) throw new TooManyItems();
        const draft = newRecord(logger);
        draft.time = timeOf(record, 'timeUnixNano');
        draft.observed = timeOf(record, 'observedTimeUnixNano');
        draft.severity = enumOf(record['severityNumber'], SEVERITIES);
        draft.severityText = textOf(record, 'severityText');
        draft.body = plainAttributes([{ key: 'body', value: record['body'] }])['body'];
        draft.attributes = attributesOf(record);
        draft.traceId = idOf(record, 'traceId');
        draft.spanId = idOf(record, 'spanId');
        draft.event = textOf(record, 'eventName');
        logs.records.push(draft);
      }
    }
    return logs;
  });
}

/** `SEVERITY_NUMBER_INFO2` is number 10. */
const SEVERITIES: readonly string[] = [
  'SEVERITY_NUMBER_UNSPECIFIED',
  ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((name) =>
    ['', '2', '3', '4'].map((number) => `SEVERITY_NUMBER_${name}${number}`),
  ),
];

/** @throws ProtobufError, TooManyItems */
export function decodeLogsProtobuf(bytes: Buffer): ResourceLogs[] {
  const reader = new ProtobufReader(bytes);
  const all: ResourceLogs[] = [];
  let count = 0;
  while (reader.next()) {
    if (reader.field !== 1) reader.skip();
    else {
      const logs: ResourceLogs = { resource: {}, records: [] };
      all.push(logs);
      reader.message(() => {
        while (reader.next()) {
          if (reader.field === 1) readResource(reader, logs.resource);
          else if (reader.field === 2) {
            for (const record of readScopeLogs(reader, MAX_ITEMS - count)) {
              logs.records.push(record);
              count += 1;
            }
          } else reader.skip();
        }
      });
    }
  }
  return all;
}

function readScopeLogs(reader: ProtobufReader, limit: number): RecordDraft[] {
  const records: RecordDraft[] = [];
  let logger = '';
  reader.message(() => {
    while (reader.next()) {
      if (reader.field === 1) {
        reader.message(() => {
          while (reader.next()) {
            if (reader.field === 1) logger = clean(reader.text());
            else reader.skip();
          }
        });
      } else if (reader.field === 2) {
        if (records.length >= limit) throw new TooManyItems();
        const draft = newRecord('');
        reader.message(() => readRecord(reader, draft));
        records.push(draft);
      } else reader.skip();
    }
  });
  // The scope may follow its records.
  for (const record of records) record.logger = logger;
  return records;
}

function readRecord(reader: ProtobufReader, draft: RecordDraft): void {
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        draft.time = reader.fixed64();
        break;
      case 2:
        draft.severity = reader.int32();
        break;
      case 3:
        draft.severityText = clean(reader.text());
        break;
      case 5:
        draft.body = readValue(reader, 0);
        break;
      case 6:
        readAttribute(reader, draft.attributes, 0);
        break;
      case 9:
        draft.traceId = reader.bytes().toString('hex');
        break;
      case 10:
        draft.spanId = reader.bytes().toString('hex');
        break;
      case 11:
        draft.observed = reader.fixed64();
        break;
      case 12:
        draft.event = clean(reader.text());
        break;
      default:
        reader.skip();
    }
  }
}
