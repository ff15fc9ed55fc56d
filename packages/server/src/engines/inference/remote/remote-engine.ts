/**
 * Serves models that run on another server of the Open Inference Protocol (Triton, MLServer, KServe), over HTTP. Nothing is
 * loaded here: a load reads the metadata of the model, and a prediction is a request to the server.
 */
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { InferenceEngine, LoadedModel, LoadOptions, ModelFiles, RemoteModel } from '../contract.ts';
import { modelLimits } from '../model-limits.ts';
import { RemoteClient } from './remote-client.ts';
import { RemoteServedModel } from './remote-served-model.ts';

export interface RemoteInferenceOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Opens a client that also trusts `ca` (PEM). The engine closes it with the model. */
  readonly outbound: (ca: string | undefined) => Promise<Outbound>;
}

export class RemoteInference implements InferenceEngine {
  readonly name = 'remote';
  readonly #options: RemoteInferenceOptions;

  constructor(options: RemoteInferenceOptions) {
    this.#options = options;
  }

  async refusal({ remote }: ModelFiles): Promise<string | undefined> {
    return await Promise.resolve(remote === undefined ? 'The model is not one of another server.' : undefined);
  }

  async load({ remote }: ModelFiles, options: LoadOptions): Promise<LoadedModel> {
    if (remote === undefined) throw new DaisError('invalid_request', 'The model is not one of another server.');
    options.onPhase?.('connecting to the model server');
    const client = new RemoteClient(remote, await this.#open(remote));
    try {
      await client.requireReady();
      const isBinary = await client.hasBinaryTensors();
      const metadata = await client.metadata();
      const { clock, log } = this.#options;
      return new RemoteServedModel({
        client,
        metadata,
        isBinary,
        concurrency: remote.concurrency,
        inferMs: modelLimits(options, 0).inferMs,
        name: `${remote.url} ${remote.model}`,
        clock,
        log,
      });
    } catch (error) {
      await client.close();
      if (!(error instanceof DaisError) || error.code !== 'address_refused') throw error;
      throw new DaisError('invalid_request', `Dais may not call the model server: ${error.message}.`, { cause: error });
    }
  }

  async #open({ ca }: RemoteModel): Promise<Outbound> {
    try {
      return await this.#options.outbound(ca);
    } catch (error) {
      if (ca === undefined || !(error instanceof DaisError)) throw error;
      const detail = `\`ca\` of the server contains a certificate that cannot be read. Write certificates in PEM format.`;
      throw new DaisError('invalid_request', detail, { cause: error });
    }
  }
}
