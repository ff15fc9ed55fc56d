/**
 * Computes the maximum memory and time of a run from the bytes of an ONNX file. It loads nothing into a runtime, so analyzing a
 * hostile file costs no more than its size.
 *
 * Every dimension is a polynomial in the dynamic dimensions of the inputs (size.ts), whose range covers each admitted batch,
 * and shape tensors are computed during the analysis. Declared shapes of values and outputs are not trusted and are ignored. An
 * operator, type or dimension without a known limit ends the analysis with a reason.
 */
import { ProtobufError } from '#lib/formats/protobuf-reader.ts';
import { classicalRules, tfIdf } from './classical-rules.ts';
import { controlRules } from './control-rules.ts';
import { elementwiseRules } from './elementwise-rules.ts';
import { microsoftRules } from './microsoft-rules.ts';
import { movementRules } from './movement-rules.ts';
import { networkRules } from './network-rules.ts';
import { NodeView, touched, type Rules } from './node-view.ts';
import { GraphError, type Attribute, type Graph, type LocalFunction, type Node, type OnnxModel } from './onnx-graph.ts';
import { readOnnxModel } from './onnx-graph-reader.ts';
import { quantizedRules } from './quantized-rules.ts';
import { selectionRules } from './selection-rules.ts';
import { bigger, Size } from './size.ts';
import {
  bytesOf,
  mostElements,
  shorten,
  tensor,
  tensorOf,
  tensorOfSparse,
  type TensorValue,
  type Value,
} from './tensor-value.ts';

export interface OnnxBoundOptions {
  /** Maximum rows of one run: the bound holds for every batch from 0 rows up to this. */
  readonly maxBatch: number;
  /** Maximum size of every other dynamic dimension of an input. Without it, a model with such a dimension is not bounded. */
  readonly maxOpenDimension?: number;
  /** Bytes of text that the inputs of one run may have in total. Default 1 MiB. */
  readonly maxTextBytes?: number;
  /** Size in bytes of each external data file, by its location in the ONNX file. */
  readonly externalData?: ReadonlyMap<string, number>;
}

/** The node whose outputs take the most memory, for messages. */
export interface LargestNode {
  readonly operator: string;
  readonly node: string;
  readonly bytes: number;
}

export type OnnxBound =
  | {
      readonly bounded: true;
      /**
       * Maximum memory of loading and one run at the largest admitted batch: weights, inputs, outputs of all nodes, scratch.
       */
      readonly peakBytes: number;
      /** The part of `peakBytes` for loading: weights, and values that the runtime computes from constants. */
      readonly loadBytes: number;
      /** Operations of loading: reading, optimizing each node, computing constants. */
      readonly loadOperations: number;
      /** Estimate of arithmetic operations of one run at the largest admitted batch; 10⁹ take about one second on one core. */
      readonly operations: number;
      readonly largest: LargestNode | undefined;
    }
  | {
      readonly bounded: false;
      /** Contains the operator and the node: "operator Loop in node `x`: …". */
      readonly reason: string;
    };

/** Opset versions that the rules support. */
const OPSETS: ReadonlyMap<string, readonly [oldest: number, newest: number]> = new Map([
  ['', [7, 25]],
  ['ai.onnx.ml', [1, 5]],
  ['com.microsoft', [1, 1]],
]);

const RULES: ReadonlyMap<string, ReadonlyMap<string, Rules[string]>> = new Map(
  Object.entries({
    '': {
      ...elementwiseRules,
      ...movementRules,
      ...selectionRules,
      ...networkRules,
      ...quantizedRules,
      TfIdfVectorizer: tfIdf,
      ...controlRules,
    },
    'ai.onnx.ml': { ...classicalRules, ...controlRules },
    'com.microsoft': { ...microsoftRules, ...controlRules },
  }).map(([domain, rules]) => [domain, new Map(Object.entries(rules))]),
);

/** The runtime replaces these with constants if the dimensions of the input are fixed. */
const SHAPE_OPERATORS = new Set(['Shape', 'Size']);

