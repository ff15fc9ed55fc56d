/** Reads the events of a watch from its response. */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '#lib/clock.ts';
import { statusError, type FailedRequest } from './api-error.ts';
import { ConnectionError } from './connection-error.ts';
import { isRecord, type KubernetesObject } from './kubernetes-object.ts';
import { LineSplitter, LineTooLong } from './line-splitter.ts';

export interface WatchEvent {
  /** A bookmark has a resourceVersion and no object. */
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: KubernetesObject;
}

export interface WatchReading {
  /** A connection that delivers nothing for this long is dead: bookmarks arrive about once per minute. */
  readonly idleMs: number;
  readonly clock: Clock;
  readonly request: FailedRequest;
}

/** etcd accepts 1.5 MiB an object, and JSON escapes lengthen it. */
const MAX_LINE_BYTES = 16 << 20;
const TYPES: ReadonlySet<unknown> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']);

/**
 * Ends when the server ends the watch. @throws ApiError for an ERROR event; ConnectionError for a silent connection and for
 * a line that is no event; otherwise the error of the stream.
 */
export async function* readWatchEvents(
  response: IncomingMessage,
  { idleMs, clock, request }: WatchReading,
): AsyncGenerator<WatchEvent, void, undefined> {
  const splitter = new LineSplitter(MAX_LINE_BYTES);
  let cancel = () => {};
  const restart = () => {
    cancel();
    cancel = clock.after(idleMs, () => {
      const remedy = 'Check firewalls and load balancers in between.';
      const what = `The watch of ${request.path} received nothing for ${idleMs / 1000} s.`;
      response.destroy(new ConnectionError('timeout', `${what} ${remedy}`));
    });
  };
  restart();
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      restart();
      for (const line of splitter.add(chunk)) yield readEvent(line, request);
    }
  } catch (error) {
    if (error instanceof LineTooLong) throw unreadable(request, error);
    throw error;
  } finally {
    cancel();
    response.destroy();
  }
}

function readEvent(line: string, request: FailedRequest): WatchEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw unreadable(request, cause);
  }
  if (!isRecord(event) || !isRecord(event['object'])) throw unreadable(request);
  const { type, object } = event;
  if (type === 'ERROR') throw statusError(object, request);
  if (!TYPES.has(type) || !isRecord(object['metadata'])) throw unreadable(request);
  return event as unknown as WatchEvent;
}

function unreadable({ path }: FailedRequest, cause?: unknown): ConnectionError {
  const remedy = 'Check proxies in between.';
  return new ConnectionError('unreadable', `The watch of ${path} returned a line that is no event. ${remedy}`, cause);
}
