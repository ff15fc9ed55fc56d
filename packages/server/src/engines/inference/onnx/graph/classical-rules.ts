/** Operators of `ai.onnx.ml`: trees, linear models, support vectors, encoders. ONNX itself infers few of their shapes. */
import { ElementType, GraphError } from './onnx-graph.ts';
import type { NodeView, Rule, Rules } from './node-view.ts';
import { Size } from './size.ts';
import { bytesOf, elementsOf, mostElements, repeatText, tensor, type TensorValue } from './tensor-value.ts';

/** Rows and columns; a vector is one row, like in the kernels. */
function matrix(node: NodeView): { rows: Size; columns: Size } {
  const { dims } = node.input(0);
  if (dims.length === 1) return { rows: Size.one, columns: dims[0]! };
  if (dims.length === 2) return { rows: dims[0]!, columns: dims[1]! };
  throw new GraphError('its input is not a matrix');
}

function labels(node: NodeView, ...names: readonly string[]): { count: bigint; type: number; each: bigint } {
  for (const name of names) {
    const { count } = node.list(name);
    if (count === 0) continue;
    const isText = name.endsWith('strings');
    return {
      count: BigInt(count),
      type: isText ? ElementType.string : ElementType.int64,
      each: BigInt(node.longestText(name)),
    };
  }
  return { count: 0n, type: ElementType.int64, each: 0n };
}

/** A label and a score per class; for two classes, one coefficient may produce two scores. */
function classified(node: NodeView, rows: Size, { count, type, each }: ReturnType<typeof labels>): TensorValue[] {
  const classes = Size.of(count < 2n ? 2n : count);
  return [tensor(type, [rows], { text: { each, total: undefined } }), tensor(ElementType.float, [rows, classes])].slice(
    0,
    Math.max(1, node.node.outputs.length),
  );
}

/** The runtime reads features by the indices in the file without checking them. */
function checkFeatures(node: NodeView, name: string, columns: Size): void {
  const { count, largest, smallest } = node.list(name);
  if (count > 0 && (smallest < 0 || BigInt(Math.trunc(largest)) >= columns.high)) {
    throw new GraphError(`\`${name}\` refers to feature ${smallest < 0 ? smallest : largest} of ${columns.high}`);
  }
  if (columns.known === undefined) throw new GraphError('the number of its features is not known before a run');
}

/** Nodes of all trees, each visited at most once per row, and scores of each thread. */
function trees(node: NodeView, nodes: string, rows: Size, outputs: bigint): void {
  node.costs(rows.high * BigInt(node.list(nodes).count) + rows.high * outputs * 4n, rows.high * outputs * 16n * 4n);
}

const treeClassifier: Rule = (node) => {
  const { rows, columns } = matrix(node);
  checkFeatures(node, 'nodes_featureids', columns);
  const found = labels(node, 'classlabels_strings', 'classlabels_int64s');
  checkTargets(node, 'class_ids', found.count);
  trees(node, 'nodes_modes', rows, found.count + 2n);
  return classified(node, rows, found);
};

function checkTargets(node: NodeView, name: string, count: bigint): void {
  const { largest, smallest } = node.list(name);
  if (smallest < 0 || BigInt(Math.trunc(largest)) >= (count > 1n ? count : 1n))
    throw new GraphError(`\`${name}\` refers to an output that does not exist`);
}

const treeRegressor: Rule = (node) => {
  const { rows, columns } = matrix(node);
  const ids = node.node.operator === 'TreeEnsemble' ? 'nodes_featureids' : 'nodes_featureids';
  checkFeatures(node, ids, columns);
  const targets = node.int('n_targets', 1n);
  if (targets < 1n) throw new GraphError('`n_targets` is less than 1');
  checkTargets(node, node.node.operator === 'TreeEnsemble' ? 'leaf_targetids' : 'target_ids', targets);
  trees(node, node.node.operator === 'TreeEnsemble' ? 'nodes_featureids' : 'nodes_modes', rows, targets);
  return [
    tensor(
      node.input(0).type === ElementType.double && node.node.operator === 'TreeEnsemble'
        ? ElementType.double
        : ElementType.float,
      [rows, Size.of(targets)],
    ),
  ];
};

