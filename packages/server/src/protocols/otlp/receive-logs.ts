/** Log records of a run become its log messages; records without a run are rejected. */
import { addRunMessagesOperation, type LogMessage } from '@dais/api/tracking';
import { systemClock } from '#lib/clock.ts';
import { decodeLogsJson, decodeLogsProtobuf } from './decode-logs.ts';
import type { Rejections } from './encode.ts';
import { problemOfRecord, logMessage } from './log-draft.ts';
import { decodedBody, type ReceivedRequest } from './received-request.ts';
import { ItemsByRun } from './run-of-telemetry.ts';

const decode = { json: decodeLogsJson, protobuf: decodeLogsProtobuf };
const names = { message: 'ExportLogsServiceRequest', items: 'log records' };

export async function receiveLogs(request: ReceivedRequest): Promise<Rejections> {
  const resources = decodedBody(request, decode, names);
  const items = new ItemsByRun<LogMessage>('log records', request.headers);
  const now = BigInt(systemClock.now()) * 1_000_000n;
  for (const { resource, records } of resources) {
    for (const record of records) {
      const problem = problemOfRecord(record);
      if (problem === undefined) items.add(logMessage(record, now), record.attributes, resource);
      else items.reject(problem);
    }
  }
  return await items.store(
    () => 1,
    async (id, messages) => await request.call(addRunMessagesOperation, { id, messages }),
  );
}
