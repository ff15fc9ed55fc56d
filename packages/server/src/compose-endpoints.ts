/** The lists of what endpoints stand on, in the control process and in the gateway's; see compose.ts. */
import type { InferenceEngine } from '#engines/inference/contract.ts';
import type { CaptureSink } from '#gateway/index.ts';
import type { ServingLedger, ServingParts } from '#ledgers/serving/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

export type { EndpointWork, GatewayAnswer, GatewayLink, ServingLedger } from '#ledgers/serving/index.ts';
export { RecentFigures } from '#ledgers/serving/index.ts';

/** Endpoints: what answers at each, and how it came there. */
export async function loadServing(parts: Omit<ServingParts, 'artifactRoot'>): Promise<ServingLedger> {
  return (await import('#ledgers/serving/index.ts')).servingLedger({
    ...parts,
    artifactRoot: 'mlflow-artifacts:',
  });
}

/** What loads models, in the order in which they are asked. */
export async function openInference(parts: {
  readonly clock: Clock;
  readonly log: Log;
}): Promise<readonly InferenceEngine[]> {
  const [{ OnnxInference }, { PythonInference }] = await Promise.all([
    import('#engines/inference/onnx/onnx-engine.ts'),
    import('#engines/inference/python/python-engine.ts'),
  ]);
  return [new OnnxInference(parts), new PythonInference(parts)];
}

/** What keeps predictions, if anything does. */
export async function openCapture(_folder: string, _log: Log): Promise<CaptureSink | undefined> {
  return await Promise.resolve(undefined);
}