const linearClassifier: Rule = (node) => {
  const { rows, columns } = matrix(node);
  const found = labels(node, 'classlabels_strings', 'classlabels_ints');
  const coefficients = BigInt(node.list('coefficients').count);
  const scores = BigInt(node.list('intercepts').count);
  checkProduct(coefficients, scores, columns);
  node.costs(2n * rows.high * coefficients, 2n * rows.high * (scores + columns.high) * 4n);
  const count = found.count > scores ? found.count : scores;
  return classified(node, rows, { ...found, count });
};

function checkProduct(coefficients: bigint, outputs: bigint, columns: Size): void {
  if (columns.known === undefined || coefficients !== outputs * columns.known) {
    throw new GraphError(`it has ${coefficients} coefficients for ${outputs} outputs of ${columns.high} features`);
  }
}

const linearRegressor: Rule = (node) => {
  const { rows, columns } = matrix(node);
  const targets = node.int('targets', 1n);
  const coefficients = BigInt(node.list('coefficients').count);
  if (targets < 1n) throw new GraphError('`targets` is less than 1');
  checkProduct(coefficients, targets, columns);
  node.costs(2n * rows.high * coefficients, rows.high * columns.high * 4n);
  return [tensor(ElementType.float, [rows, Size.of(targets)])];
};

/** Kernels of each row with each support vector, and votes of each pair of classes. */
function supportVectors(node: NodeView, classes: bigint): Size {
  const { rows, columns } = matrix(node);
  if (columns.known === undefined) throw new GraphError('the number of its features is not known before a run');
  const values = BigInt(node.list('support_vectors').count);
  const vectors = columns.known === 0n ? 0n : values / columns.known;
  if (vectors * columns.known !== values) throw new GraphError('its support vectors do not match its features');
  const pairs = classes * classes + 2n;
  const coefficients = BigInt(node.list('coefficients').count);
  node.costs(
    rows.high * (32n * values + vectors * (classes + 1n) + pairs * 8n + 2n * coefficients),
    rows.high * (vectors + pairs * 3n + columns.high) * 8n,
  );
  return rows;
}

const svmClassifier: Rule = (node) => {
  const found = labels(node, 'classlabels_strings', 'classlabels_ints');
  const rows = supportVectors(node, found.count);
  const hasProbabilities = node.list('prob_a').count > 0;
  // Without probabilities there can be a score per pair of classes.
  const pairs = (found.count * (found.count - 1n)) / 2n;
  const count = hasProbabilities || found.count > pairs ? found.count : pairs;
  return classified(node, rows, { ...found, count });
};

const svmRegressor: Rule = (node) => [tensor(ElementType.float, [supportVectors(node, 1n), Size.one])];

const toFloat: Rule = (node) => {
  const { dims, most } = node.input(0);
  return [tensor(ElementType.float, dims, { ...(most !== undefined && { most }) })];
};

const sameType: Rule = (node) => {
  const { type, dims } = node.input(0);
  return [tensor(type, dims)];
};

const labelEncoder: Rule = (node) => {
  const x = node.input(0);
  const kinds = [
    ['values_strings', ElementType.string],
    ['values_int64s', ElementType.int64],
    ['values_floats', ElementType.float],
  ] as const;
  node.costs(mostElements(x) * 64n + bytesOf(x));
  if (node.opset < 2) {
    const type = x.type === ElementType.string ? ElementType.int64 : ElementType.string;
    const each = Math.max(node.longestText('classes_strings'), node.text('default_string')?.length ?? 7);
    return [tensor(type, x.dims, { text: { each: BigInt(each), total: undefined } })];
  }
  const found = kinds.find(([name]) => node.list(name).count > 0);
  const values = node.attribute('values_tensor')?.tensor;
  if (found === undefined && values === undefined) throw new GraphError('it has no values');
  const type = found?.[1] ?? values!.type;
  const longest = Math.max(
    node.longestText('values_strings'),
    values?.strings.longest ?? 0,
    node.attribute('default_tensor')?.tensor?.strings.longest ?? 0,
  );
  const each = Math.max(longest, Buffer.byteLength(node.text('default_string') ?? '_Unused'));
  return [tensor(type, x.dims, { text: { each: BigInt(each), total: undefined } })];
};

