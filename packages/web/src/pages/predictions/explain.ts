/** Requests explanations of a prediction from the gateway: the extension `explain` of the Open Inference Protocol. */
import { DaisError, type DaisClient, type ErrorCode } from '@dais/api';
import { textOf } from './prediction-rows.ts';

export interface TensorSpec {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface Explained {
  /** `tree_shap`, `exact`, `sampled_shapley`. */
  readonly method: string;
  /** `margin`: raw output of trees, before the link function. */
  readonly scale: string;
  readonly background: number;
  readonly version: string;
  readonly baseline: number;
  readonly output: number;
  /** The sum of all contributions; null: unknown. */
  readonly error: number | null;
  readonly parts: readonly Part[];
}

export interface Part {
  readonly feature: string;
  readonly value: number;
}

export interface ExplainDependencies {
  readonly endpoint: string;
  readonly version: string;
  /** Values of the row, by input name. */
  readonly values: Readonly<Record<string, unknown>>;
}

interface Metadata {
  readonly inputs?: readonly TensorSpec[];
}

/**
 * Explains with the version of the prediction, or with the serving version where that one no longer exists. @throws
 * DaisError of the gateway
 */
export async function explainRow(client: DaisClient, dependencies: ExplainDependencies): Promise<Explained> {
  const base = `v2/models/${encodeURIComponent(dependencies.endpoint)}`;
  const own = `${base}/versions/${encodeURIComponent(dependencies.version)}`;
  const [path, metadata] = await ask<Metadata>(client, own)
    .then((found) => [own, found] as const)
    .catch(async (error: unknown) => {
      if (error instanceof DaisError && error.code === 'not_found')
        return [base, await ask<Metadata>(client, base)] as const;
      throw error;
    });
  const inputs = (metadata.inputs ?? []).map((spec) => tensorOf(spec, dependencies.values));
  return readExplanation(await ask<ExplainAnswer>(client, `${path}/explain`, { inputs }));
}

/** Returns one row of an input as a tensor. @throws DaisError where the row was not stored */
export function tensorOf({ name, datatype, shape }: TensorSpec, values: Readonly<Record<string, unknown>>) {
  const value = values[name];
  if (value === undefined || value === null) {
    throw new DaisError(
      'invalid_state',
      `The input "${name}" is missing, masked or erased, so the prediction cannot be explained.`,
    );
  }
  const data: readonly unknown[] = Array.isArray(value) ? value.flat(Infinity) : [value];
  const sizes = shape.slice(1);
  // An open dimension has the size of the data.
  const known = sizes.filter((size) => size > 0).reduce((product, size) => product * size, 1);
  return { name, datatype, shape: [1, ...sizes.map((size) => (size > 0 ? size : data.length / known))], data };
}

interface ExplainAnswer {
  readonly model_version?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly outputs?: readonly { readonly name: string; readonly data: readonly unknown[] }[];
}

/** The largest contribution comes first. */
export function readExplanation({
  outputs = [],
  parameters = {},
  model_version: version = '',
}: ExplainAnswer): Explained {
  const data = (name: string) => outputs.find((one) => one.name === name)?.data ?? [];
  const features = data('features').map(String);
  const error = data('approximation_error')[0];
  return {
    method: textOf(parameters['method']),
    scale: textOf(parameters['scale']),
    background: Number(parameters['background_rows'] ?? 0),
    version,
    baseline: Number(data('baseline_output')[0]),
    output: Number(data('instance_output')[0]),
    error: typeof error === 'number' ? error : null,
    parts: data('attributions')
      .map((value, at): Part => ({ feature: features[at] ?? String(at), value: Number(value) }))
      .toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value)),
  };
}

async function ask<T>(client: DaisClient, path: string, body?: object): Promise<T> {
  const scope = client.project === undefined ? '' : `p/${encodeURIComponent(client.project)}/`;
  const answer = await fetch(new URL(`${scope}${path}`, `${client.url.replace(/\/$/, '')}/`), {
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  const reported = (await answer.json().catch(() => ({}))) as { readonly error?: string; readonly detail?: string };
  if (answer.ok) return reported as T;
  throw new DaisError(
    codeOf(answer.status),
    reported.error ?? reported.detail ?? `The gateway returned status ${answer.status}.`,
  );
}

function codeOf(status: number): ErrorCode {
  if (status === 404) return 'not_found';
  if (status === 403 || status === 401) return 'forbidden';
  return status >= 500 ? 'model_unavailable' : 'invalid_request';
}
