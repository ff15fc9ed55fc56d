/** Reads the description of an ONNX file without a runtime: inputs, outputs, and external data files. */
import { DaisError } from '@dais/api/errors';
import { ProtobufError, ProtobufReader } from '#lib/formats/protobuf-reader.ts';
import type { Datatype, TensorSpec } from '../contract.ts';

export interface OnnxDescription {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Outputs that are maps or sequences; converters create them for class probabilities. */
  readonly leftOut: readonly string[];
  /** Locations of external data, as in the file. */
  readonly externalData: readonly string[];
  /** Domains of operators that are not part of ONNX or the runtime. */
  readonly foreignDomains: readonly string[];
  /** Number of nodes, including those of functions and subgraphs. */
  readonly nodes: number;
  /** Repeated calls of a function multiply its nodes. */
  readonly hasFunctions: boolean;
}

/** Of TensorProto.DataType. */
const DATATYPES: Readonly<Record<number, Datatype>> = {
  1: 'FP32',
  2: 'UINT8',
  3: 'INT8',
  4: 'UINT16',
  5: 'INT16',
  6: 'INT32',
  7: 'INT64',
  8: 'BYTES',
  9: 'BOOL',
  10: 'FP16',
  11: 'FP64',
  12: 'UINT32',
  13: 'UINT64',
};

const BF16 = 16;

/** Domains that onnxruntime includes. */
const KNOWN_DOMAINS = new Set([
  '',
  'ai.onnx',
  'ai.onnx.ml',
  'ai.onnx.preview',
  'ai.onnx.preview.training',
  'com.microsoft',
  'com.microsoft.experimental',
  'com.ms.internal.nhwc',
]);

/** Maximum nesting of graphs; real models have three or four levels. */
const DEEPEST = 64;
/** Protocol buffers cannot be larger: larger models have external weights. */
export const LONGEST_FILE = 2 ** 31;

interface Found {
  readonly externalData: Set<string>;
  readonly domains: Set<string>;
  /** Domains of functions in the file. */
  readonly ownDomains: Set<string>;
  depth: number;
  nodes: number;
  hasFunctions: boolean;
}

interface Value {
  readonly name: string;
  /** Undefined if the value is not a tensor. */
  readonly elementType: number | undefined;
  /** Undefined if the file does not declare the number of dimensions. */
  readonly shape: readonly number[] | undefined;
}

interface Graph {
  readonly inputs: Value[];
  readonly outputs: Value[];
  readonly initializers: Set<string>;
}

/** @throws DaisError `invalid_request` for a file that is not an ONNX model, or that has inputs that are not tensors. */
export function describeOnnx(bytes: Buffer): OnnxDescription {
  const found: Found = {
    externalData: new Set(),
    domains: new Set(),
    ownDomains: new Set(),
    depth: 0,
    nodes: 0,
    hasFunctions: false,
  };
  const main: Graph = { inputs: [], outputs: [], initializers: new Set() };
  let hasGraph = false;
  try {
    const reader = new ProtobufReader(bytes);
    while (reader.next()) {
      if (reader.field === 7) {
        hasGraph = true;
        reader.message(() => readGraph(reader, found, main));
      } else if (reader.field === 20) reader.message(() => readTraining(reader, found));
      else if (reader.field === 25) reader.message(() => readFunction(reader, found));
      else reader.skip();
    }
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    refuse(`it is not an ONNX model (${error.message}).`);
  }
  if (!hasGraph) refuse('it is not an ONNX model (it has no graph).');
  const outputs = main.outputs.filter(({ elementType }) => elementType !== undefined);
  if (outputs.length === 0) refuse('none of its outputs is a tensor. Convert it with `zipmap=False`.');
  return {
    inputs: main.inputs.map((value): TensorSpec => {
      const hasDefault = main.initializers.has(value.name);
      return { ...specOf(value, 'input'), ...(hasDefault && { optional: true }) };
    }),
    outputs: outputs.map((value) => specOf(value, 'output')),
    leftOut: main.outputs.filter(({ elementType }) => elementType === undefined).map(({ name }) => name),
    externalData: [...found.externalData],
    foreignDomains: [...found.domains].filter((domain) => !KNOWN_DOMAINS.has(domain) && !found.ownDomains.has(domain)),
    nodes: found.nodes,
    hasFunctions: found.hasFunctions,
  };
}

function specOf({ name, elementType, shape }: Value, role: string): TensorSpec {
  if (elementType === undefined) refuse(`its ${role} \`${name}\` is not a tensor.`);
  if (elementType === BF16) {
    refuse(
      `its ${role} \`${name}\` is BF16, which the runtime cannot return: cast it in the model, for example to FP32.`,
    );
  }
  if (shape === undefined && role === 'input') refuse(`its input \`${name}\` declares no dimensions.`);
  const datatype = DATATYPES[elementType];
  if (datatype === undefined)
    refuse(`its ${role} \`${name}\` has the element type ${elementType}, which is not supported.`);
  return { name, datatype, shape: shape ?? [-1] };
}

