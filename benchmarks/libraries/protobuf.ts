/** Protocol buffers: requests of the Open Inference Protocol over gRPC, and spans that OpenTelemetry exporters send. */
import { decodeProtobuf } from '../../packages/server/src/protocols/otlp/decode-protobuf.ts';
import { readGrpcRequest } from '../../packages/server/src/protocols/open-inference/grpc-request.ts';
import { decodeTensor, shapeCount } from '../../packages/server/src/protocols/open-inference/raw-tensor.ts';
import {
  bytesField,
  messageOf,
  numberField,
  type ProtobufField,
} from '../../packages/server/src/lib/formats/protobuf-writer.ts';
import { rpcMessage } from '../serving/requests.ts';
import type { Candidates } from './candidates.ts';
import { compare } from './compare.ts';

const SPANS = 200;

interface Bufbuild {
  create(schema: unknown, init: unknown): unknown;
  fromBinary(schema: unknown, bytes: Uint8Array): unknown;
  createFileRegistry(file: unknown, resolve: (name: string) => undefined): { getMessage(name: string): unknown };
}

interface InferMessage {
  readonly inputs: readonly { readonly name: string; readonly shape: readonly bigint[] }[];
  readonly rawInputContents: readonly Uint8Array[];
}

/** Types of `FieldDescriptorProto`. */
const TYPE = {
  double: 1,
  int64: 3,
  int32: 5,
  fixed64: 6,
  bool: 8,
  string: 9,
  message: 11,
  bytes: 12,
  enum: 13,
} as const;

type Field = readonly [name: string, number: number, type: keyof typeof TYPE | `.${string}`, repeated?: true];

function message(name: string, fields: readonly Field[]) {
  return {
    name,
    field: fields.map(([field, number, type, repeated]) => ({
      name: field,
      number,
      label: repeated === true ? 3 : 1,
      type: type.startsWith('.') ? TYPE.message : TYPE[type as keyof typeof TYPE],
      ...(type.startsWith('.') && { typeName: type }),
    })),
  };
}

/** The parts of both schemas that requests use. */
const INFERENCE = [
  message('Tensor', [
    ['name', 1, 'string'],
    ['datatype', 2, 'string'],
    ['shape', 3, 'int64', true],
  ]),
  message('ModelInferRequest', [
    ['model_name', 1, 'string'],
    ['model_version', 2, 'string'],
    ['id', 3, 'string'],
    ['inputs', 5, '.benchmark.Tensor', true],
    ['raw_input_contents', 7, 'bytes', true],
  ]),
];
const TRACES = [
  message('AnyValue', [
    ['string_value', 1, 'string'],
    ['bool_value', 2, 'bool'],
    ['int_value', 3, 'int64'],
    ['double_value', 4, 'double'],
  ]),
  message('KeyValue', [
    ['key', 1, 'string'],
    ['value', 2, '.benchmark.AnyValue'],
  ]),
  message('Status', [
    ['message', 2, 'string'],
    ['code', 3, 'int32'],
  ]),
  message('Span', [
    ['trace_id', 1, 'bytes'],
    ['span_id', 2, 'bytes'],
    ['trace_state', 3, 'string'],
    ['parent_span_id', 4, 'bytes'],
    ['name', 5, 'string'],
    ['kind', 6, 'int32'],
    ['start_time_unix_nano', 7, 'fixed64'],
    ['end_time_unix_nano', 8, 'fixed64'],
    ['attributes', 9, '.benchmark.KeyValue', true],
    ['status', 15, '.benchmark.Status'],
  ]),
  message('Scope', [['name', 1, 'string']]),
  message('ScopeSpans', [
    ['scope', 1, '.benchmark.Scope'],
    ['spans', 2, '.benchmark.Span', true],
  ]),
  message('Resource', [['attributes', 1, '.benchmark.KeyValue', true]]),
  message('ResourceSpans', [
    ['resource', 1, '.benchmark.Resource'],
    ['scope_spans', 2, '.benchmark.ScopeSpans', true],
  ]),
  message('ExportTraceServiceRequest', [['resource_spans', 1, '.benchmark.ResourceSpans', true]]),
];

