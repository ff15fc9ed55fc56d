/** The dependencies of a gateway, loaded where models are opened: nothing here may load a ledger. See compose.ts. */
import { join } from 'node:path';
import type { InferenceEngine } from '#engines/inference/contract.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import type { CaptureSink } from '#gateway/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';

/** Where gateways of this machine write, below the data folder. */
export function predictionSpool(data: string): string {
  return join(data, 'predictions', 'spool');
}

/** Inference engines, in the order of selection. */
export async function openInference(dependencies: {
  readonly clock: Clock;
  readonly log: Log;
  readonly isolation: Isolation;
}): Promise<readonly InferenceEngine[]> {
  const [{ OnnxInference }, { PythonInference }] = await Promise.all([
    import('#engines/inference/onnx/onnx-engine.ts'),
    import('#engines/inference/python/python-engine.ts'),
  ]);
  return [new OnnxInference(dependencies), new PythonInference(dependencies)];
}

/** The engine of models that other servers serve, for gateways. `outbound`: opens a client that also trusts `ca` (PEM). */
export async function openRemoteInference(dependencies: {
  readonly clock: Clock;
  readonly log: Log;
  readonly outbound: (ca: string | undefined) => Promise<Outbound>;
}): Promise<InferenceEngine> {
  const { RemoteInference } = await import('#engines/inference/remote/remote-engine.ts');
  return new RemoteInference(dependencies);
}

/** The number of this node's gateway, which the control process wrote before it wanted a gateway. */
export async function gatewayNumber(data: string): Promise<number> {
  const { readNodeFile } = await import('#ledgers/nodes/node-file.ts');
  const node = await readNodeFile(data);
  if (node?.gateway === undefined)
    throw new Error(`${data} contains no node.json: the control process has not registered this node`);
  return node.gateway;
}

/** Stores predictions until the control process adds them to the ledger. */
export async function openCapture(data: string, number: number, log: Log): Promise<CaptureSink> {
  const { SegmentWriter } = await import('#ledgers/predictions/segment.ts');
  const gateway = String(number);
  return new SegmentWriter({ folder: join(predictionSpool(data), gateway), gateway, now: Date.now, log });
}
