/** Explains predictions: Shapley values of the elements of each row, by the best method that the model allows. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DaisError } from '@dais/api/errors';
import type { LoadedModel, ModelFiles } from '#engines/inference/contract.ts';
import { exactShapley, MOST_EXACT, sampledShapley, type Evaluate } from '#lib/shapley/coalitions.ts';
import type { OnnxTrees } from '#lib/shapley/onnx-trees.ts';
import type { ExplainedRow } from '#lib/shapley/tree-rows.ts';
import { exampleRows, inInputOrder, featureNames, mixedRows, splitRows, treeFeatures } from './explain-rows.ts';
import type { LoadedFiles } from '../models/load-model.ts';
import type { ExplainMethod, ExplainRequest, Explanation } from '../serving-protocol.ts';
import type { Tensor } from '../tensors/tensors.ts';
import { TreeExplainer } from './tree-explainer.ts';

const ONNX = '.onnx';
const MOST_ROWS = 64;
const MOST_BACKGROUND = 1000;
/** Most rows that an explanation may run through the model; a small model takes some seconds. */
const MAX_ROWS = 500_000;
/** Rows per model run. */
const ROWS_AT_ONCE = 4096;
const MOST_PAIRS = 500;
/** Twenty evaluations per feature. */
const USUAL_PAIRS = 10;
/** Concurrent explanations of a gateway. They are expensive, and predictions have priority. */
const MOST_AT_ONCE = 2;

export class Explainer {
  readonly #treeExplainer = new TreeExplainer();
  readonly #trees = new WeakMap<LoadedModel, Promise<OnnxTrees | undefined>>();
  #running = 0;

  /**
   * @throws DaisError `invalid_request` for input that cannot be explained, `overloaded` at the limit of concurrent
   * explanations.
   */
  async explain(live: LoadedFiles, request: ExplainRequest): Promise<Explanation> {
    if (this.#running >= MOST_AT_ONCE) {
      throw new DaisError('overloaded', `${this.#running} explanations are in progress. Retry later.`, {
        retryAfter: 1,
      });
    }
    this.#running++;
    try {
      return await this.#explain(live, request);
    } finally {
      this.#running--;
    }
  }

  async #explain(live: LoadedFiles, request: ExplainRequest): Promise<Explanation> {
    const { model, files } = live;
    const rows = splitRows(request.inputs);
    if (rows.length > MOST_ROWS)
      throw wrong(`The request has ${rows.length} rows. An explanation accepts at most ${MOST_ROWS}.`);
    const features = featureNames(request.inputs);
    const backgroundRows = request.background ?? (await exampleRows(files, model.inputs));
    if (backgroundRows === undefined) {
      // The files of a model are removed before it is unloaded, so this is not an error of the request.
      if (!(await isThere(files.folder))) throw new DaisError('model_unavailable', 'The model is being unloaded.');
      const named = model.inputs.map(({ name }) => `"background.${name}"`).join(', ');
      throw wrong(
        `The model has no input example to use as background. Send background rows as inputs ${named}, or log the model with an input example.`,
      );
    }
    const all = splitRows(ordered(backgroundRows, request.inputs));
    const background = request.background === undefined ? all.slice(0, request.mostBackground) : all;
    if (background.length > MOST_BACKGROUND)
      throw wrong(`The request has more than ${MOST_BACKGROUND} background rows, the limit.`);
    const trees = request.method === 'auto' || request.method === 'tree_shap' ? await this.#treesOf(live) : undefined;
    const method = chosen(request.method, trees, features.length);
    const seed = request.seed ?? 0;
    const pairs = request.pairs ?? USUAL_PAIRS;
    checkWork(method, { rows: rows.length, background: background.length, features: features.length, pairs });

