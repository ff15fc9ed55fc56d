/** `inference.ModelInferRequest` from its bytes. Field numbers: grpc_predict_v2.proto of the protocol's repository. */
import { DaisError } from '@dais/api/errors';
import {
  ElementWriter,
  isDatatype,
  type Datatype,
  type InferRequest,
  type Parameters,
  type Tensor,
} from '#gateway/index.ts';
import { ProtobufError, ProtobufReader } from '#lib/formats/protobuf-reader.ts';
import { requestedClasses } from './classification.ts';
import { decodeTensor, shapeCount } from './raw-tensor.ts';

export interface GrpcRequest extends InferRequest {
  readonly endpoint: string;
  readonly version: string;
  readonly id: string;
  readonly parameters: Parameters;
  /** Number of requested classes by output; the values of the others are requested. */
  readonly classes: ReadonlyMap<string, number>;
}

interface Input {
  name: string;
  datatype: string;
  shape: (number | bigint)[];
  /** Undefined if there are no `contents`. */
  contents: ((elements: ElementWriter) => void)[] | undefined;
}

/** Fields of `InferTensorContents` and the datatypes of each. */
const CONTENTS: Readonly<Record<number, readonly Datatype[]>> = {
  1: ['BOOL'],
  2: ['INT8', 'INT16', 'INT32'],
  3: ['INT64'],
  4: ['UINT8', 'UINT16', 'UINT32'],
  5: ['UINT64'],
  6: ['FP32'],
  7: ['FP64'],
  8: ['BYTES'],
};

export function readGrpcRequest(message: Buffer): GrpcRequest {
  const reader = new ProtobufReader(message);
  let endpoint = '';
  let version = '';
  let id = '';
  const parameters: Record<string, string | number | boolean> = {};
  const inputs: Input[] = [];
  const outputs: string[] = [];
  const classes = new Map<string, number>();
  const raw: Buffer[] = [];
  readMessage(() => {
    while (reader.next()) {
      if (reader.field === 1) endpoint = reader.text();
      else if (reader.field === 2) version = reader.text();
      else if (reader.field === 3) id = reader.text();
      else if (reader.field === 4) reader.message(() => readParameter(reader, parameters));
      else if (reader.field === 5) reader.message(() => inputs.push(readInput(reader)));
      else if (reader.field === 6) {
        reader.message(() => {
          const output = readOutput(reader);
          outputs.push(output.name);
          if (output.classes !== undefined) classes.set(output.name, output.classes);
        });
      } else if (reader.field === 7) raw.push(reader.bytes());
      else reader.skip();
    }
  });
  if (raw.length > 0 && raw.length !== inputs.length) {
    throw new DaisError(
      'invalid_request',
      `The request has ${raw.length} raw_input_contents for ${inputs.length} inputs.`,
    );
  }
  return {
    endpoint,
    version,
    id,
    parameters,
    inputs: inputs.map((input, index) => tensorOf(input, raw[index], message.length)),
    outputs: outputs.length === 0 ? undefined : outputs,
    classes,
  };
}

/** Reports an invalid message as an error of the caller. */
export function readMessage(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (error instanceof ProtobufError)
      throw new DaisError('unreadable_body', `The message is not valid: ${error.message}.`);
    throw error;
  }
}

function tensorOf({ name, datatype, shape, contents }: Input, raw: Buffer | undefined, most: number): Tensor {
  if (!isDatatype(datatype)) {
    throw new DaisError('invalid_request', `The input "${name}" has the unknown datatype "${datatype}".`);
  }
  const count = shapeCount(name, shape, most);
  const sizes = shape as number[];
  if (raw !== undefined) {
    if (contents !== undefined) {
      throw new DaisError('invalid_request', `The input "${name}" has both contents and raw_input_contents.`);
    }
    return { name, datatype, shape: sizes, data: decodeTensor(name, datatype, raw, count) };
  }
  const elements = new ElementWriter(name, datatype, count);
  for (const write of contents ?? []) write(elements);
  if (elements.count !== count) {
    throw new DaisError(
      'invalid_request',
      `The input "${name}" has ${elements.count} elements; its shape [${sizes.join()}] has ${count}.`,
    );
  }
  return { name, datatype, shape: sizes, data: elements.data };
}

function readInput(reader: ProtobufReader): Input {
  const input: Input = { name: '', datatype: '', shape: [], contents: undefined };
  const found: [number, Buffer | (number | string)[]][] = [];
  let any = false;
  while (reader.next()) {
    if (reader.field === 1) input.name = reader.text();
    else if (reader.field === 2) input.datatype = reader.text();
    else if (reader.field === 3) {
      reader.repeated(0, () => {
        const size = reader.int64();
        input.shape.push(typeof size === 'string' ? BigInt(size) : size);
      });
    } else if (reader.field === 5) {
      any = true;
      reader.message(() => {
        while (reader.next()) found.push([reader.field, readContents(reader)]);
      });
    } else reader.skip();
  }
  if (any) {
    input.contents = found.map(([field, values]) => (elements: ElementWriter) => {
      const holds = CONTENTS[field] ?? [];
      if (!holds.includes(input.datatype as Datatype)) {
        throw new DaisError(
          'invalid_request',
          `The contents of the input "${input.name}" are of type ${holds.join(' or ')}, but its datatype is ${input.datatype}.`,
        );
      }
      if (Buffer.isBuffer(values)) elements.text(values);
      else for (const value of values) elements.number(typeof value === 'string' ? BigInt(value) : value);
    });
  }
  return input;
}

function readContents(reader: ProtobufReader): Buffer | (number | string)[] {
  const values: (number | string)[] = [];
  switch (reader.field) {
    case 1:
    case 3:
      reader.repeated(0, () => values.push(reader.int64()));
      return values;
    case 2:
      // A negative value has all 64 bits.
      reader.repeated(0, () => values.push(reader.int32() | 0));
      return values;
    case 4:
      reader.repeated(0, () => values.push(reader.int32()));
      return values;
    case 5:
      reader.repeated(0, () => values.push(String(BigInt.asUintN(64, BigInt(reader.int64())))));
      return values;
    case 6:
      reader.repeated(5, () => values.push(reader.float()));
      return values;
    case 7:
      reader.repeated(1, () => values.push(reader.double()));
      return values;
    case 8:
      return reader.bytes();
    default:
      reader.skip();
      return values;
  }
}

function readOutput(reader: ProtobufReader): { readonly name: string; readonly classes: number | undefined } {
  let name = '';
  const parameters: Record<string, string | number | boolean> = {};
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 2) reader.message(() => readParameter(reader, parameters));
    else reader.skip();
  }
  return { name, classes: requestedClasses(name, parameters) };
}

function readParameter(reader: ProtobufReader, parameters: Record<string, string | number | boolean>): void {
  let key = '';
  let value: string | number | boolean | undefined;
  while (reader.next()) {
    if (reader.field === 1) key = reader.text();
    else if (reader.field === 2) {
      reader.message(() => {
        while (reader.next()) {
          if (reader.field === 1) value = reader.int32() !== 0;
          else if (reader.field === 2 || reader.field === 5) value = reader.int64();
          else if (reader.field === 3) value = reader.text();
          else if (reader.field === 4) value = reader.double();
          else reader.skip();
        }
      });
    } else reader.skip();
  }
  if (value !== undefined) parameters[key] = value;
}
