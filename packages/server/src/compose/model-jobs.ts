/** The dependencies of model jobs; see compose.ts. */
import type { BlobStore, LocalBlobs } from '#engines/blobs/contract.ts';
import { marksOf } from '#ledgers/data/index.ts';
import type { ModelJobsLedger, ModelJobsParts } from '#ledgers/model-jobs/index.ts';
import type { ColumnMask } from '@dais/api/data';
import type { Transaction } from '#kernel/transaction.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import { Lazy } from '#lib/lazy.ts';
import { openInference } from './gateway.ts';
import type { IsolationPaths } from './isolation.ts';
import type { BenchParts, GatewayBench } from '#control/model-bench.ts';

/** Long work on versions of models. Their engines are loaded with the first job. */
export async function loadModelJobs({
  masks,
  isolation,
  isolationPaths,
  ...parts
}: Omit<ModelJobsParts, 'host' | 'hostExplainable' | 'converter' | 'marks' | 'artifactRoot' | 'data'> & {
  readonly data: {
    readonly database: ModelJobsParts['database'];
    readonly blobs: BlobStore & Partial<LocalBlobs>;
    readonly folder: string;
  };
  readonly isolation: Isolation;
  /** For the threads that explain. */
  readonly isolationPaths: IsolationPaths;
  /** What is masked in a dataset. */
  readonly masks: (tx: Transaction, dataset: string) => Promise<readonly ColumnMask[]>;
}): Promise<ModelJobsLedger> {
  const [{ CONVERTERS, planConversion }, { convertedFiles, exampleFiles }] = await Promise.all([
    import('#engines/inference/python/conversion-plan.ts'),
    import('#engines/inference/python/converted-files.ts'),
  ]);
  const engines = new Lazy(async () => await openInference({ clock: parts.clock, log: parts.log, isolation }));
  return (await import('#ledgers/model-jobs/index.ts')).ledger.open({
    ...parts,
    artifactRoot: 'mlflow-artifacts:',
    marks: async (tx, dataset) => marksOf(await masks(tx, dataset)),
    converter: {
      packages: CONVERTERS,
      plan: planConversion,
      files: convertedFiles,
      exampleFiles,
      open: async ({ mlmodel, ...request }) => {
        const { OnnxConverter } = await import('#engines/inference/python/onnx-converter.ts');
        return await new OnnxConverter({ ...parts, isolation }).open({ ...request, plan: planConversion(mlmodel) });
      },
    },
    host: async (request, onPhase) => {
      const { TableModel } = await import('#gateway/tables/table-model.ts');
      return await TableModel.open(request, await engines.get(), onPhase);
    },
    hostExplainable: async (request, onPhase) => {
      const { ExplainingThread } = await import('#gateway/tables/explaining-thread.ts');
      return await ExplainingThread.open(request, { log: parts.log, setup: isolationPaths, onPhase });
    },
  });
}

/** Where versions of models are loaded and tried, apart from what serves. */
export async function openBench({
  dataFolder,
  ...parts
}: Omit<BenchParts, 'folder'> & { readonly dataFolder: string }): Promise<GatewayBench> {
  const bench = await import('#control/model-bench.ts');
  return new bench.GatewayBench({ ...parts, folder: `${dataFolder}/serving/bench` });
}