    const found: ExplainedRow[] = [];
    for (const row of rows) {
      if (trees !== undefined && method === 'tree_shap')
        found.push(await this.#ofTrees(trees, row, background, request.outputIndex));
      else {
        const output = await outputOf(model, row, request);
        const evaluate = evaluator(model, row, background, features.length, output);
        const shapley = await (method === 'exact'
          ? exactShapley(features.length, evaluate)
          : sampledShapley(features.length, { pairs, seed }, evaluate));
        found.push({ shapley, output: output.index });
      }
      // Let predictions run in between.
      await nextTurn();
    }
    return {
      method,
      features,
      background: background.length,
      seed: method === 'sampled_shapley' ? seed : undefined,
      // Tree explanations apply before the output transformation.
      scale: method === 'tree_shap' && trees !== undefined && trees.transform !== 'NONE' ? 'margin' : 'output',
      attributions: Float64Array.from(found.flatMap(({ shapley }) => Array.from(shapley.attributions))),
      baselines: Float64Array.from(found, ({ shapley }) => shapley.baseline),
      instances: Float64Array.from(found, ({ shapley }) => shapley.instance),
      errors: Float64Array.from(found, ({ shapley }) => shapley.error),
      outputs: Int32Array.from(found, ({ output }) => output),
    };
  }

  async #treesOf({ model, files }: LoadedFiles): Promise<OnnxTrees | undefined> {
    if (model.engine !== 'onnx') return undefined;
    const known = this.#trees.get(model);
    if (known !== undefined) return await known;
    const reading = this.#readTrees(files);
    this.#trees.set(model, reading);
    return await reading;
  }

  async #readTrees({ folder, path = '' }: ModelFiles): Promise<OnnxTrees | undefined> {
    const read = async (file: string) => await this.#treeExplainer.read(await readFile(join(folder, path, file)));
    if (path.endsWith(ONNX)) return await read('');
    const found = (await readdir(join(folder, path))).filter((name) => name.endsWith(ONNX));
    return found.length === 1 ? await read(found[0] as string) : undefined;
  }

  async #ofTrees(
    trees: OnnxTrees,
    row: readonly Tensor[],
    background: readonly (readonly Tensor[])[],
    output: number | undefined,
  ): Promise<ExplainedRow> {
    if (output !== undefined && output >= trees.outputs) {
      throw wrong(`The tree ensemble has ${trees.outputs} outputs. Output ${output} does not exist.`);
    }
    const numbers = (of: readonly Tensor[]) => treeFeatures(trees.inputs, of);
    const requested = { row: numbers(row), background: background.map(numbers), output };
    const { shapley, ...found } = await this.#treeExplainer.explain(trees, requested);
    const attributions = inInputOrder(trees.inputs, row, shapley.attributions);
    return { ...found, shapley: { ...shapley, attributions } };
  }
}

function chosen(requested: ExplainMethod | 'auto', trees: OnnxTrees | undefined, features: number): ExplainMethod {
  if (requested === 'auto')
    return trees !== undefined ? 'tree_shap' : features <= MOST_EXACT ? 'exact' : 'sampled_shapley';
  if (requested === 'tree_shap' && trees === undefined) {
    throw wrong(
      '"tree_shap" requires a model that consists of one ONNX tree ensemble. Use "auto", "exact" or "sampled_shapley".',
    );
  }
  if (requested === 'exact' && features > MOST_EXACT) {
    throw wrong(`"exact" supports at most ${MOST_EXACT} features, and the row has ${features}. Use "sampled_shapley".`);
  }
  return requested;
}

interface Work {
  readonly rows: number;
  readonly background: number;
  readonly features: number;
  readonly pairs: number;
}

function checkWork(method: ExplainMethod, { rows, background, features, pairs }: Work): void {
  if (method === 'tree_shap') return;
  if (pairs < 1 || pairs > MOST_PAIRS) throw wrong(`"paths" must be from 1 to ${MOST_PAIRS}.`);
  const each = method === 'exact' ? 2 ** features : 2 * pairs * (features - 1) + 2;
  const requested = rows * background * each;
  if (requested <= MAX_ROWS) return;
  throw wrong(
    `The explanation needs predictions for ${requested} rows, and the limit is ${MAX_ROWS}. Send fewer rows (${rows}), fewer background rows (${background}) or fewer "paths".`,
  );
}

