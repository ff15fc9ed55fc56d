/**
 * An extension of Dais: `POST /v2/models/NAME/explain` has the request format of `infer`, with background rows as
 * inputs `background.INPUT`. The response contains tensors: attributions, baseline, instance, error. The protocol
 * itself has no explanations.
 */
import { DaisError } from '@dais/api/errors';
import type { ExplainMethod, ServedVariantView, Tensor } from '#gateway/index.ts';
import type { RestRequest } from './rest-request.ts';

const BACKGROUND = 'background.';
const METHODS: readonly (ExplainMethod | 'auto')[] = ['auto', 'tree_shap', 'exact', 'sampled_shapley'];

export async function explainResponse(
  endpoint: string,
  variant: ServedVariantView,
  request: RestRequest,
): Promise<object> {
  const { parameters, id } = request;
  const background = request.inputs.filter(({ name }) => name.startsWith(BACKGROUND)).map(withoutPrefix);
  const method = METHODS.find((one) => one === (parameters['method'] ?? 'auto'));
  if (method === undefined) {
    throw new DaisError('invalid_request', `The parameter "method" must be one of ${METHODS.join(', ')}.`);
  }
  const found = await variant.explain({
    inputs: request.inputs.filter(({ name }) => !name.startsWith(BACKGROUND)),
    background: background.length === 0 ? undefined : background,
    method,
    output: request.outputs?.[0]?.name,
    outputIndex: integerParameter(parameters, 'output_index'),
    pairs: integerParameter(parameters, 'paths'),
    seed: integerParameter(parameters, 'seed'),
  });
  const rows = found.instances.length;
  const column = (name: string, datatype: string, data: Float64Array | Int32Array) => ({
    name,
    datatype,
    shape: [rows],
    // With one pair of permutations, the error is unknown.
    data: Array.from(data, (value) => (Number.isFinite(value) ? value : null)),
  });
  return {
    model_name: endpoint,
    model_version: variant.version,
    ...(id !== undefined && { id }),
    parameters: {
      method: found.method,
      scale: found.scale,
      background_rows: found.background,
      ...(found.seed !== undefined && { seed: found.seed }),
    },
    outputs: [
      {
        name: 'attributions',
        datatype: 'FP64',
        shape: [rows, found.features.length],
        data: Array.from(found.attributions),
      },
      { name: 'features', datatype: 'BYTES', shape: [found.features.length], data: found.features },
      column('baseline_output', 'FP64', found.baselines),
      column('instance_output', 'FP64', found.instances),
      column('approximation_error', 'FP64', found.errors),
      column('output_index', 'INT32', found.outputs),
    ],
  };
}

function withoutPrefix(tensor: Tensor): Tensor {
  return { ...tensor, name: tensor.name.slice(BACKGROUND.length) };
}

function integerParameter(parameters: RestRequest['parameters'], name: string): number | undefined {
  const value = parameters[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new DaisError('invalid_request', `The parameter "${name}" must be an integer, not ${JSON.stringify(value)}.`);
}
