import { DaisError } from '@dais/api/errors';
import type { ServedModel } from '@dais/api/gateway';
import type { LoadedModel, LoadOptions, ModelFiles } from '#engines/inference/contract.ts';
import { exampleRows } from '../explain/explain-rows.ts';
import type { GatewayOptions } from '../options.ts';

export interface LoadedFiles {
  readonly model: LoadedModel;
  readonly files: ModelFiles;
}

export type LoadHooks = Pick<LoadOptions, 'onPhase' | 'onEnd' | 'isProven'>;

/** Fetches the files, and loads them with the engine that the model specifies, or the first that supports it. */
export async function loadModel(
  served: ServedModel,
  { engines, files }: Pick<GatewayOptions, 'engines' | 'files'>,
  hooks: LoadHooks,
): Promise<LoadedFiles> {
  hooks.onPhase?.('fetching the files');
  const found = await files(served);
  const { environment } = served;
  const refusals: string[] = [];
  for (const engine of engines) {
    // A model of another server names its engine.
    if (served.engine === undefined ? engine.name === 'remote' : served.engine !== engine.name) continue;
    const refusal = await engine.refusal(found);
    if (refusal === undefined) {
      const model = await engine.load(found, {
        ...hooks,
        trust: served.trust,
        // The test prediction uses the input example.
        sample: async (inputs) => await exampleRows(found, inputs),
        // Further instances start on demand.
        workers: Math.max(1, served.workers.min),
        ...(served.threads !== undefined && { threads: served.threads }),
        ...(served.memoryBytes !== undefined && { memoryBytes: served.memoryBytes }),
        ...(served.loadMs !== undefined && { loadMs: served.loadMs }),
        ...(served.inferMs !== undefined && { inferMs: served.inferMs }),
        ...(served.rows !== undefined && { maxRows: served.rows }),
        ...(environment !== undefined && { environment }),
      });
      return { model, files: found };
    }
    refusals.push(`${engine.name}: ${refusal}`);
  }
  const names = engines.map(({ name }) => name).join(', ');
  throw new DaisError(
    'invalid_request',
    refusals.length > 0
      ? `No engine can load the model. ${refusals.join('; ')}`
      : `The engine ${served.engine} is not available. Available engines: ${names === '' ? 'none' : names}.`,
  );
}
