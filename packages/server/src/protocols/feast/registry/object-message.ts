/** Objects as clients get them back: the bytes that were applied, and behind them what the server knows beside. */
import type { Definition } from '@dais/api/data';
import { bytesField, messageOf, numberField, type ProtobufField } from '#lib/formats/protobuf-writer.ts';
import { Message } from '../wire/message.ts';
import type { FeastObject } from './objects.ts';

/** What a client sent, read as far as every object is alike. */
export function nameOf(object: FeastObject, bytes: Buffer): string {
  return inner(object, bytes).text(object.name);
}

export function tagsOf(object: FeastObject, bytes: Buffer): Readonly<Record<string, string>> {
  return inner(object, bytes).map(object.tags);
}

function inner({ spec }: FeastObject, bytes: Buffer): Message {
  const message = new Message(bytes);
  return spec === undefined ? message : message.message(spec);
}

/**
 * A message that stands behind another one is merged into it, as protocol buffers have it: so nothing that the client sent is
 * decoded to be written again, and fields that only newer clients know come back as they were.
 */
export function asSeen(
  object: FeastObject,
  { body, createdAt, updatedAt }: Definition,
  project: string,
  more: readonly ProtobufField[] = [],
): Buffer {
  const { spec, meta } = object;
  const ofProject = bytesField(object.project, project);
  const known = meta === undefined ? [] : [moment(meta.created, createdAt), moment(meta.updated, updatedAt), ...more];
  return messageOf(
    [Buffer.from(body, 'base64')],
    spec === undefined ? ofProject : bytesField(spec, messageOf(ofProject)),
    ...(meta === undefined ? [] : [bytesField(meta.field, messageOf(...known))]),
  );
}

/** `google.protobuf.Timestamp`. Zeros are written too: they stand behind other values. */
export function moment(field: number, at: string): ProtobufField {
  const [, fraction = ''] = /\.(\d+)/.exec(at) ?? [];
  const seconds = Math.floor(Date.parse(at) / 1000);
  const nanos = Number(fraction.slice(0, 9).padEnd(9, '0'));
  return bytesField(field, messageOf(numberField(1, seconds), numberField(2, nanos)));
}

/** Most materializations that a view is told with: whoever wants to go on looks at the last one. */
const MOST_INTERVALS = 100;
/** `FeatureViewMeta`. */
const INTERVALS = 3;

/** The bytes of a view with the intervals that were told of it before: applying it again does not take them away. */
export function keepIntervals(before: Buffer | undefined, after: Buffer): Buffer {
  if (before === undefined) return after;
  const told = new Message(after).message(2).all(INTERVALS);
  const kept = new Message(before).message(2).all(INTERVALS);
  const lost = kept.filter((one) => !told.some((other) => other.equals(one))).slice(-MOST_INTERVALS);
  return withIntervals(after, lost);
}

export function withIntervals(view: Buffer, intervals: readonly Buffer[]): Buffer {
  if (intervals.length === 0) return view;
  const fields = intervals.map((interval) => bytesField(INTERVALS, interval));
  return messageOf([view], bytesField(2, messageOf(...fields)));
}
