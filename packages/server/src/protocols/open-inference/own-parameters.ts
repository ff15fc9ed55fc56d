/** Parameters of a request that the protocol and its extensions take; models do not see them. */
import type { Parameters } from '#gateway/index.ts';

const OWN: ReadonlySet<string> = new Set(['binary_data_output', 'timeout', 'priority']);

/** What is left for the model; undefined when nothing is. */
export function forModel(parameters: Parameters): Parameters | undefined {
  const left = Object.entries(parameters).filter(([key]) => !OWN.has(key) && !key.startsWith('triton_'));
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

export function timeoutMicros(parameters: Parameters): number | undefined {
  const timeout = Number(parameters['timeout']);
  return timeout > 0 ? timeout : undefined;
}
