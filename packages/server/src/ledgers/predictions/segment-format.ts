/**
 * The format of a segment file: a head, then records, all little-endian:
 *
 *     head    magic u32 · length u32 · JSON: the writer
 *     record  magic u32 · length u32 · CRC-32 u32 of what follows · sequence u48 · 2 zero bytes
 *             · length u32 · JSON: the record · bytes of the tensors
 *
 * A record with a wrong CRC, and everything after it, was not written completely.
 */
import { crc32 } from 'node:zlib';
import type { Datatype, Tensor } from '#engines/inference/contract.ts';
import type { ProcessIdentity } from '#lib/system/process-identity.mjs';
import type { SegmentPages } from './segment-pages.ts';

const HEAD_MAGIC = 0xda15_0101;
const RECORD_MAGIC = 0xda15_0102;
export const RECORD_HEAD = 20;
/** Smaller tensors are copied after their record: fewer pieces in a write. */
const COPIED = 4096;
/** Most UTF-8 bytes per unit of a JavaScript string. */
const MOST_UNIT_BYTES = 3;
/** Largest record: a larger length means a damaged file. */
export const RECORD_LIMIT = 32 * 1024 * 1024;

/** A request and its response; also failed ones and copies for shadows. */
export interface PredictionRecord {
  readonly id: string;
  /** Time of the response; milliseconds since the Unix epoch. */
  readonly at: number;
  /** Names, as in the snapshot. */
  readonly project: string;
  readonly endpoint: string;
  readonly endpointUid: string;
  readonly variant: string;
  /** Empty if the request reached no variant. */
  readonly model: string;
  readonly version: string;
  /** Id of the prediction that this is a copy of. */
  readonly shadowOf: string | undefined;
  /** Name of the protocol adapter. */
  readonly protocol: string;
  readonly principal: string;
  readonly requestId: string;
  /** Request id of the caller. */
  readonly callerId: string | undefined;
  readonly traceparent: string | undefined;
  /** HTTP status, for all protocols. */
  readonly status: number;
  readonly error: string | undefined;
  readonly latencyMicros: number;
  /** Must not change until it is written. Empty for a request that could not be parsed. */
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
}

export interface SegmentWriterHead {
  readonly gateway: string;
  readonly process?: ProcessIdentity | undefined;
}

/** `nulls`: length of the missing-value bytes after the tensor; absent: no value is missing. */
type TensorHead = readonly [name: string, type: Datatype, shape: readonly number[], bytes: number, nulls?: number];

interface RecordText extends Omit<PredictionRecord, 'inputs' | 'outputs'> {
  readonly in: readonly TensorHead[];
  readonly out: readonly TensorHead[];
  /** The tensors were too large and are not included. */
  readonly cut?: boolean;
}

/** A tensor as read: its bytes in row-major order. */
export interface StoredTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** BYTES: each element after its length as u32. */
  readonly bytes: Buffer;
  /** 1: the element is missing. */
  readonly nulls?: Buffer;
}

export interface StoredPrediction extends Omit<PredictionRecord, 'inputs' | 'outputs'> {
  readonly sequence: number;
  readonly inputs: readonly StoredTensor[];
  readonly outputs: readonly StoredTensor[];
  readonly cut: boolean;
}

export function encodeHead(head: SegmentWriterHead): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const bytes = Buffer.alloc(8 + text.length);
  bytes.writeUInt32LE(HEAD_MAGIC, 0);
  bytes.writeUInt32LE(text.length, 4);
  text.copy(bytes, 8);
  return bytes;
}

export interface EncodedRecord {
  readonly bytes: number;
  readonly cut: boolean;
}

/**
 * Appends a record to `pages`. `omit`: names of tensors that are not written. The JSON is assembled here, because
 * creating an object for `JSON.stringify` took half of the time of a record.
 */