function fixed64(field: number, value: bigint): ProtobufField {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return [Uint8Array.of((field << 3) | 1), bytes];
}

function attribute(key: string, value: string | number): Buffer {
  const any = typeof value === 'string' ? bytesField(1, value) : numberField(3, value);
  return messageOf(bytesField(1, key), bytesField(2, messageOf(any)));
}

function traces(spans: number): Buffer {
  const span = (n: number) =>
    messageOf(
      bytesField(1, Buffer.alloc(16, 1)),
      bytesField(2, Buffer.alloc(8, n % 250)),
      bytesField(4, Buffer.alloc(8, 3)),
      bytesField(5, `chat ${n}`),
      numberField(6, 3),
      fixed64(7, 1_764_547_200_000_000_000n + BigInt(n)),
      fixed64(8, 1_764_547_201_000_000_000n + BigInt(n)),
      bytesField(9, attribute('gen_ai.request.model', 'example-model')),
      bytesField(9, attribute('gen_ai.usage.input_tokens', 1200 + n)),
      bytesField(9, attribute('gen_ai.usage.output_tokens', n)),
      bytesField(9, attribute('input.value', 'Which trips take longest? '.repeat(8))),
      bytesField(15, messageOf(numberField(3, 1))),
    );
  const scope = messageOf(
    bytesField(1, messageOf(bytesField(1, 'benchmark'))),
    ...Array.from({ length: spans }, (_, n) => bytesField(2, span(n))),
  );
  const resource = messageOf(bytesField(1, attribute('service.name', 'benchmark')));
  return messageOf(bytesField(1, messageOf(bytesField(1, resource), bytesField(2, scope))));
}

export async function compareProtobuf(candidates: Candidates): Promise<void> {
  console.log(` ${candidates.facts('@bufbuild/protobuf')}`);
  const library = await candidates.load<Bufbuild>('@bufbuild/protobuf');
  const wellKnown = await candidates.load<{ FileDescriptorProtoSchema: unknown }>('@bufbuild/protobuf/wkt');
  const decoder = (messages: readonly unknown[], name: string) => {
    if (library === undefined || wellKnown === undefined) return undefined;
    const file = { name: 'benchmark.proto', package: 'benchmark', syntax: 'proto3', messageType: messages };
    const registry = library.createFileRegistry(
      library.create(wellKnown.FileDescriptorProtoSchema, file),
      () => undefined,
    );
    const schema = registry.getMessage(`benchmark.${name}`);
    if (schema === undefined) throw new Error(`no ${name}`);
    return (bytes: Buffer) => library.fromBinary(schema, bytes);
  };
  const infer = decoder(INFERENCE, 'ModelInferRequest');
  /** The same tensors as ours. */
  const tensors = (decode: (bytes: Buffer) => unknown, bytes: Buffer) => {
    const { inputs, rawInputContents } = decode(bytes) as InferMessage;
    return inputs.map(({ name, shape }, at) => {
      const sizes = shape.map((size) => Number(size));
      const { buffer, byteOffset, byteLength } = rawInputContents[at] as Uint8Array;
      const raw = Buffer.from(buffer, byteOffset, byteLength);
      return { name, shape: sizes, data: decodeTensor(name, 'FP32', raw, shapeCount(name, sizes, bytes.length)) };
    });
  };
  for (const values of [8, 4096]) {
    const bytes = rpcMessage('x', new Float32Array(values).fill(1.5));
    await compare(
      `a prediction request with ${values} values`,
      () => readGrpcRequest(bytes),
      infer && (() => tensors(infer, bytes)),
      '@bufbuild/protobuf with the same tensors',
    );
  }
  const spans = traces(SPANS);
  const trace = decoder(TRACES, 'ExportTraceServiceRequest');
  await compare(
    `an export of ${SPANS} spans, ${Math.round(spans.length / 1000)} kB`,
    () => decodeProtobuf(spans),
    trace && (() => trace(spans)),
    '@bufbuild/protobuf (decoding alone, without the ids and attributes of spans)',
  );
}