const DEFAULT_TEXT_BYTES = 1024 * 1024;
/** Maximum nesting of graphs and functions. */
const DEEPEST = 16;
/** Limit of computed nodes, dimensions and values: nested function calls multiply nodes. */
const MOST_STEPS = 500_000;
/** Cost of each node in the runtime, in operations. */
const NODE_OPERATIONS = 5000n;
/** Cost of each node during graph optimization: measured 145 µs. */
const NODE_LOAD_OPERATIONS = 150_000n;
/** While the runtime computes a constant, it keeps the result, a copy in the graph and a packed copy: measured up to 2.7. */
const COPIES_OF_CONSTANTS = 3n;
/** Cost of writing an element, including page faults. */
const OUTPUT_OPERATIONS = 4n;
/** The runtime's arena keeps freed blocks of other sizes: measured at most 1.04 times the sum of outputs. */
const ARENA_PERCENT = 125n;

/** Never throws for a malformed file: that is a reason. */
export function boundOnnx(file: Buffer, options: OnnxBoundOptions): OnnxBound {
  try {
    return new Analysis(readOnnxModel(file), options, file.length).run();
  } catch (error) {
    if (error instanceof ProtobufError) return { bounded: false, reason: `it is not an ONNX model (${error.message})` };
    if (error instanceof GraphError) return { bounded: false, reason: error.message };
    throw error;
  }
}

interface Scope {
  readonly values: Map<string, Value>;
  /** Names of values that do not depend on an input; the runtime computes them at load. */
  readonly constants: Set<string>;
  readonly outer: Scope | undefined;
}

function scopeWithin(outer: Scope | undefined): Scope {
  return { values: new Map(), constants: new Set(), outer };
}

/** The outputs of a node or function, and which of them are constants. */
interface Evaluated {
  readonly values: readonly Value[];
  readonly areConstant: readonly boolean[];
}

/** Context for the nodes of a graph or function. */
interface GraphContext {
  readonly opsets: ReadonlyMap<string, bigint>;
  /** Of the call, within a function. */
  readonly attributes: ReadonlyMap<string, Attribute> | undefined;
  readonly depth: number;
  /** Number of executions of the nodes in a run. */
  readonly times: bigint;
}

class Analysis {
  readonly #model: OnnxModel;
  readonly #options: OnnxBoundOptions;
  readonly #fileBytes: number;
  readonly #functions = new Map<string, LocalFunction>();
  #steps = 0;
  #weightBytes = 0n;
  #outputBytes = 0n;
  #scratchBytes = 0n;
  #operations = 0n;
  #constantBytes = 0n;
  #loadOperations = 0n;
  #largest: { operator: string; node: string; bytes: bigint } | undefined;

  constructor(model: OnnxModel, options: OnnxBoundOptions, fileBytes: number) {
    this.#model = model;
    this.#options = options;
    this.#fileBytes = fileBytes;
  }