export function encodeRecord(
  record: PredictionRecord,
  sequence: number,
  omit: readonly string[],
  pages: SegmentPages,
): EncodedRecord {
  const inputs = keptOf(record.inputs, omit);
  const outputs = keptOf(record.outputs, omit);
  const body: Uint8Array[] = [];
  const ins = headsText(inputs, body, lastInputs);
  const outs = headsText(outputs, body, lastOutputs);
  let size = 0;
  for (const bytes of body) size += bytes.length;
  const cut = size > RECORD_LIMIT / 2;
  const text = `${fieldsText(record)},"in":[${cut ? '' : ins}],"out":[${cut ? '' : outs}]${cut ? ',"cut":true' : ''}}`;
  const isInline = !cut && size <= COPIED;
  const beforeText = RECORD_HEAD + 4;
  const { page, at } = pages.room(beforeText + text.length * MOST_UNIT_BYTES + (isInline ? size : 0));
  const own = page.write(text, at + beforeText);
  const total = beforeText + own + (cut ? 0 : size);
  page.writeUInt32LE(RECORD_MAGIC, at);
  page.writeUInt32LE(total - RECORD_HEAD, at + 4);
  page.writeUIntLE(sequence, at + 12, 6);
  page.writeUInt16LE(0, at + 18);
  page.writeUInt32LE(own, at + RECORD_HEAD);
  let end = at + beforeText + own;
  if (isInline) {
    for (const bytes of body) {
      page.set(bytes, end);
      end += bytes.length;
    }
  }
  const behind = isInline || cut ? NOTHING : body;
  let crc = crc32(page.subarray(at + 12, end));
  for (const bytes of behind) crc = crc32(bytes, crc);
  page.writeUInt32LE(crc, at + 8);
  pages.took(end - at, behind);
  return { bytes: total, cut };
}

const NOTHING: readonly Uint8Array[] = [];

function keptOf(tensors: readonly Tensor[], omit: readonly string[]): readonly Tensor[] {
  return omit.length === 0 ? tensors : tensors.filter(({ name }) => !omit.includes(name));
}

/** Returns `RecordText` without tensors and closing brace; undefined fields are omitted. */
function fieldsText(record: PredictionRecord): string {
  const { id, at, status, latencyMicros, shadowOf, callerId, traceparent, error, parameters } = record;
  const some =
    optional('shadowOf', shadowOf) +
    optional('callerId', callerId) +
    optional('traceparent', traceparent) +
    optional('error', error);
  return (
    `{"id":${JSON.stringify(id)},"at":${at},${namesText(record)},"requestId":${JSON.stringify(record.requestId)}${some}` +
    `,"status":${status},"latencyMicros":${latencyMicros},"parameters":${isEmpty(parameters) ? '{}' : JSON.stringify(parameters)}`
  );
}

function isEmpty(parameters: PredictionRecord['parameters']): boolean {
  for (const _ in parameters) return false;
  return true;
}

/** Of the last record: the next one nearly always has the same endpoint, variant and caller. */
type Names = Pick<
  PredictionRecord,
  'project' | 'endpoint' | 'endpointUid' | 'variant' | 'model' | 'version' | 'protocol' | 'principal'
>;
let last: Names | undefined;
let lastNames = '';

function namesText({
  project,
  endpoint,
  endpointUid,
  variant,
  model,
  version,
  protocol,
  principal,
}: PredictionRecord): string {
  if (
    last?.endpointUid === endpointUid &&
    last.variant === variant &&
    last.version === version &&
    last.principal === principal &&
    last.protocol === protocol &&
    last.model === model &&
    last.endpoint === endpoint &&
    last.project === project
  ) {
    return lastNames;
  }
  last = { project, endpoint, endpointUid, variant, model, version, protocol, principal };
  lastNames =
    `"project":${quoted(project)},"endpoint":${quoted(endpoint)},"endpointUid":${quoted(endpointUid)}` +
    `,"variant":${quoted(variant)},"model":${quoted(model)},"version":${quoted(version)}` +
    `,"protocol":${quoted(protocol)},"principal":${quoted(principal)}`;
  return lastNames;
}

