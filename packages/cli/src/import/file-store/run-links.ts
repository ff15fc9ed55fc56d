/** Datasets that a run used, and logged models that it used and created. */
import { join } from 'node:path';
import type { DatasetInput } from '@dais/api/tracking';
import type { SourceRun } from '../source.ts';
import { foldersIn, metaMap, metaNumber, metaOf, metaText } from './store-files.ts';

/** Ids are names of folders, and never paths. */
const ID = /^[\w-]+$/;

export async function runLinks(
  experiment: string,
  run: string,
): Promise<Pick<SourceRun, 'datasets' | 'modelInputs' | 'modelOutputs'>> {
  const datasets: DatasetInput[] = [];
  const modelInputs: string[] = [];
  const modelOutputs: { modelId: string; step: number }[] = [];
  for (const name of await foldersIn(join(run, 'inputs'))) {
    const input = (await metaOf(join(run, 'inputs', name))) ?? {};
    const id = metaText(input, 'source_id');
    if (!ID.test(id)) continue;
    if (input['source_type'] === 'MODEL') modelInputs.push(id);
    if (input['source_type'] !== 'DATASET') continue;
    const meta = await metaOf(join(experiment, 'datasets', id));
    if (meta === undefined) continue;
    const [schema, profile] = [metaText(meta, 'schema'), metaText(meta, 'profile')];
    datasets.push({
      dataset: {
        name: metaText(meta, 'name'),
        digest: metaText(meta, 'digest'),
        sourceType: metaText(meta, 'source_type'),
        source: metaText(meta, 'source'),
        ...(schema !== '' && { schema }),
        ...(profile !== '' && { profile }),
      },
      tags: metaMap(input, 'tags'),
    });
  }
  for (const name of await foldersIn(join(run, 'outputs'))) {
    const output = (await metaOf(join(run, 'outputs', name))) ?? {};
    const modelId = metaText(output, 'destination_id');
    if (ID.test(modelId)) modelOutputs.push({ modelId, step: metaNumber(output, 'step') });
  }
  return { datasets, modelInputs, modelOutputs };
}
