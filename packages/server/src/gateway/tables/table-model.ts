/** A model without an endpoint that predicts tables, with the same input checks as requests. */
import { DaisError } from '@dais/api/errors';
import type { ServedModel } from '@dais/api/gateway';
import type { InferenceEngine } from '#engines/inference/contract.ts';
import type { JsonValue } from '#lib/formats/json-reader.ts';
import { columnsOf } from '#lib/model-signature.ts';
import { checkInputs } from '../tensors/check-inputs.ts';
import { exampleRows, splitRows } from '../explain/explain-rows.ts';
import { Explainer } from '../explain/explain.ts';
import { loadModel, type LoadedFiles } from '../models/load-model.ts';
import type { ExplainRequest, Explanation, ServedDescription } from '../serving-protocol.ts';
import type { Tensor, TensorSpec } from '../tensors/tensors.ts';
import { joinOutputs } from './join-outputs.ts';
import { toTensors } from './to-tensors.ts';

export interface TableModelRequest {
  /** Label of the model in messages. */
  readonly label: string;
  readonly folder: string;
  readonly environment?: string | undefined;
  readonly signature: unknown;
  readonly trust: ServedModel['trust'];
}

export interface Table {
  readonly columns: ReadonlyMap<string, readonly JsonValue[]>;
  readonly rows: number;
}

export class TableModel {
  readonly #loaded: LoadedFiles;
  readonly #described: ServedDescription;
  readonly #explainer = new Explainer();

  private constructor(loaded: LoadedFiles, described: ServedDescription) {
    this.#loaded = loaded;
    this.#described = described;
  }

  /** @throws DaisError as the engines do. */
  static async open(
    { label, folder, environment, signature, trust }: TableModelRequest,
    engines: readonly InferenceEngine[],
    onPhase: (phase: string) => void,
  ): Promise<TableModel> {
    const served: ServedModel = {
      key: label,
      project: '',
      name: label,
      aliases: [],
      files: [],
      trust,
      workers: { min: 1, max: 1, idleMs: 0 },
      ...(environment !== undefined && { environment }),
    };
    const files = async () => await Promise.resolve({ folder });
    const loaded = await loadModel(served, { engines, files }, { onPhase });
    const { platform, inputs, outputs } = loaded.model;
    const described = { endpoint: label, version: label, platform, inputs, outputs, signature, enforce: true };
    return new TableModel(loaded, described);
  }

  get engine(): string {
    return this.#loaded.model.engine;
  }

  get outputs(): readonly TensorSpec[] {
    return this.#described.outputs;
  }

