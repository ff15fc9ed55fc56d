/** Links of runs to their datasets and logged models. Existing links are unchanged. */
import { logRunInputsOperation, logRunOutputsOperation, type DatasetInput, type RunDataset } from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { noteInputs, noteOutputs } from './run-lineage.ts';
import { activeRun, type ActiveRun } from './run-lookup.ts';

export function linkEntries({ options, clock }: TrackingDependencies): readonly OperationEntry[] {
  return [
    entry(logRunInputsOperation, async (tx, { input }) => {
      const run = await activeRun(tx, input.id);
      await linkDatasets(tx, run, input.datasets ?? [], options.contextTag);
      await linkModels(tx, run, input.models ?? []);
      await noteInputs(tx, input, clock.now());
      return {};
    }),
    entry(logRunOutputsOperation, async (tx, { input }) => {
      await linkOutputs(tx, await activeRun(tx, input.id), input.models);
      noteOutputs(tx, input.id, input.models, clock.now());
      return {};
    }),
  ];
}

interface Outputs {
  readonly id: string;
  readonly models: readonly { readonly modelId: string; readonly step: number }[];
}

/** Links datasets. A dataset is stored once per experiment, by name and digest; its use is stored with the run. */
export async function linkDatasets(
  { sql }: Transaction,
  run: ActiveRun,
  inputs: readonly DatasetInput[],
  contextTag: string,
): Promise<void> {
  if (inputs.length === 0) return;
  const byKey = new Map(inputs.toReversed().map((input) => [keyOf(input.dataset), input]));
  const keys = [...byKey.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  const links = keys.flatMap((key) => byKey.get(key) ?? []);
  const datasets = links.map(({ dataset }) => dataset);
  const names = datasets.map(({ name }) => name);
  const digests = datasets.map(({ digest }) => digest);
  await sql.query(
    `insert into tracking.dataset (project_id, experiment, name, digest, source_type, source, schema, profile)
     select $1, $2, t.* from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) t
     on conflict (experiment, name, digest) do nothing`,
    [
      run.projectId,
      run.experiment,
      names,
      digests,
      datasets.map(({ sourceType }) => sourceType),
      datasets.map(({ source }) => source),
      datasets.map(({ schema = null }) => schema),
      datasets.map(({ profile = null }) => profile),
    ],
    'add_datasets',
  );
  await sql.query(
    `insert into tracking.dataset_input (run, dataset, project_id, tags, context)
     select $1, d.id, $2, t.tags::jsonb, t.context
     from unnest($4::text[], $5::text[], $6::text[], $7::text[]) t (name, digest, tags, context)
     join tracking.dataset d on d.experiment = $3 and d.name = t.name and d.digest = t.digest
     on conflict (run, dataset) do nothing`,
    [
      run.num,
      run.projectId,
      run.experiment,
      names,
      digests,
      links.map(({ tags }) => JSON.stringify(tags)),
      links.map(({ tags }) => tags[contextTag] ?? null),
    ],
    'add_dataset_inputs',
  );
}

const keyOf = ({ name, digest }: RunDataset): string => JSON.stringify([name, digest]);

export async function linkModels({ sql }: Transaction, run: ActiveRun, models: readonly string[]): Promise<void> {
  if (models.length === 0) return;
  await sql.query(
    `insert into tracking.model_input (run, model, project_id) select $1, t.model, $2 from unnest($3::text[]) t (model)
     on conflict (run, model) do nothing`,
    [run.num, run.projectId, [...new Set(models)].toSorted()],
    'add_model_inputs',
  );
}

export async function linkOutputs({ sql }: Transaction, run: ActiveRun, models: Outputs['models']): Promise<void> {
  if (models.length === 0) return;
  const steps = new Map(models.toReversed().map(({ modelId, step }) => [modelId, step]));
  const ids = [...steps.keys()].toSorted();
  await sql.query(
    `insert into tracking.model_output (run, model, project_id, step)
     select $1, t.model, $2, t.step from unnest($3::text[], $4::bigint[]) t (model, step)
     on conflict (run, model) do nothing`,
    [run.num, run.projectId, ids, ids.map((id) => steps.get(id))],
    'add_model_outputs',
  );
}
