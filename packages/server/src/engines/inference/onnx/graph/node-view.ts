/** A view of one node for operator rules: its inputs, attributes and cost. */
import { ElementType, GraphError, type Attribute, type Graph, type Node } from './onnx-graph.ts';
import type { Size } from './size.ts';
import { bytesOf, mostElements, shorten, type TensorValue, type Value } from './tensor-value.ts';

/** Computes the outputs of a node from its inputs. @throws GraphError where no bound is known */
export type Rule = (node: NodeView) => readonly Value[];

export interface Rules {
  readonly [operator: string]: Rule;
}

/** Evaluates a subgraph of a node: `times` is the number of executions per run. */
export type EvaluateGraph = (graph: Graph, inputs: readonly Value[], times: bigint) => readonly Value[];

/** Of TypeProto in AttributeProto. */
const AttributeType = { float: 1, int: 2, text: 3, tensor: 4, graph: 5, floats: 6, ints: 7, texts: 8 } as const;

export class NodeView {
  readonly node: Node;
  /** Version of the node's domain. */
  readonly opset: number;
  readonly evaluateGraph: EvaluateGraph;
  readonly #inputs: readonly (Value | undefined)[];
  readonly #attributes: ReadonlyMap<string, Attribute>;
  #operations: bigint | undefined;
  #scratchBytes = 0n;

  constructor(
    node: Node,
    opset: number,
    inputs: readonly (Value | undefined)[],
    attributes: ReadonlyMap<string, Attribute>,
    evaluateGraph: EvaluateGraph,
  ) {
    this.node = node;
    this.opset = opset;
    this.#inputs = inputs;
    this.#attributes = attributes;
    this.evaluateGraph = evaluateGraph;
  }

  /** Default: the number of elements of inputs and outputs. */
  get operations(): bigint | undefined {
    return this.#operations;
  }

  /** Memory that the kernel allocates in addition to its outputs. */
  get scratchBytes(): bigint {
    return this.#scratchBytes;
  }

  get inputCount(): number {
    return this.#inputs.length;
  }

  costs(operations: bigint, scratchBytes = 0n): void {
    this.#operations = (this.#operations ?? 0n) + operations;
    this.#scratchBytes += scratchBytes;
  }

  needsScratch(bytes: bigint): void {
    this.#scratchBytes += bytes;
  }

  input(at: number): TensorValue {
    const value = this.optional(at);
    if (value === undefined) throw new GraphError(`it has no input ${at + 1}`);
    return value;
  }

  optional(at: number): TensorValue | undefined {
    const value = this.#inputs[at];
    if (value?.kind === 'closed') throw new GraphError(`its input ${at + 1} is not a tensor`);
    return value;
  }

  inputs(): TensorValue[] {
    return this.#inputs.map((_, at) => this.input(at));
  }

  /** Values of an input that determines the size of an output. */
  values(at: number, meaning: string): readonly Size[] {
    const { values } = this.input(at);
    if (values !== undefined) return values;
    const name = shorten(this.node.inputs[at] ?? '');
    throw new GraphError(
      `${meaning} come from the input \`${name}\`, whose values are not known before a run: the size of the output has no limit`,
    );
  }

  /** The same, as numbers that do not depend on the batch. */
  numbers(at: number, meaning: string): readonly bigint[] {
    return this.values(at, meaning).map((value) => {
      if (value.known === undefined) throw new GraphError(`${meaning} depend on the batch`);
      return value.known;
    });
  }

  has(name: string): boolean {
    return this.#attributes.has(name);
  }

  int(name: string): bigint | undefined;
  int(name: string, missing: bigint): bigint;
  int(name: string, missing?: bigint): bigint | undefined {
    const found = this.#attribute(name, AttributeType.int);
    return found === undefined ? missing : (found.int ?? 0n);
  }

  float(name: string): number | undefined {
    const found = this.#attribute(name, AttributeType.float);
    return found === undefined ? undefined : (found.float ?? 0);
  }

  text(name: string): string | undefined {
    const found = this.#attribute(name, AttributeType.text);
    return found === undefined ? undefined : (found.text ?? '');
  }

  ints(name: string): readonly bigint[] | undefined {
    const found = this.#attribute(name, AttributeType.ints);
    if (found === undefined) return undefined;
    if (found.ints.first.length !== found.ints.count) throw new GraphError(`the attribute \`${name}\` is too long`);
    return found.ints.first.map(BigInt);
  }

  floats(name: string): readonly number[] | undefined {
    const found = this.#attribute(name, AttributeType.floats);
    if (found === undefined) return undefined;
    if (found.floats.first.length !== found.floats.count) throw new GraphError(`the attribute \`${name}\` is too long`);
    return found.floats.first.map(Number);
  }

  /** Summary of a list of any type: its length and, for integers, minimum and maximum. Length 0 if it is missing. */
  list(name: string): { readonly count: number; readonly largest: number; readonly smallest: number } {
    const found = this.#attributes.get(name);
    if (found === undefined) return { count: 0, largest: 0, smallest: 0 };
    const { ints, floats, strings } = found;
    if (ints.count > 0) return ints;
    return { count: floats.count + strings.count, largest: 0, smallest: 0 };
  }

  longestText(name: string): number {
    return this.#attributes.get(name)?.strings.longest ?? 0;
  }

  attribute(name: string): Attribute | undefined {
    return this.#attributes.get(name);
  }

  graph(name: string): Graph {
    const found = this.#attribute(name, AttributeType.graph);
    if (found?.graph === undefined) throw new GraphError(`it has no graph \`${name}\``);
    return found.graph;
  }

  /** An axis of a tensor of `rank` dimensions, counted from the front. */
  axis(value: bigint, rank: number): number {
    const axis = Number(value < 0n ? value + BigInt(rank) : value);
    if (axis < 0 || axis >= rank) throw new GraphError(`the axis ${value} is out of range for ${rank} dimensions`);
    return axis;
  }

  /** An attribute before `version`, an input from that version on; undefined if neither exists. */
  attributeOrInput(name: string, at: number, version: number): readonly bigint[] | undefined {
    if (this.opset < version) return this.ints(name);
    return this.optional(at) === undefined ? undefined : this.numbers(at, `the values of \`${name}\``);
  }

  #attribute(name: string, type: number): Attribute | undefined {
    const found = this.#attributes.get(name);
    if (found !== undefined && found.type !== type) throw new GraphError(`the attribute \`${name}\` has a wrong type`);
    return found;
  }
}

/**
 * Number of multiply-add operations of a matrix product that take as long as one other operation. Measured on one core with
 * AVX-512: 28 to 118; older processors are slower.
 */
const VECTOR = 16n;

/** Cost of a matrix product with this many multiply-add operations. Small products are bound by memory. */
export function productOperations(calculations: bigint, inputs: readonly Value[]): bigint {
  return calculations / VECTOR + touched(inputs);
}

/** Elements of all inputs and outputs, which most kernels access once. */
export function touched(values: Iterable<Value | undefined>): bigint {
  let sum = 0n;
  for (const value of values) {
    if (value === undefined) continue;
    sum += value.kind === 'tensor' ? mostElements(value) : value.bytes;
    // Text is copied.
    if (value.kind === 'tensor' && value.type === ElementType.string) sum += bytesOf(value) / 8n;
  }
  return sum;
}