function refuse(why: string): never {
  throw new DaisError('invalid_request', `The ONNX file cannot be served: ${why}`);
}

function readGraph(reader: ProtobufReader, found: Found, graph?: Graph): void {
  found.depth += 1;
  if (found.depth > DEEPEST) throw new ProtobufError(`graphs are nested more than ${DEEPEST} deep`);
  while (reader.next()) {
    if (reader.field === 1) reader.message(() => readNode(reader, found));
    else if (reader.field === 5) {
      reader.message(() => {
        const name = readTensor(reader, found);
        graph?.initializers.add(name);
      });
    } else if (reader.field === 15) reader.message(() => readSparseTensor(reader, found, graph));
    else if (reader.field === 11 && graph !== undefined) reader.message(() => graph.inputs.push(readValue(reader)));
    else if (reader.field === 12 && graph !== undefined) reader.message(() => graph.outputs.push(readValue(reader)));
    else reader.skip();
  }
  found.depth -= 1;
}

function readNode(reader: ProtobufReader, found: Found): void {
  let domain = '';
  found.nodes += 1;
  while (reader.next()) {
    if (reader.field === 7) domain = reader.text();
    else if (reader.field === 5) reader.message(() => readAttribute(reader, found));
    else reader.skip();
  }
  found.domains.add(domain);
}

function readAttribute(reader: ProtobufReader, found: Found): void {
  while (reader.next()) {
    if (reader.field === 5 || reader.field === 10) reader.message(() => void readTensor(reader, found));
    else if (reader.field === 6 || reader.field === 11) reader.message(() => readGraph(reader, found));
    else if (reader.field === 22 || reader.field === 23) reader.message(() => readSparseTensor(reader, found));
    else reader.skip();
  }
}

function readFunction(reader: ProtobufReader, found: Found): void {
  found.hasFunctions = true;
  while (reader.next()) {
    if (reader.field === 7) reader.message(() => readNode(reader, found));
    else if (reader.field === 11) reader.message(() => readAttribute(reader, found));
    else if (reader.field === 10) found.ownDomains.add(reader.text());
    else reader.skip();
  }
}

function readTraining(reader: ProtobufReader, found: Found): void {
  while (reader.next()) {
    if (reader.field === 1 || reader.field === 2) reader.message(() => readGraph(reader, found));
    else reader.skip();
  }
}

function readSparseTensor(reader: ProtobufReader, found: Found, graph?: Graph): void {
  while (reader.next()) {
    if (reader.field === 1 || reader.field === 2) {
      reader.message(() => {
        const name = readTensor(reader, found);
        graph?.initializers.add(name);
      });
    } else reader.skip();
  }
}

/** Returns its name. */
function readTensor(reader: ProtobufReader, found: Found): string {
  let name = '';
  let isExternal = false;
  let location: string | undefined;
  while (reader.next()) {
    if (reader.field === 8) name = reader.text();
    else if (reader.field === 14) isExternal = reader.int32() === 1;
    else if (reader.field === 13) {
      reader.message(() => {
        let key = '';
        let value = '';
        while (reader.next()) {
          if (reader.field === 1) key = reader.text();
          else if (reader.field === 2) value = reader.text();
          else reader.skip();
        }
        if (key === 'location') location = value;
      });
    } else reader.skip();
  }
  // Checked even if it is not used.
  if (isExternal || location !== undefined) found.externalData.add(location ?? '');
  return name;
}

function readValue(reader: ProtobufReader): Value {
  let name = '';
  let elementType: number | undefined;
  let shape: number[] | undefined;
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 2) {
      reader.message(() => {
        while (reader.next()) {
          if (reader.field !== 1) {
            reader.skip();
            continue;
          }
          reader.message(() => {
            elementType = 0;
            while (reader.next()) {
              if (reader.field === 1) elementType = reader.int32();
              else if (reader.field === 2) {
                const sizes: number[] = [];
                reader.message(() => readShape(reader, sizes));
                shape = sizes;
              } else reader.skip();
            }
          });
        }
      });
    } else reader.skip();
  }
  return { name, elementType, shape };
}

function readShape(reader: ProtobufReader, shape: number[]): void {
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    reader.message(() => {
      let size = -1;
      while (reader.next()) {
        if (reader.field === 1) {
          const value = Number(reader.int64());
          // Some converters write 0 or -1 for a size that they do not know.
          size = value > 0 ? value : -1;
        } else reader.skip();
      }
      shape.push(size);
    });
  }
}
