/** A log record of the wire format, and the message of a run that it becomes. */
import { simpleValue } from '@dais/api/access';
import type { LogMessage } from '@dais/api/tracking';
import { RUN_ATTRIBUTES } from './run-of-telemetry.ts';
import type { Attributes } from './span-draft.ts';

export interface RecordDraft {
  /** Nanoseconds; 0: unknown. */
  time: bigint;
  observed: bigint;
  severity: number;
  severityText: string;
  /** A value of an attribute: usually a string. */
  body: unknown;
  attributes: Attributes;
  traceId: string;
  spanId: string;
  event: string;
  logger: string;
}

/** Log records of one program. */
export interface ResourceLogs {
  resource: Attributes;
  records: RecordDraft[];
}

const TRACE = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN = /^(?!0{16})[0-9a-f]{16}$/;
const LATEST = 2n ** 63n - 1n;
/** Characters of the attributes as JSON, with the name of the event. */
const LONGEST_ATTRIBUTES = 65_536;
const FATAL4 = 24;

export function newRecord(logger: string): RecordDraft {
  const base = { severity: 0, severityText: '', body: null, attributes: {}, traceId: '', spanId: '', event: '' };
  return { time: 0n, observed: 0n, ...base, logger };
}

export function problemOfRecord({ time, observed, attributes }: RecordDraft): string | undefined {
  if ((time === 0n ? observed : time) > LATEST) return 'a log record has a time after the year 2262';
  if (JSON.stringify(attributes).length > LONGEST_ATTRIBUTES - 1000) {
    return `the attributes of a log record have more than ${LONGEST_ATTRIBUTES - 1000} characters as JSON`;
  }
  return undefined;
}

/** `now`: time of a record without one, in nanoseconds. */
export function logMessage(record: RecordDraft, now: bigint): LogMessage {
  const { time, observed, severity, severityText, body, traceId, spanId, event, logger } = record;
  const attributes = Object.fromEntries(
    Object.entries(record.attributes).flatMap(([key, value]) =>
      RUN_ATTRIBUTES.includes(key) ? [] : [[key, simpleValue(value)]],
    ),
  );
  if (event !== '') attributes['event.name'] = event.slice(0, 900).toWellFormed();
  return {
    time: String(time === 0n ? (observed === 0n ? now : observed) : time),
    severity: severity >= 1 && severity <= FATAL4 ? severity : 0,
    ...(severityText !== '' && { severityText: severityText.slice(0, 100).toWellFormed() }),
    body: bodyText(body),
    ...(Object.keys(attributes).length > 0 && { attributes }),
    ...(logger !== '' && { logger: logger.slice(0, 1024).toWellFormed() }),
    // The specification requires invalid ids to be ignored.
    ...(TRACE.test(traceId) && { traceId }),
    ...(SPAN.test(spanId) && { spanId }),
  };
}

function bodyText(body: unknown): string {
  const simple = simpleValue(body);
  if (simple === null || simple === undefined) return '';
  return typeof simple === 'string' ? simple : JSON.stringify(simple);
}
