/** The messages Event and Summary of TensorBoard, as far as they are imported. */
import { LENGTH, ProtoReader, pushElement } from '../run-logs/proto-reader.ts';
import { readTensor, type Tensor } from './tensor.ts';

/** Status of `SessionLog`: the training starts, or continues from a checkpoint. */
const SESSION_START = 1;

export interface Event {
  /** In seconds. */
  readonly wallTime: number;
  readonly step: number;
  readonly values: readonly SummaryValue[];
  readonly isSessionStart: boolean;
}

export interface SummaryValue {
  readonly tag: string;
  readonly plugin?: { readonly name: string; readonly content: Buffer };
  readonly scalar?: number;
  readonly image?: Buffer;
  readonly audio?: Buffer;
  readonly tensor?: Tensor;
}

/** @throws MalformedMessage */
export function readEvent(data: Buffer): Event {
  const reader = new ProtoReader(data);
  let [wallTime, step, isSessionStart] = [0, 0, false];
  let values: SummaryValue[] = [];
  while (reader.next()) {
    if (reader.field === 1) wallTime = reader.double();
    else if (reader.field === 2) step = reader.int();
    else if (reader.field === 5) values = readSummary(reader.message());
    else if (reader.field === 7) isSessionStart = firstInt(reader.message(), 1) === SESSION_START;
  }
  return { wallTime, step, values, isSessionStart };
}

function readSummary(reader: ProtoReader): SummaryValue[] {
  const values: SummaryValue[] = [];
  while (reader.next())
    if (reader.field === 1 && reader.wire === LENGTH) pushElement(values, readValue(reader.message()));
  return values;
}

function readValue(reader: ProtoReader): SummaryValue {
  const value: { -readonly [Key in keyof SummaryValue]: SummaryValue[Key] } = { tag: '' };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        value.tag = reader.text();
        break;
      case 2:
        value.scalar = reader.float();
        break;
      case 4:
        value.image = firstBytes(reader.message(), 4);
        break;
      case 6:
        value.audio = firstBytes(reader.message(), 4);
        break;
      case 8:
        value.tensor = readTensor(reader.message());
        break;
      case 9: {
        const plugin = readPlugin(reader.message());
        if (plugin !== undefined) value.plugin = plugin;
        break;
      }
    }
  }
  return value;
}

/** Reads `SummaryMetadata.plugin_data`. */
function readPlugin(metadata: ProtoReader): SummaryValue['plugin'] {
  while (metadata.next()) {
    if (metadata.field !== 1) continue;
    const data = metadata.message();
    let [name, content] = ['', Buffer.alloc(0)];
    while (data.next()) {
      if (data.field === 1) name = data.text();
      else if (data.field === 2) content = Buffer.from(data.bytes());
    }
    return { name, content };
  }
  return undefined;
}

function firstInt(reader: ProtoReader, field: number): number {
  while (reader.next()) if (reader.field === field) return reader.int();
  return 0;
}

function firstBytes(reader: ProtoReader, field: number): Buffer {
  while (reader.next()) if (reader.field === field) return reader.bytes();
  return Buffer.alloc(0);
}
