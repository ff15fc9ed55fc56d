import type { InferRequest } from './serving-door.ts';

/** Returns a key. Requests with the same key can share a model run. */
export function batchGroup(endpoint: string, { inputs, outputs, parameters }: InferRequest): string {
  let key = endpoint;
  for (const { name, datatype, shape } of inputs) {
    key += `|${name}:${datatype}`;
    for (let index = 1; index < shape.length; index++) key += `,${shape[index]}`;
  }
  if (outputs !== undefined) key += `>${outputs.join('>')}`;
  if (parameters !== undefined) key += JSON.stringify(parameters);
  return key;
}