  run(): OnnxBound {
    for (const found of this.#model.functions) {
      if (RULES.has(found.domain))
        throw new GraphError(`the function \`${shorten(found.name)}\` is in a domain of built-in operators`);
      const key = functionKey(found.domain, found.name, found.overload);
      if (this.#functions.has(key)) throw new GraphError(`the function \`${shorten(found.name)}\` is defined twice`);
      this.#functions.set(key, found);
    }
    const scope = scopeWithin(undefined);
    const { graph, opsets } = this.#model;
    const inputBytes = this.#readInputs(graph, scope);
    this.#readWeights(graph, scope);
    this.#evaluateNodes(graph.nodes, scope, { opsets, attributes: undefined, depth: 0, times: 1n });
    // The binding for Node copies what a run returns.
    let givenBytes = 0n;
    for (const name of graph.outputs) {
      const value = scope.values.get(name);
      if (value === undefined) throw new GraphError(`no node computes the output \`${shorten(name)}\``);
      givenBytes += bytesOf(value);
    }
    // The file, its parsed form and the copy of the runtime; a packed copy for matrix products.
    const constants = COPIES_OF_CONSTANTS * this.#constantBytes;
    const loadBytes = 2n * BigInt(this.#fileBytes) + 2n * this.#weightBytes + constants;
    const runBytes = ((this.#outputBytes + this.#scratchBytes) * ARENA_PERCENT) / 100n + inputBytes + givenBytes;
    const loadOperations =
      this.#loadOperations + 2n * BigInt(this.#fileBytes) + 2n * this.#weightBytes + this.#constantBytes;
    const largest = this.#largest;
    return {
      bounded: true,
      peakBytes: Number(loadBytes + runBytes),
      loadBytes: Number(loadBytes),
      loadOperations: Number(loadOperations),
      operations: Number(this.#operations),
      largest: largest && { ...largest, bytes: Number(largest.bytes) },
    };
  }

  /** Reads the dimensions that the runtime checks in each run; each dynamic one is a separate variable. */
  #readInputs(graph: Graph, scope: Scope): bigint {
    const defaults = new Map(graph.initializers.map((initializer) => [initializer.name, initializer]));
    const { maxBatch, maxOpenDimension, maxTextBytes = DEFAULT_TEXT_BYTES } = this.#options;
    let bytes = 0n;
    for (const { name, type, dims } of graph.inputs) {
      const label = `the input \`${shorten(name)}\``;
      const initial = defaults.get(name);
      // Before this version every initializer is an input as well, and none can be replaced.
      if (initial !== undefined && this.#model.irVersion < 4n) continue;
      if (type === undefined) throw new GraphError(`${label} is not a tensor`);
      if (dims === undefined) throw new GraphError(`${label} does not declare its dimensions`);
      const sizes = dims.map((size, at) => {
        if (size !== undefined) return Size.of(size);
        if (at === 0) return Size.between(0n, BigInt(maxBatch));
        if (maxOpenDimension === undefined)
          throw new GraphError(
            `dimension ${at} of ${label} is dynamic: its size has no limit. Export the model with a fixed size`,
          );
        return Size.between(0n, BigInt(maxOpenDimension));
      });
      // A caller may replace the value of an initializer that is an input.
      if (
        (initial !== undefined && !sizes.every((size, at) => size.known === initial.dims[at])) ||
        (initial !== undefined && initial.dims.length !== sizes.length)
      ) {
        throw new GraphError(`${label} and its default value have different dimensions`);
      }
      const text = { each: BigInt(maxTextBytes), total: BigInt(maxTextBytes) };
      const value = this.#within(label, () => tensor(type, sizes, { text }));
      bytes += bytesOf(value);
      this.#define(scope, name, value);
    }
    return bytes;
  }

  #readWeights(graph: Graph, scope: Scope): void {
    const checkExternal = (location: string, end: bigint) => {
      const size = this.#options.externalData?.get(location);
      if (size === undefined) throw new GraphError(`the external data \`${shorten(location)}\` is missing`);
      if (end > BigInt(size))
        throw new GraphError(`the external data \`${shorten(location)}\` has ${size} bytes, but a tensor needs ${end}`);
    };
    const isInput = new Set(graph.inputs.map(({ name }) => name));
    const canBeReplaced = scope.outer === undefined && this.#model.irVersion >= 4n;
    for (const initializer of graph.initializers) {
      this.#step(1);
      const value = tensorOf(initializer, checkExternal);
      this.#weightBytes += bytesOf(value);
      if (canBeReplaced && isInput.has(initializer.name)) {
        if (value.type !== (scope.values.get(initializer.name) as TensorValue).type)
          throw new GraphError(`the input \`${shorten(initializer.name)}\` and its default value have different types`);
        continue;
      }
      this.#define(scope, initializer.name, value);
      scope.constants.add(initializer.name);
    }
    for (const sparse of graph.sparse) {
      this.#step(1);
      const value = tensorOfSparse(sparse, checkExternal);
      this.#weightBytes += bytesOf(value) + (sparse.indices === undefined ? 0n : mostElements(value) / 8n);
      this.#define(scope, sparse.values?.name ?? '', value);
      scope.constants.add(sparse.values?.name ?? '');
    }
  }

  #define(scope: Scope, name: string, value: Value): void {
    if (scope.values.has(name)) throw new GraphError(`the value \`${shorten(name)}\` is defined twice`);
    scope.values.set(name, value);
  }

  #step(count: number): void {
    this.#steps += count;
    if (this.#steps > MOST_STEPS) throw new GraphError('the graph is too large to analyze');
  }

  #within<T>(label: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof GraphError) throw new GraphError(`${label}: ${error.message}`);
      throw error;
    }
  }

  #evaluateNodes(nodes: readonly Node[], scope: Scope, context: GraphContext): void {
    if (context.depth > DEEPEST) throw new GraphError(`graphs and functions are nested more than ${DEEPEST} deep`);
    for (const node of nodes) {
      const { values, areConstant } = this.#evaluate(node, scope, context);
      node.outputs.forEach((name, at) => {
        if (name === '') return;
        if (areConstant[at] === true) scope.constants.add(name);
        const value = values[at];
        if (value === undefined) throw new GraphError(`${labelOf(node)}: its output ${at + 1} is not analyzed`);
        this.#define(scope, name, value);
      });
    }
  }

