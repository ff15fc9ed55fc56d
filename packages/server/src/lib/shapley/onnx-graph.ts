/** Nodes and inputs of an ONNX file, as far as explaining its trees needs them. */
import { ProtobufError, ProtobufReader } from '#lib/formats/protobuf-reader.ts';

export interface OnnxGraph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly GraphInput[];
}

export interface GraphInput {
  readonly name: string;
  /** As ONNX numbers its types of elements. */
  readonly type: number;
  /** Elements of a row; -1 where that is open. */
  readonly width: number;
}

export interface Node {
  op: string;
  readonly inputs: string[];
  readonly outputs: string[];
  readonly attributes: Map<string, Attribute>;
}

export interface Attribute {
  readonly floats: number[];
  readonly ints: number[];
  readonly strings: string[];
  /** Doubles come as tensors; they are left to other methods. */
  tensor: boolean;
}

/** @throws ProtobufError for what is none. */
export function readGraph(bytes: Buffer): OnnxGraph {
  const nodes: Node[] = [];
  const inputs: GraphInput[] = [];
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field !== 7) {
      reader.skip();
      continue;
    }
    reader.message(() => {
      while (reader.next()) {
        if (reader.field === 1) reader.message(() => nodes.push(readNode(reader)));
        else if (reader.field === 11) reader.message(() => inputs.push(readInput(reader)));
        else reader.skip();
      }
    });
  }
  return { nodes, inputs };
}

/** A ValueInfoProto: its tensor's type and the last dimension of its shape. */
function readInput(reader: ProtobufReader): GraphInput {
  let name = '';
  let type = 0;
  const sizes: number[] = [];
  const dimension = () => {
    let size = -1;
    while (reader.next()) {
      if (reader.field === 1) size = Number(reader.value());
      else reader.skip();
    }
    sizes.push(size);
  };
  const shape = () => {
    while (reader.next()) {
      if (reader.field === 1) reader.message(dimension);
      else reader.skip();
    }
  };
  const tensor = () => {
    while (reader.next()) {
      if (reader.field === 1) type = Number(reader.value());
      else if (reader.field === 2) reader.message(shape);
      else reader.skip();
    }
  };
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 2) {
      reader.message(() => {
        while (reader.next()) {
          if (reader.field === 1) reader.message(tensor);
          else reader.skip();
        }
      });
    } else reader.skip();
  }
  return { name, type, width: sizes.length === 2 ? (sizes[1] ?? -1) : -1 };
}

function readNode(reader: ProtobufReader): Node {
  const node: Node = { op: '', inputs: [], outputs: [], attributes: new Map() };
  while (reader.next()) {
    if (reader.field === 1) node.inputs.push(reader.text());
    else if (reader.field === 2) node.outputs.push(reader.text());
    else if (reader.field === 4) node.op = reader.text();
    else if (reader.field === 5) {
      reader.message(() => {
        const [name, attribute] = readAttribute(reader);
        node.attributes.set(name, attribute);
      });
    } else reader.skip();
  }
  return node;
}

/** Repeated numbers are packed into one field by some writers, and a field each by others. */
function readAttribute(reader: ProtobufReader): readonly [string, Attribute] {
  let name = '';
  const attribute: Attribute = { floats: [], ints: [], strings: [], tensor: false };
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 3 || reader.field === 8) {
      const value = reader.value();
      if (Buffer.isBuffer(value)) attribute.ints.push(...packedNumbers(value));
      else attribute.ints.push(Number(value));
    } else if (reader.field === 2 || reader.field === 7) {
      const value = reader.value();
      if (!Buffer.isBuffer(value) || value.length % 4 !== 0) throw new ProtobufError('a number is not a float');
      for (let at = 0; at < value.length; at += 4) attribute.floats.push(value.readFloatLE(at));
    } else if (reader.field === 4 || reader.field === 9) attribute.strings.push(reader.bytes().toString('latin1'));
    else {
      if (reader.field === 5) attribute.tensor = true;
      reader.skip();
    }
  }
  return [name, attribute];
}

function* packedNumbers(bytes: Buffer): Generator<number> {
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte >= 128) continue;
    yield value;
    value = 0;
    scale = 1;
  }
}