interface Output {
  readonly name: string;
  readonly index: number;
  readonly width: number;
}

/**
 * Returns the element of the output to explain: the requested one, or the largest of the first floating-point output.
 */
async function outputOf(model: LoadedModel, row: readonly Tensor[], request: ExplainRequest): Promise<Output> {
  const outputs = await model.infer(row);
  const fractions = (tensor: Tensor) => tensor.datatype === 'FP32' || tensor.datatype === 'FP64';
  const found =
    request.output === undefined
      ? (outputs.find(fractions) ?? outputs.find(({ datatype }) => datatype !== 'BYTES'))
      : outputs.find(({ name }) => name === request.output);
  if (found === undefined || found.datatype === 'BYTES') {
    const names = outputs.map(({ name, datatype }) => `${name} (${datatype})`).join(', ');
    throw wrong(
      `The model has no numeric output${request.output === undefined ? '' : ` "${request.output}"`}. Its outputs are ${names}.`,
    );
  }
  const values = Array.from(found.data as Float32Array, Number);
  const index = request.outputIndex ?? largest(values);
  if (index >= values.length)
    throw wrong(`The output "${found.name}" has ${values.length} values per row. Index ${index} does not exist.`);
  return { name: found.name, index, width: values.length };
}

function evaluator(
  model: LoadedModel,
  row: readonly Tensor[],
  background: readonly (readonly Tensor[])[],
  features: number,
  { name, index, width }: Output,
): Evaluate {
  const atOnce = Math.max(1, Math.floor(ROWS_AT_ONCE / background.length));
  return async (coalitions, count) => {
    const values = new Float64Array(count);
    for (let from = 0; from < count; from += atOnce) {
      const to = Math.min(count, from + atOnce);
      const inputs = mixedRows(row, background, coalitions.subarray(from * features, to * features), features);
      const answer = await runRows(model, inputs, name);
      for (let position = 0; position < (to - from) * background.length; position++) {
        values[from + Math.floor(position / background.length)]! +=
          Number(answer[position * width + index]) / background.length;
      }
      await nextTurn();
    }
    return values;
  };
}

/** Runs all rows at once, or row by row if the model does not support batches. */
async function runRows(model: LoadedModel, inputs: readonly Tensor[], output: string): Promise<ArrayLike<unknown>> {
  const ask = async (tensors: readonly Tensor[]) =>
    (await model.infer(tensors, { outputs: [output] })).find(({ name }) => name === output)?.data ?? [];
  if (model.batchable) return await ask(inputs);
  const values: unknown[] = [];
  for (const row of splitRows(inputs)) values.push(...(await ask(row)));
  return values;
}

function ordered(background: readonly Tensor[], inputs: readonly Tensor[]): readonly Tensor[] {
  return inputs.map(({ name, datatype, shape }) => {
    const found = background.find((tensor) => tensor.name === name);
    if (found === undefined)
      throw wrong(`The background rows have no "${name}". Send it as the input "background.${name}".`);
    if (found.datatype === datatype && found.shape.slice(1).join() === shape.slice(1).join()) return found;
    throw wrong(
      `The background of "${name}" is ${found.datatype} [${found.shape.join()}], but the input is ${datatype} [${shape.join()}].`,
    );
  });
}

function largest(values: readonly number[]): number {
  return values.reduce((best, value, at) => (value > (values[best] as number) ? at : best), 0);
}

function wrong(message: string): DaisError {
  return new DaisError('invalid_request', message);
}

async function isThere(folder: string): Promise<boolean> {
  return await stat(folder).then(
    () => true,
    () => false,
  );
}
