/** Objects as returned to clients: the applied bytes, followed by fields of the server. */
import type { Definition } from '@dais/api/data';
import { bytesField, messageOf, numberField, type ProtobufField } from '#lib/formats/protobuf-writer.ts';
import { Message } from '../wire/message.ts';
import type { FeastObject } from './objects.ts';

/** The fields that all objects of clients have. */
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
 * Appends the fields of the server to the bytes of the client: Protocol Buffers merge concatenated messages. The client's bytes are
 * therefore not re-encoded, and unknown fields of newer clients are preserved.
 */
export function withServerFields(
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

/** Encodes `google.protobuf.Timestamp`, including zeros, because it follows other values. */
export function moment(field: number, at: string): ProtobufField {
  const [, fraction = ''] = /\.(\d+)/.exec(at) ?? [];
  const seconds = Math.floor(Date.parse(at) / 1000);
  const nanos = Number(fraction.slice(0, 9).padEnd(9, '0'));
  return bytesField(field, messageOf(numberField(1, seconds), numberField(2, nanos)));
}

/** Maximum number of materializations of a view; clients continue from the last one. */
const MAX_INTERVALS = 100;
/** Encodes `FeatureViewMeta`. */
const INTERVALS = 3;

/** Returns the bytes of a view with its existing intervals, which a new apply does not remove. */
export function keepIntervals(before: Buffer | undefined, after: Buffer): Buffer {
  if (before === undefined) return after;
  const present = new Message(after).message(2).all(INTERVALS);
  const kept = new Message(before).message(2).all(INTERVALS);
  const lost = kept.filter((one) => !present.some((other) => other.equals(one))).slice(-MAX_INTERVALS);
  return withIntervals(after, lost);
}

export function withIntervals(view: Buffer, intervals: readonly Buffer[]): Buffer {
  if (intervals.length === 0) return view;
  const fields = intervals.map((interval) => bytesField(INTERVALS, interval));
  return messageOf([view], bytesField(2, messageOf(...fields)));
}
