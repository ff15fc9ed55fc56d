/** A model without an endpoint, asked with tables: what requests are held against, its tables are held against too. */
import { DaisError } from '@dais/api';
import type { ServedModel } from '@dais/api/serving';
import type { InferenceEngine } from '#engines/inference/contract.ts';
import type { JsonValue } from '#lib/json-reader.ts';
import { checkInputs } from '../check-inputs.ts';
import { rowsApart } from '../explain-rows.ts';
import { loadModel, type Loaded } from '../load-model.ts';
import type { ServedDescription } from '../serving-door.ts';
import { joinRows } from '../tensor-rows.ts';
import type { Tensor, TensorSpec } from '../tensors.ts';
import { columnsOf } from '#lib/model-signature.ts';
import { toTensors } from './to-tensors.ts';

export interface TableModelRequest {
  /** What people call it. */
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
  readonly #loaded: Loaded;
  readonly #described: ServedDescription;

  private constructor(loaded: Loaded, described: ServedDescription) {
    this.#loaded = loaded;
    this.#described = described;
  }

  /** @throws DaisError as engines do. */
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
    const loaded = await loadModel(served, { engines, files }, onPhase);
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

  /** Names of the columns of the answer, by the signature. */
  get outputNames(): readonly string[] {
    return columnsOf(this.#described.signature, 'outputs')?.flatMap(({ name }) => name ?? []) ?? [];
  }

  /** What would be wrong with any row of these columns. @throws DaisError `invalid_request`. */
  check(columns: readonly string[]): void {
    this.#tensors({ columns: new Map(columns.map((name) => [name, []])), rows: 0 });
  }

  /** @throws DaisError `invalid_request` for what the model does not take; its issues name the column. */
  async predict(table: Table): Promise<readonly Tensor[]> {
    const { model } = this.#loaded;
    const inputs = this.#tensors(table);
    checkInputs({ inputs }, this.#described);
    if (model.batchable || table.rows <= 1) return await model.infer(inputs);
    const answers: (readonly Tensor[])[] = [];
    for (const row of rowsApart(inputs)) answers.push(await model.infer(row));
    return joinRows(answers);
  }

  async close(): Promise<void> {
    await this.#loaded.model.close();
  }

  #tensors({ columns, rows }: Table): readonly Tensor[] {
    const nested = [...columns.values()].some(([first]) => Array.isArray(first));
    if (!nested) return toTensors({ kind: 'table', columns, rows }, this.#described);
    // A column of lists is a tensor of its own.
    const { inputs } = this.#described;
    const wanted = inputs.length === 0 ? [...columns] : inputs.map(({ name }) => [name, columns.get(name)] as const);
    const values = wanted.map(([name, column]): [string, JsonValue] => {
      if (column === undefined) throw new DaisError('invalid_request', `The column "${name}" is missing.`);
      return [name, [...column]];
    });
    return toTensors({ kind: 'tensors', values: new Map(values) }, this.#described);
  }
}
