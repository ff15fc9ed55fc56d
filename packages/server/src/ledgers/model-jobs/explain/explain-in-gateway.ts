/** Requests an explanation from the gateway, if the version is loaded there. */
import { DaisError } from '@dais/api';
import { z } from 'zod';
import type { GatewayLink } from '#ledgers/serving/index.ts';
import type { JsonValue } from '#lib/formats/json-reader.ts';
import type { HostedExplanation } from '../hosted-model.ts';
import type { CapturedInputs } from './captured-inputs.ts';

const metadataSchema = z.object({
  inputs: z.array(z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) })),
});

const numbers = z.array(z.number().nullable());
const explainedSchema = z.object({
  parameters: z.object({
    method: z.enum(['tree_shap', 'exact', 'sampled_shapley']),
    scale: z.enum(['margin', 'output']),
    background_rows: z.int(),
    seed: z.int().optional(),
  }),
  outputs: z.array(z.object({ name: z.string(), data: z.array(z.unknown()) })),
});

export interface GatewayExplainRequest {
  readonly project: string;
  readonly endpoint: string;
  readonly kept: CapturedInputs;
  readonly output: number | undefined;
}

/**
 * Returns undefined if the gateway does not have this version, or does not respond. @throws DaisError `invalid_request`
 * of the gateway.
 */
export async function explainInGateway(
  gateway: GatewayLink,
  requested: GatewayExplainRequest,
): Promise<HostedExplanation | undefined> {
  const { project, endpoint, kept, output } = requested;
  const part = encodeURIComponent;
  const path = `/p/${part(project)}/v2/models/${part(endpoint)}/versions/${part(kept.version)}`;
  const metadata = await gateway.request(path, {}).catch(() => undefined);
  if (metadata?.status !== 200) return undefined;
  const { inputs } = metadataSchema.parse(JSON.parse(metadata.body));
  const tensors = inputs.flatMap(({ name, datatype, shape }) => {
    const cells = kept.columns.get(name);
    return cells === undefined ? [] : [{ name, datatype, ...shaped(cells, shape) }];
  });
  if (tensors.length < inputs.length) return undefined;
  const parameters = output === undefined ? {} : { output_index: output };
  const body = JSON.stringify({ inputs: tensors, parameters }, exactNumbers);
  const headers = { 'content-type': 'application/json' };
  const answer = await gateway.request(`${path}/explain`, headers, body).catch(() => undefined);
  if (answer?.status === 400) {
    const { error = '' } = JSON.parse(answer.body) as { readonly error?: string };
    throw new DaisError('invalid_request', error);
  }
  if (answer?.status !== 200) return undefined;
  const explanation = explainedSchema.parse(JSON.parse(answer.body));
  const column = (name: string) => explanation.outputs.find((one) => one.name === name)?.data ?? [];
  const values = (name: string) => numbers.parse(column(name)).map((value) => value ?? Number.NaN);
  return {
    method: explanation.parameters.method,
    scale: explanation.parameters.scale,
    background: explanation.parameters.background_rows,
    seed: explanation.parameters.seed,
    features: column('features').map(String),
    attributions: values('attributions'),
    baselines: values('baseline_output'),
    instances: values('instance_output'),
    errors: values('approximation_error'),
    outputs: values('output_index'),
  };
}

function shaped(cells: readonly JsonValue[], shape: readonly number[]) {
  const data = cells.flat() as readonly JsonValue[];
  const known = shape
    .slice(1)
    .filter((size) => size >= 0)
    .reduce((product, size) => product * size, 1);
  const width = cells.length === 0 ? 1 : data.length / cells.length;
  return { shape: [cells.length, ...shape.slice(1).map((size) => (size >= 0 ? size : width / known))], data };
}

/** JavaScript cannot write integers above 2^53 as JSON numbers: text keeps their digits. */
function exactNumbers(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
