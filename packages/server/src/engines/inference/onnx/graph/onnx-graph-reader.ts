/** Reads the graph of an ONNX file. It never decodes weights: tensors are views of the bytes of the file. */
import { ProtobufReader } from '#lib/formats/protobuf-reader.ts';
import {
  canonicalDomain,
  GraphError,
  MOST_VALUES,
  type Attribute,
  type Graph,
  type GraphInput,
  type LocalFunction,
  type Node,
  type NumberField,
  type OnnxModel,
  type OnnxTensor,
  type SparseTensor,
  type TextField,
} from './onnx-graph.ts';

const DEEPEST = 16;
const MOST_DIMENSIONS = 64;
const MOST_NODES = 50_000;
/** Nodes, attributes, tensors and values: an empty one takes two bytes in the file and hundreds in memory. */
const MOST_OBJECTS = 200_000;
/** Names, dimensions. */
const MOST_NAMES = 1_000_000;
/** Maximum number of kept values. */
const MOST_KEPT_VALUES = 1_000_000;

const NO_NUMBERS: NumberField = { count: 0, first: [], largest: 0, smallest: 0 };
const NO_TEXTS: TextField = { count: 0, bytes: 0, longest: 0 };
const NOT_EXTERNAL: OnnxTensor['external'] = { isUsed: false, location: '', offset: 0n, length: undefined };

/** @throws ProtobufError or GraphError */
export function readOnnxModel(bytes: Buffer): OnnxModel {
  return new GraphReader(bytes).readModel();
}

class GraphReader {
  readonly #reader: ProtobufReader;
  #depth = 0;
  #nodes = 0;
  #objects = 0;
  #names = 0;
  #values = 0;

  constructor(bytes: Buffer) {
    this.#reader = new ProtobufReader(bytes);
  }

  readModel(): OnnxModel {
    const reader = this.#reader;
    const model: OnnxModel = { irVersion: 0n, opsets: new Map(), graph: emptyGraph(), functions: [] };
    let graphs = 0;
    while (reader.next()) {
      if (reader.field === 1) model.irVersion = int64(reader);
      else if (reader.field === 7) {
        // A protobuf parser would merge two graphs into one.
        if (++graphs > 1) throw new GraphError('the file has two graphs');
        reader.message(() => this.#readGraph(model.graph));
      } else if (reader.field === 8) this.#readOpset(model.opsets);
      else if (reader.field === 20) throw new GraphError('the file has training information');
      else if (reader.field === 25) reader.message(() => model.functions.push(this.#readFunction()));
      else reader.skip();
    }
    if (graphs === 0) throw new GraphError('the file has no graph');
    return model;
  }

  #countObject(): void {
    if (++this.#objects > MOST_OBJECTS) throw new GraphError(`the file has more than ${MOST_OBJECTS} parts`);
  }

  #text(): string {
    if (++this.#names > MOST_NAMES) throw new GraphError(`the file has more than ${MOST_NAMES} names`);
    return this.#reader.text();
  }

  #dimension(dims: bigint[]): void {
    if (dims.length >= MOST_DIMENSIONS) throw new GraphError(`a tensor has more than ${MOST_DIMENSIONS} dimensions`);
    dims.push(int64(this.#reader));
  }

  #keep(field: NumberField, value: number | string): void {
    field.count += 1;
    const number = Number(value);
    if (number > field.largest) field.largest = number;
    if (number < field.smallest) field.smallest = number;
    if (field.first.length >= MOST_VALUES || this.#values >= MOST_KEPT_VALUES) return;
    this.#values += 1;
    field.first.push(value);
  }

  #integers(found: NumberField): NumberField {
    const field = ownNumbers(found);
    this.#reader.repeated(0, () => this.#keep(field, this.#reader.int64()));
    return field;
  }

  #floats(found: NumberField): NumberField {
    const field = ownNumbers(found);
    this.#reader.repeated(5, () => this.#keep(field, this.#reader.float()));
    return field;
  }

  #texts(found: TextField): TextField {
    const field = found === NO_TEXTS ? { ...NO_TEXTS } : found;
    const { length } = this.#reader.bytes();
    field.count += 1;
    field.bytes += length;
    field.longest = Math.max(field.longest, length);
    return field;
  }

  #readOpset(opsets: Map<string, bigint>): void {
    const reader = this.#reader;
    this.#countObject();
    let domain = '';
    let version = 0n;
    reader.message(() => {
      while (reader.next()) {
        if (reader.field === 1) domain = reader.text();
        else if (reader.field === 2) version = int64(reader);
        else reader.skip();
      }
    });
    domain = canonicalDomain(domain);
    const other = opsets.get(domain);
    if (other !== undefined && other !== version) {
      throw new GraphError(`the file imports two versions of the domain \`${domain || 'ai.onnx'}\``);
    }
    opsets.set(domain, version);
  }

