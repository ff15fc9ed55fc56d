import {
  eventTypes,
  matchesSelector,
  parseSelector,
  type UniformOperations,
  type watchEventsOperation,
  type OutputOf,
} from '@dais/api';
import type { CallOf } from '#kernel/entry.ts';
import { matchesEventFilter, presentEvent } from '#kernel/events.ts';
import type { HubFrame, WatchHub } from '#kernel/watch-hub.ts';

type Watch = UniformOperations['watch'];
type WatchFrame = OutputOf<Watch>;

const TYPES: Readonly<Record<string, 'added' | 'modified' | 'deleted'>> = {
  [eventTypes.resourceCreated.type]: 'added',
  [eventTypes.resourceUpdated.type]: 'modified',
  [eventTypes.resourceStatus.type]: 'modified',
  [eventTypes.resourceDeleting.type]: 'modified',
  [eventTypes.resourceDeleted.type]: 'deleted',
};

function changesLabels(frame: HubFrame): boolean {
  const fields = frame.event.data['fields'];
  return Array.isArray(fields) && fields.some((path) => String(path).startsWith('metadata.labels'));
}

/** The frames that a watcher of one kind gets. One object per hub frame, so that it is serialized once for all. */
const wireFrames = new WeakMap<HubFrame, WatchFrame>();

export async function* watchResources(hub: WatchHub, kind: string, call: CallOf<Watch>): AsyncIterable<WatchFrame> {
  const selector = parseSelector(call.input.labels);
  const shown = new Set<string>();
  const visible = ({ object }: HubFrame) => {
    if (call.rows === undefined || object === undefined) return true;
    const { uid } = object.metadata;
    if (call.rows.matches(object)) return shown.add(uid).size > 0;
    // The resource left the caller's view: its watchers get one notification, and no others do.
    return shown.has(uid);
  };
  const matches = (frame: HubFrame) =>
    frame.event.projectId === call.tenant.id &&
    frame.event.subject?.kind === kind &&
    TYPES[frame.event.type] !== undefined &&
    frame.object !== undefined &&
    (matchesSelector(frame.object.metadata.labels, selector) || changesLabels(frame)) &&
    visible(frame);
  for await (const { position, frame } of hub.watch(call.input.resourceVersion, matches, call.context.signal)) {
    if (frame === undefined) {
      yield { type: 'bookmark', resourceVersion: position };
      continue;
    }
    const { object } = frame;
    const type = TYPES[frame.event.type];
    if (object === undefined || type === undefined) continue;
    if (call.rows?.matches(object) === false) {
      const { apiVersion, metadata } = object;
      shown.delete(metadata.uid);
      const bare = { apiVersion, kind, metadata: { ...metadata, labels: {}, annotations: {} }, spec: {}, status: {} };
      yield { type: 'deleted', resourceVersion: position, object: bare };
      continue;
    }
    if (!matchesSelector(object.metadata.labels, selector)) {
      // It may have matched before: for this watcher it is deleted.
      yield { type: 'deleted', resourceVersion: position, object };
      continue;
    }
    let wire = wireFrames.get(frame);
    if (wire === undefined) {
      wire = { type, resourceVersion: position, object };
      wireFrames.set(frame, wire);
    }
    yield wire;
  }
}

export async function* watchEvents(hub: WatchHub, call: CallOf<typeof watchEventsOperation>) {
  const matches = (frame: HubFrame) =>
    frame.event.projectId === call.tenant.id &&
    matchesEventFilter(frame.event, call.input) &&
    call.rows?.matches(frame.object) !== false;
  for await (const { position, frame } of hub.watch(call.input.resourceVersion, matches, call.context.signal)) {
    if (frame !== undefined) yield { ...presentEvent(frame.event, '', frame.project), cursor: position };
  }
}