  #evaluate(node: Node, scope: Scope, context: GraphContext): Evaluated {
    this.#step(1 + node.inputs.length + node.outputs.length);
    const inputs = node.inputs.map((name) => (name === '' ? undefined : lookUp(scope, name)));
    const constants = node.inputs.map((name) => name === '' || isConstant(scope, name));
    const missing = node.inputs.find((name, at) => name !== '' && inputs[at] === undefined);
    const label = labelOf(node);
    if (missing !== undefined)
      throw new GraphError(`${label}: its input \`${shorten(missing)}\` is not computed before it`);
    const attributes = resolveAttributes(node, context.attributes);
    const called = this.#functions.get(functionKey(node.domain, node.operator, node.overload));
    if (called !== undefined) return this.#call(called, inputs, constants, attributes, context, label);
    const rule = RULES.get(node.domain)?.get(node.operator);
    if (rule === undefined) throw new GraphError(`${label}: the memory of this operator is not known`);
    const opset = this.#opset(node, context, label);
    const evaluateGraph = (graph: Graph, given: readonly Value[], times: bigint) =>
      this.#evaluateGraph(graph, given, scope, { ...context, times: context.times * times });
    const view = new NodeView(node, opset, inputs, attributes, evaluateGraph);
    const outputs = this.#labeled(label, () => rule(view));
    const isFolded = constants.every(Boolean) || (SHAPE_OPERATORS.has(node.operator) && outputs.every(hasKnownValues));
    this.#count(view, inputs, outputs, context.times, isFolded);
    return { values: outputs, areConstant: outputs.map(() => isFolded) };
  }

  /** A reason names the innermost node. */
  #labeled<T>(label: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof GraphError) || error.message.startsWith('operator ')) throw error;
      throw new GraphError(`${label}: ${error.message}`);
    }
  }

  #opset(node: Node, { opsets }: GraphContext, label: string): number {
    const version = Number(opsets.get(node.domain) ?? (node.domain === 'com.microsoft' ? 1n : 0n));
    const [oldest, newest] = OPSETS.get(node.domain) ?? [0, 0];
    if (version < oldest || version > newest) {
      throw new GraphError(
        `${label}: version ${version} of the domain \`${node.domain || 'ai.onnx'}\` is not analyzed (${oldest} to ${newest} are)`,
      );
    }
    return version;
  }

  #count(
    view: NodeView,
    inputs: readonly (Value | undefined)[],
    outputs: readonly Value[],
    times: bigint,
    areConstant: boolean,
  ): void {
    const { node } = view;
    let bytes = 0n;
    for (const value of outputs) {
      bytes += bytesOf(value);
      this.#step(1 + (value.kind === 'tensor' ? value.dims.length + (value.values?.length ?? 0) : 0));
    }
    const operations = (view.operations ?? touched(inputs)) + OUTPUT_OPERATIONS * touched(outputs);
    this.#loadOperations += NODE_LOAD_OPERATIONS + (areConstant ? operations : 0n);
    if (areConstant) this.#constantBytes += bytes;
    bytes *= times;
    // A constant is in memory twice while the runtime computes it, and again in a run if the runtime computes it there.
    this.#outputBytes += bytes;
    this.#scratchBytes = bigger(this.#scratchBytes, view.scratchBytes);
    this.#operations += times * (NODE_OPERATIONS + operations);
    if (bytes > (this.#largest?.bytes ?? -1n)) {
      this.#largest = { operator: node.operator, node: nameOf(node), bytes };
    }
  }

  #evaluateGraph(graph: Graph, given: readonly Value[], outer: Scope, context: GraphContext): readonly Value[] {
    const scope = scopeWithin(outer);
    if (graph.inputs.length !== given.length)
      throw new GraphError(`its graph has ${graph.inputs.length} inputs, but receives ${given.length}`);
    graph.inputs.forEach(({ name }, at) => this.#define(scope, name, given[at]!));
    this.#readWeights(graph, scope);
    this.#evaluateNodes(graph.nodes, scope, { ...context, depth: context.depth + 1 });
    return graph.outputs.map((name) => {
      const value = lookUp(scope, name);
      if (value === undefined) throw new GraphError(`no node computes the output \`${shorten(name)}\` of its graph`);
      return value;
    });
  }

  #call(
    called: LocalFunction,
    inputs: readonly (Value | undefined)[],
    constants: readonly boolean[],
    attributes: ReadonlyMap<string, Attribute>,
    context: GraphContext,
    label: string,
  ): Evaluated {
    const scope = scopeWithin(undefined);
    if (inputs.length > called.inputs.length)
      throw new GraphError(`${label}: the function has ${called.inputs.length} inputs`);
    called.inputs.forEach((name, at) => {
      const value = inputs[at];
      if (value === undefined) return;
      this.#define(scope, name, value);
      if (constants[at] === true) scope.constants.add(name);
    });
    for (const [domain, version] of called.opsets) {
      const other = context.opsets.get(domain);
      if (other !== undefined && other !== version)
        throw new GraphError(`${label}: the function uses another version of the domain \`${domain || 'ai.onnx'}\``);
    }
    this.#evaluateNodes(called.nodes, scope, {
      opsets: new Map([...context.opsets, ...called.opsets]),
      attributes: new Map([...called.defaults, ...attributes]),
      depth: context.depth + 1,
      times: context.times,
    });
    const values = called.outputs.map((name) => {
      const value = scope.values.get(name);
      if (value === undefined)
        throw new GraphError(`${label}: no node computes the output \`${shorten(name)}\` of the function`);
      return value;
    });
    return { values, areConstant: called.outputs.map((name) => scope.constants.has(name)) };
  }
}