  /** Output columns, from the signature. */
  get outputColumns(): readonly { readonly name: string; readonly type: string }[] {
    const columns = columnsOf(this.#described.signature, 'outputs') ?? [];
    return columns.flatMap(({ name, type }) => (name === undefined ? [] : [{ name, type }]));
  }

  /** Returns the error that any row with these columns would cause. @throws DaisError `invalid_request`. */
  check(columns: readonly string[]): void {
    this.#tensors({ columns: new Map(columns.map((name) => [name, []])), rows: 0 });
  }

  /** @throws DaisError `invalid_request` for input that the model does not accept; its issues name the column. */
  async predict(table: Table): Promise<readonly Tensor[]> {
    const { model } = this.#loaded;
    const inputs = this.#tensors(table);
    checkInputs({ inputs }, this.#described);
    if (model.batchable || table.rows <= 1) return await model.infer(inputs);
    const answers: (readonly Tensor[])[] = [];
    for (const row of splitRows(inputs)) answers.push(await model.infer(row));
    return joinOutputs(answers);
  }

  /** Uses the rows of `background`, or the input example of the model. At most 64 rows. */
  async explain(
    table: Table,
    background: Table | undefined,
    how: Pick<ExplainRequest, 'outputIndex' | 'seed' | 'mostBackground'>,
  ): Promise<Explanation> {
    const inputs = this.#tensors(table);
    checkInputs({ inputs }, this.#described);
    const others = background === undefined ? undefined : this.#tensors(background);
    const found = await this.#explainer.explain(this.#loaded, { ...how, inputs, background: others, method: 'auto' });
    return { ...found, features: this.#named(found.features) };
  }

  /** Number of usable background rows in the input example; 0: none. */
  async exampleRows(): Promise<number> {
    const [first] = (await exampleRows(this.#loaded.files, this.#loaded.model.inputs)) ?? [];
    return first?.shape[0] ?? 0;
  }

  /** Explains captured rows: the numbers of each input are one list per row. `background` is an ordinary table. */
  async explainKept(
    { columns, rows }: Table,
    background: Table | undefined,
    how: Pick<ExplainRequest, 'outputIndex' | 'seed' | 'mostBackground'>,
  ): Promise<Explanation> {
    const { inputs } = this.#described;
    const values = [...columns].map(([name, cells]): [string, JsonValue] => {
      const shape = inputs.find((input) => input.name === name)?.shape ?? [-1];
      return [name, cells.map((cell) => nest(cell, shape.slice(1)))];
    });
    const tensors = toTensors({ kind: 'tensors', values: new Map(values) }, this.#described);
    checkInputs({ inputs: tensors }, this.#described);
    if (rows === 0) throw new DaisError('invalid_request', 'The request has no rows to explain.');
    const others = background === undefined ? undefined : this.#tensors(background);
    const request = { ...how, inputs: tensors, background: others, method: 'auto' as const };
    const found = await this.#explainer.explain(this.#loaded, request);
    return { ...found, features: this.#named(found.features) };
  }

  async close(): Promise<void> {
    await this.#loaded.model.close();
  }

  /** The features of a single matrix have the column names of the signature. */
  #named(features: readonly string[]): readonly string[] {
    const names = columnsOf(this.#described.signature, 'inputs')?.flatMap(({ name }) => name ?? []) ?? [];
    return this.#described.inputs.length === 1 && names.length === features.length ? names : features;
  }

  #tensors({ columns, rows }: Table): readonly Tensor[] {
    const nested = [...columns.values()].some(([first]) => Array.isArray(first));
    if (!nested) return toTensors({ kind: 'table', columns, rows }, this.#described);
    // A column of lists is a tensor of its own.
    const { inputs } = this.#described;
    const selected = inputs.length === 0 ? [...columns] : inputs.map(({ name }) => [name, columns.get(name)] as const);
    const values = selected.map(([name, column]): [string, JsonValue] => {
      if (column === undefined) throw new DaisError('invalid_request', `The column "${name}" is missing.`);
      return [name, [...column]];
    });
    return toTensors({ kind: 'tensors', values: new Map(values) }, this.#described);
  }
}

/** Reshapes a list of numbers to the row shape of an input; -1 is inferred. */
function nest(cell: JsonValue, shape: readonly number[]): JsonValue {
  if (shape.length === 0) return cell;
  const flat = Array.isArray(cell) ? cell : [cell];
  const known = shape.filter((size) => size >= 0).reduce((product, size) => product * size, 1);
  const sizes = shape.map((size) => (size >= 0 ? size : flat.length / known));
  if (sizes.some((size) => !Number.isInteger(size)) || sizes.reduce((a, b) => a * b, 1) !== flat.length) {
    throw new DaisError(
      'invalid_request',
      `A row has ${flat.length} numbers; the model expects [${shape.join(', ')}].`,
    );
  }
  const level = (at: number, depth: number): JsonValue => {
    if (depth === sizes.length) return flat[at] ?? null;
    const step = sizes.slice(depth + 1).reduce((a, b) => a * b, 1);
    return Array.from({ length: sizes[depth] ?? 0 }, (_, index) => level(at + index * step, depth + 1));
  };
  return level(0, 0);
}