  #readGraph(graph: Graph): void {
    const reader = this.#reader;
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new GraphError(`graphs are nested more than ${DEEPEST} deep`);
    while (reader.next()) {
      if (reader.field === 1) reader.message(() => graph.nodes.push(this.#readNode()));
      else if (reader.field === 5) reader.message(() => graph.initializers.push(this.#readTensor()));
      else if (reader.field === 11) reader.message(() => graph.inputs.push(this.#readValue()));
      else if (reader.field === 12) reader.message(() => graph.outputs.push(this.#readValue().name));
      else if (reader.field === 15) reader.message(() => graph.sparse.push(this.#readSparse()));
      else reader.skip();
    }
    this.#depth -= 1;
  }

  #readNode(): Node {
    this.#countObject();
    if (++this.#nodes > MOST_NODES) throw new GraphError(`the graph has more than ${MOST_NODES} nodes`);
    const reader = this.#reader;
    const node: Node = {
      name: '',
      operator: '',
      domain: '',
      overload: '',
      inputs: [],
      outputs: [],
      attributes: new Map(),
    };
    while (reader.next()) {
      if (reader.field === 1) node.inputs.push(this.#text());
      else if (reader.field === 2) node.outputs.push(this.#text());
      else if (reader.field === 3) node.name = reader.text();
      else if (reader.field === 4) node.operator = reader.text();
      else if (reader.field === 5) this.#readAttributeInto(node.attributes);
      else if (reader.field === 7) node.domain = canonicalDomain(reader.text());
      else if (reader.field === 8) node.overload = reader.text();
      else reader.skip();
    }
    return node;
  }

  #readAttributeInto(attributes: Map<string, Attribute>): void {
    this.#reader.message(() => {
      const attribute = this.#readAttribute();
      if (attributes.has(attribute.name)) {
        throw new GraphError(`a node has two attributes with the name \`${attribute.name}\``);
      }
      attributes.set(attribute.name, attribute);
    });
  }

  #readAttribute(): Attribute {
    this.#countObject();
    const reader = this.#reader;
    const attribute: Attribute = {
      name: '',
      type: 0,
      reference: '',
      float: undefined,
      int: undefined,
      text: undefined,
      tensor: undefined,
      sparse: undefined,
      graph: undefined,
      ints: NO_NUMBERS,
      floats: NO_NUMBERS,
      strings: NO_TEXTS,
      hasOther: false,
    };
    const single = (value: unknown) => {
      // A protobuf parser would merge two messages into one.
      if (value !== undefined) throw new GraphError(`the attribute \`${attribute.name}\` has two values`);
    };
    while (reader.next()) {
      switch (reader.field) {
        case 1:
          attribute.name = reader.text();
          break;
        case 2:
          attribute.float = reader.float();
          break;
        case 3:
          attribute.int = int64(reader);
          break;
        case 4:
          attribute.text = reader
            .bytes()
            .subarray(0, 64 * 1024)
            .toString('utf8');
          break;
        case 5:
          single(attribute.tensor);
          reader.message(() => (attribute.tensor = this.#readTensor()));
          break;
        case 6: {
          single(attribute.graph);
          const graph = emptyGraph();
          attribute.graph = graph;
          reader.message(() => this.#readGraph(graph));
          break;
        }
        case 7:
          attribute.floats = this.#floats(attribute.floats);
          break;
        case 8:
          attribute.ints = this.#integers(attribute.ints);
          break;
        case 9:
          attribute.strings = this.#texts(attribute.strings);
          break;
        case 20:
          attribute.type = reader.int32();
          break;
        case 21:
          attribute.reference = reader.text();
          break;
        case 22:
          single(attribute.sparse);
          reader.message(() => (attribute.sparse = this.#readSparse()));
          break;
        case 10:
        case 11:
        case 14:
        case 15:
        case 23:
          attribute.hasOther = true;
          reader.skip();
          break;
        default:
          reader.skip();
      }
    }
    return attribute;
  }

  #readTensor(): OnnxTensor {
    this.#countObject();
    const reader = this.#reader;
    const tensor: OnnxTensor = {
      name: '',
      type: 0,
      dims: [],
      raw: undefined,
      floats: NO_NUMBERS,
      ints32: NO_NUMBERS,
      ints64: NO_NUMBERS,
      doubles: NO_NUMBERS,
      uints64: NO_NUMBERS,
      strings: NO_TEXTS,
      external: NOT_EXTERNAL,
    };
    while (reader.next()) {
      switch (reader.field) {
        case 1:
          reader.repeated(0, () => this.#dimension(tensor.dims));
          break;
        case 2:
          tensor.type = reader.int32();
          break;
        case 3:
          throw new GraphError('a tensor is a segment of another');
        case 4:
          tensor.floats = this.#floats(tensor.floats);
          break;
        case 5:
          tensor.ints32 = this.#integers(tensor.ints32);
          break;
        case 6:
          tensor.strings = this.#texts(tensor.strings);
          break;
        case 7:
          tensor.ints64 = this.#integers(tensor.ints64);
          break;
        case 8:
          tensor.name = reader.text();
          break;
        case 9:
          tensor.raw = reader.bytes();
          break;
        case 10:
          tensor.doubles = ownNumbers(tensor.doubles);
          reader.repeated(1, () => this.#keep(tensor.doubles, reader.double()));
          break;
        case 11:
          tensor.uints64 = this.#integers(tensor.uints64);
          break;
        case 13:
          this.#readExternal(tensor);
          break;
        case 14:
          tensor.external = { ...tensor.external, isUsed: reader.int32() === 1 };
          break;
        default:
          reader.skip();
      }
    }
    return tensor;
  }

  #readExternal(tensor: OnnxTensor): void {
    const reader = this.#reader;
    let key = '';
    let value = '';
    reader.message(() => {
      while (reader.next()) {
        if (reader.field === 1) key = reader.text();
        else if (reader.field === 2) value = reader.text();
        else reader.skip();
      }
    });
    if (key === 'location') tensor.external = { ...tensor.external, location: value };
    else if (key === 'offset' || key === 'length') {
      if (!/^\d{1,18}$/.test(value)) throw new GraphError(`the ${key} of external data is not an integer`);
      tensor.external = { ...tensor.external, [key]: BigInt(value) };
    }
  }

  #readSparse(): SparseTensor {
    this.#countObject();
    const reader = this.#reader;
    const sparse: SparseTensor = { dims: [], values: undefined, indices: undefined };
    while (reader.next()) {
      if (reader.field === 1) reader.message(() => (sparse.values = this.#readTensor()));
      else if (reader.field === 2) reader.message(() => (sparse.indices = this.#readTensor()));
      else if (reader.field === 3) reader.repeated(0, () => this.#dimension(sparse.dims));
      else reader.skip();
    }
    return sparse;
  }

  #readFunction(): LocalFunction {
    this.#countObject();
    const reader = this.#reader;
    const found: LocalFunction = {
      name: '',
      domain: '',
      overload: '',
      inputs: [],
      outputs: [],
      nodes: [],
      opsets: new Map(),
      defaults: new Map(),
    };
    while (reader.next()) {
      if (reader.field === 1) found.name = reader.text();
      else if (reader.field === 4) found.inputs.push(this.#text());
      else if (reader.field === 5) found.outputs.push(this.#text());
      else if (reader.field === 7) reader.message(() => found.nodes.push(this.#readNode()));
      else if (reader.field === 9) this.#readOpset(found.opsets);
      else if (reader.field === 10) found.domain = canonicalDomain(reader.text());
      else if (reader.field === 11) this.#readAttributeInto(found.defaults);
      else if (reader.field === 13) found.overload = reader.text();
      else reader.skip();
    }
    return found;
  }

  #readValue(): GraphInput {
    this.#countObject();
    const reader = this.#reader;
    const value: GraphInput = { name: '', type: undefined, dims: undefined };
    let types = 0;
    while (reader.next()) {
      if (reader.field === 1) value.name = reader.text();
      else if (reader.field === 2) {
        reader.message(() => {
          while (reader.next()) {
            if (reader.field === 6) reader.skip();
            else {
              if (++types > 1) throw new GraphError(`the value \`${value.name}\` has two types`);
              if (reader.field === 1) reader.message(() => this.#readTensorType(value));
              else reader.skip();
            }
          }
        });
      } else reader.skip();
    }
    return value;
  }

  #readTensorType(value: GraphInput): void {
    const reader = this.#reader;
    value.type = 0;
    while (reader.next()) {
      if (reader.field === 1) value.type = reader.int32();
      else if (reader.field === 2) {
        const dims = (value.dims ??= []);
        reader.message(() => {
          while (reader.next()) {
            if (dims.length > MOST_DIMENSIONS)
              throw new GraphError(`a value has more than ${MOST_DIMENSIONS} dimensions`);
            if (reader.field === 1) dims.push(this.#readDimension());
            else reader.skip();
          }
        });
      } else reader.skip();
    }
  }

  #readDimension(): bigint | undefined {
    const reader = this.#reader;
    let size: bigint | undefined;
    reader.message(() => {
      while (reader.next()) {
        if (reader.field === 1) size = int64(reader);
        else {
          // A name after a number replaces it.
          if (reader.field === 2) size = undefined;
          reader.skip();
        }
      }
    });
    // Some converters write 0 or -1 for an unknown size.
    return size !== undefined && size > 0n ? size : undefined;
  }
}

function emptyGraph(): Graph {
  return { nodes: [], inputs: [], outputs: [], initializers: [], sparse: [] };
}

function ownNumbers(field: NumberField): NumberField {
  return field === NO_NUMBERS ? { count: 0, first: [], largest: 0, smallest: 0 } : field;
}

function int64(reader: ProtobufReader): bigint {
  return BigInt(reader.int64());
}