function functionKey(domain: string, name: string, overload: string): string {
  return JSON.stringify([domain, name, overload]);
}

function lookUp(scope: Scope | undefined, name: string): Value | undefined {
  for (let at = scope; at !== undefined; at = at.outer) {
    const value = at.values.get(name);
    if (value !== undefined) return value;
  }
  return undefined;
}

function isConstant(scope: Scope, name: string): boolean {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    if (at.values.has(name)) return at.constants.has(name);
  }
  return false;
}

function hasKnownValues(value: Value): boolean {
  return value.kind === 'tensor' && value.values?.every(({ known }) => known !== undefined) === true;
}

function nameOf(node: Node): string {
  return shorten(node.name || node.outputs[0] || '');
}

function labelOf(node: Node): string {
  const domain = node.domain === '' ? '' : `${shorten(node.domain)}.`;
  return `operator ${domain}${shorten(node.operator)} in node \`${nameOf(node)}\``;
}

/** Attributes that refer to those of the call, replaced by them. */
function resolveAttributes(
  node: Node,
  ofCall: ReadonlyMap<string, Attribute> | undefined,
): ReadonlyMap<string, Attribute> {
  if (![...node.attributes.values()].some(({ reference, hasOther }) => reference !== '' || hasOther))
    return node.attributes;
  const resolved = new Map<string, Attribute>();
  for (const [name, attribute] of node.attributes) {
    if (attribute.hasOther)
      throw new GraphError(`${labelOf(node)}: the type of its attribute \`${shorten(name)}\` is not analyzed`);
    if (attribute.reference === '') resolved.set(name, attribute);
    else {
      const value = ofCall?.get(attribute.reference);
      if (value !== undefined) resolved.set(name, value);
    }
  }
  return resolved;
}