function optional(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`;
}

/** Repeated strings of a gateway: names of endpoints, models, tensors and callers. */
const QUOTED = new Map<string, string>();
const MOST_QUOTED = 4096;

function quoted(text: string): string {
  const known = QUOTED.get(text);
  if (known !== undefined) return known;
  const made = JSON.stringify(text);
  if (QUOTED.size >= MOST_QUOTED) QUOTED.clear();
  QUOTED.set(text, made);
  return made;
}

/** The last tensor list: the next one nearly always has the same names, types and shapes. */
interface LastHeads {
  heads: readonly { readonly tensor: Pick<Tensor, 'name' | 'datatype' | 'shape'>; bytes: number; nulls: number }[];
  text: string;
}

const lastInputs: LastHeads = { heads: [], text: '' };
const lastOutputs: LastHeads = { heads: [], text: '' };

/** Returns `TensorHead` of each; appends their bytes to `body`. */
function headsText(tensors: readonly Tensor[], body: Uint8Array[], last: LastHeads): string {
  const { heads } = last;
  let isSame = tensors.length === heads.length;
  const from = body.length;
  for (const [position, tensor] of tensors.entries()) {
    const bytes = tensorBytes(tensor);
    body.push(bytes);
    if (tensor.nulls !== undefined) body.push(tensor.nulls);
    const head = heads[position];
    isSame &&=
      head !== undefined &&
      head.bytes === bytes.length &&
      head.nulls === (tensor.nulls?.length ?? 0) &&
      sameKind(head.tensor, tensor);
  }
  if (isSame) return last.text;
  let at = from;
  last.heads = tensors.map(({ name, datatype, shape, nulls }) => {
    const { length } = body[at] as Uint8Array;
    at += nulls === undefined ? 1 : 2;
    return { tensor: { name, datatype, shape: [...shape] }, bytes: length, nulls: nulls?.length ?? 0 };
  });
  last.text = last.heads
    .map(({ tensor: { name, datatype, shape }, bytes, nulls }) => {
      const more = nulls === 0 ? '' : `,${nulls}`;
      return `[${quoted(name)},"${datatype}",[${shape.join()}],${bytes}${more}]`;
    })
    .join();
  return last.text;
}

function sameKind(one: LastHeads['heads'][number]['tensor'], { name, datatype, shape }: Tensor): boolean {
  if (one.name !== name || one.datatype !== datatype || one.shape.length !== shape.length) return false;
  for (let position = 0; position < shape.length; position++) if (one.shape[position] !== shape[position]) return false;
  return true;
}

function tensorBytes({ data }: Tensor): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let size = 0;
  for (const one of data) size += 4 + one.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const one of data) {
    at = bytes.writeUInt32LE(one.length, at);
    at += one.copy(bytes, at);
  }
  return bytes;
}

/**
 * Returns the writer and the length of the head; undefined while it is incomplete. @throws Error if it is not a
 * segment.
 */
export function decodeHead(bytes: Buffer): { readonly bytes: number; readonly head: SegmentWriterHead } | undefined {
  if (bytes.length < 8) return undefined;
  const length = bytes.readUInt32LE(4);
  if (bytes.readUInt32LE(0) !== HEAD_MAGIC || length > 65_536) throw new Error('not a segment of predictions');
  if (bytes.length < 8 + length) return undefined;
  return { bytes: 8 + length, head: JSON.parse(bytes.toString('utf8', 8, 8 + length)) as SegmentWriterHead };
}

/** Returns the record at `at`; `short`: incomplete in `bytes`; `broken`: not written completely. */
export function decodeRecord(
  bytes: Buffer,
  at: number,
): { readonly bytes: number; readonly record: StoredPrediction } | 'short' | 'broken' {
  if (at + RECORD_HEAD > bytes.length) return 'short';
  const whole = bytes.readUInt32LE(at + 4);
  if (bytes.readUInt32LE(at) !== RECORD_MAGIC || whole > RECORD_LIMIT) return 'broken';
  const end = at + RECORD_HEAD + whole;
  if (end > bytes.length) return 'short';
  if (crc32(bytes.subarray(at + 12, end)) !== bytes.readUInt32LE(at + 8)) return 'broken';
  const size = bytes.readUInt32LE(at + RECORD_HEAD);
  let position = at + RECORD_HEAD + 4 + size;
  const text = JSON.parse(bytes.toString('utf8', at + RECORD_HEAD + 4, position)) as RecordText;
  const { in: ins, out: outs, cut = false, ...rest } = text;
  const tensors = (heads: readonly TensorHead[]) =>
    heads.map(([name, datatype, shape, length, nulls = 0]): StoredTensor => {
      const data = bytes.subarray(position, position + length);
      position += length + nulls;
      const tensor = { name, datatype, shape, bytes: data };
      return nulls === 0 ? tensor : { ...tensor, nulls: bytes.subarray(position - nulls, position) };
    });
  const inputs = tensors(ins);
  const outputs = tensors(outs);
  const sequence = bytes.readUIntLE(at + 12, 6);
  return { bytes: end - at, record: { ...rest, sequence, inputs, outputs, cut } };
}
