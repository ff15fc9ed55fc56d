/** Request parameters of the protocol and its extensions; models do not receive them. */
import type { Parameters } from '#gateway/index.ts';

const OWN: ReadonlySet<string> = new Set(['binary_data_output', 'timeout', 'priority']);

/** Returns the remaining parameters for the model; undefined if there are none. */
export function modelParameters(parameters: Parameters): Parameters | undefined {
  const left = Object.entries(parameters).filter(([key]) => !OWN.has(key) && !key.startsWith('triton_'));
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

export function timeoutMicros(parameters: Parameters): number | undefined {
  const timeout = Number(parameters['timeout']);
  return timeout > 0 ? timeout : undefined;
}