const oneHotEncoder: Rule = (node) => {
  const x = node.input(0);
  const { count } = labels(node, 'cats_strings', 'cats_int64s');
  node.costs(mostElements(x) * (64n + count));
  return [tensor(ElementType.float, [...x.dims, Size.of(count)])];
};

const featureExtractor: Rule = (node) => {
  const [x, indices] = [node.input(0), node.input(1)];
  const count = elementsOf(indices.dims);
  const rows = x.dims.length < 2 ? [Size.one] : x.dims.slice(0, -1);
  return [tensor(x.type, [...rows, count], repeatText(x, count.high))];
};

const featureVectorizer: Rule = (node) => {
  const columns = node
    .inputs()
    .reduce(
      (sum, x) => sum.plus(x.dims.length < 2 ? Size.of(elementsOf(x.dims).high) : elementsOf(x.dims.slice(1))),
      Size.zero,
    );
  const [first] = node.input(0).dims;
  return [tensor(ElementType.float, [node.input(0).dims.length < 2 ? Size.one : first!, columns])];
};

/** In the domain `ai.onnx`. */
export const tfIdf: Rule = (node) => {
  const x = node.input(0);
  const { largest, count, smallest } = node.list('ngram_indexes');
  if (count === 0 || smallest < 0) throw new GraphError('its `ngram_indexes` are missing or negative');
  const width = Size.of(BigInt(Math.trunc(largest)) + 1n);
  const skips = node.int('max_skip_count', 0n) + 1n;
  const lengths = node.int('max_gram_length', 1n);
  if (lengths < 1n || lengths > 64n || skips < 1n || skips > 1024n)
    throw new GraphError('the lengths of its n-grams are not analyzed');
  const rows = x.dims.length < 2 ? [] : [x.dims[0]!];
  const y = tensor(ElementType.float, [...rows, width]);
  node.costs(mostElements(x) * lengths * lengths * skips * 64n + mostElements(y), mostElements(y) * 4n);
  return [y];
};

/** A map for each row: a tree with an entry for each class. */
const zipMap: Rule = (node) => {
  const x = node.input(0);
  const { count, each } = labels(node, 'classlabels_strings', 'classlabels_int64s');
  const entries = elementsOf(x.dims).high;
  node.costs(entries * 200n);
  const rows = x.dims.length < 2 ? 1n : x.dims[0]!.high;
  return [{ kind: 'closed', bytes: rows * 64n + (entries > rows * count ? entries : rows * count) * (96n + each) }];
};

const categoryMapper: Rule = (node) => {
  const x = node.input(0);
  const type = x.type === ElementType.string ? ElementType.int64 : ElementType.string;
  const each = Math.max(node.longestText('cats_strings'), Buffer.byteLength(node.text('default_string') ?? '_Unused'));
  return [tensor(type, x.dims, { text: { each: BigInt(each), total: undefined } })];
};

export const classicalRules: Rules = {
  TreeEnsembleClassifier: treeClassifier,
  TreeEnsembleRegressor: treeRegressor,
  TreeEnsemble: treeRegressor,
  LinearClassifier: linearClassifier,
  LinearRegressor: linearRegressor,
  SVMClassifier: svmClassifier,
  SVMRegressor: svmRegressor,
  Scaler: toFloat,
  Normalizer: toFloat,
  Imputer: sameType,
  Binarizer: sameType,
  LabelEncoder: labelEncoder,
  OneHotEncoder: oneHotEncoder,
  ArrayFeatureExtractor: featureExtractor,
  FeatureVectorizer: featureVectorizer,
  ZipMap: zipMap,
  CategoryMapper: categoryMapper,
};
