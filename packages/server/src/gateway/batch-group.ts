import type { InferRequest } from './serving-door.ts';

/** Requests with the same text can share a run of a model. */
export function batchGroup(endpoint: string, { inputs, outputs, parameters }: InferRequest): string {
  let key = endpoint;
  for (const { name, datatype, shape } of inputs) {
    key += `|${name}:${datatype}`;
    for (let place = 1; place < shape.length; place++) key += `,${shape[place]}`;
  }
  if (outputs !== undefined) key += `>${outputs.join('>')}`;
  if (parameters !== undefined) key += JSON.stringify(parameters);
  return key;
}
