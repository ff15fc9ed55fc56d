/** The parts of an ONNX graph as a file holds them. Weights are views of the file's bytes. */

/** Values of TensorProto.DataType. */
export const ElementType = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const;

export interface OnnxTensor {
  name: string;
  type: number;
  dims: bigint[];
  /** `raw_data`; undefined: the values are in a typed field. */
  raw: Buffer | undefined;
  floats: NumberField;
  ints32: NumberField;
  ints64: NumberField;
  doubles: NumberField;
  uints64: NumberField;
  strings: TextField;
  external: { isUsed: boolean; location: string; offset: bigint; length: bigint | undefined };
}

/** The values of one repeated number: how many, and the first of them, for tensors that describe shapes. */
export interface NumberField {
  count: number;
  /** A text is a whole number that a double does not hold exactly. */
  readonly first: (number | string)[];
  largest: number;
  smallest: number;
}

export interface TextField {
  count: number;
  bytes: number;
  longest: number;
}

export interface SparseTensor {
  readonly dims: bigint[];
  values: OnnxTensor | undefined;
  indices: OnnxTensor | undefined;
}

export interface Attribute {
  name: string;
  type: number;
  /** Set in the body of a function: the attribute of the call. */
  reference: string;
  float: number | undefined;
  int: bigint | undefined;
  text: string | undefined;
  tensor: OnnxTensor | undefined;
  sparse: SparseTensor | undefined;
  graph: Graph | undefined;
  ints: NumberField;
  floats: NumberField;
  strings: TextField;
  /** It holds what no operator of a bounded graph has: lists of graphs, tensors or types. */
  hasOther: boolean;
}

export interface Node {
  name: string;
  operator: string;
  domain: string;
  overload: string;
  readonly inputs: string[];
  readonly outputs: string[];
  readonly attributes: Map<string, Attribute>;
}

export interface GraphInput {
  name: string;
  /** Undefined for what is no tensor. */
  type: number | undefined;
  /** An undefined dimension is open; undefined as a whole: even the rank is open. */
  dims: (bigint | undefined)[] | undefined;
}

export interface Graph {
  readonly nodes: Node[];
  readonly inputs: GraphInput[];
  readonly outputs: string[];
  readonly initializers: OnnxTensor[];
  readonly sparse: SparseTensor[];
}

export interface LocalFunction {
  name: string;
  domain: string;
  overload: string;
  readonly inputs: string[];
  readonly outputs: string[];
  readonly nodes: Node[];
  readonly opsets: Map<string, bigint>;
  /** Attributes with a default value. */
  readonly defaults: Map<string, Attribute>;
}

export interface OnnxModel {
  irVersion: bigint;
  readonly opsets: Map<string, bigint>;
  readonly graph: Graph;
  readonly functions: LocalFunction[];
}

/** The file is a valid message but says something that no exporter writes, or has more than is analyzed. */
export class GraphFault extends Error {}

/** Values of one tensor or attribute that are kept: longer ones do not describe shapes. */
export const MOST_VALUES = 1024;
export function canonicalDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}
