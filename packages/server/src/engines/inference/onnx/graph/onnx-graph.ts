/** The content of an ONNX graph. Weights are views of the bytes of the file. */

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

/** The values of a repeated number field: their count, and the first ones, for shape tensors. */
export interface NumberField {
  count: number;
  /** A string is an integer that a double cannot represent exactly. */
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
  /** True for lists of graphs, tensors or types, which no operator of a bounded graph has. */
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
  /** Undefined if the value is not a tensor. */
  type: number | undefined;
  /** An undefined dimension is dynamic; undefined as a whole: the rank is unknown. */
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

/** The file is a valid message, but its content is invalid or exceeds the limits of the analysis. */
export class GraphError extends Error {}

/** Maximum number of kept values of a tensor or attribute: longer ones are not shapes. */
export const MOST_VALUES = 1024;
export function canonicalDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}
