/** The ledgers of predictions, model scanning, monitoring and model jobs; see compose.ts. */
import type { ColumnMask } from '@dais/api/data';
import type { PredictionsLedger, PredictionsDependencies } from '#ledgers/predictions/index.ts';
import type { MonitoringLedger, MonitoringDependencies } from '#ledgers/monitoring/index.ts';
import { type DataDependencies, marksOf } from '#ledgers/data/index.ts';
import type { SafetyLedger, SafetyDependencies } from '#ledgers/safety/index.ts';
import type { BlobStore, LocalBlobs } from '#engines/blobs/contract.ts';
import type { ModelJobsLedger, ModelJobsDependencies } from '#ledgers/model-jobs/index.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import { Lazy } from '#lib/concurrency/lazy.ts';
import type { BenchDependencies, GatewayBench } from '#control/model-bench.ts';
import { predictionSpool, openInference } from './gateway.ts';
import type { IsolationPaths } from './isolation.ts';

/** What endpoints answered. */
export async function loadPredictions({
  data,
  ...dependencies
}: Omit<PredictionsDependencies, 'spool' | 'usage'> & {
  /** The data folder. */
  readonly data: string;
}): Promise<PredictionsLedger> {
  const [{ ledger }, { recordUsage: usage }] = await Promise.all([
    import('#ledgers/predictions/index.ts'),
    import('#ledgers/usage/index.ts'),
  ]);
  return ledger.open({ ...dependencies, usage, spool: predictionSpool(data) });
}

/** What is in the files of model versions. */
export async function loadSafety(dependencies: Omit<SafetyDependencies, 'artifactRoot'>): Promise<SafetyLedger> {
  return (await import('#ledgers/safety/index.ts')).ledger.open({ ...dependencies, artifactRoot: 'mlflow-artifacts:' });
}

/** What monitors find. */
export async function loadMonitoring({
  local,
  masked,
  ...dependencies
}: Omit<MonitoringDependencies, 'versions' | 'notify'> &
  Pick<MonitoringDependencies['versions'], 'masked'> & {
    /** Where the files of versions are found. */
    readonly local: Pick<DataDependencies, 'database' | 'blobs' | 'folder'>;
  }): Promise<MonitoringLedger> {
  const [{ ledger }, data, { enqueueAlert }] = await Promise.all([
    import('#ledgers/monitoring/index.ts'),
    import('#ledgers/data/index.ts'),
    import('#kinds/alert-channel/index.ts'),
  ]);
  const versions: MonitoringDependencies['versions'] = {
    read: data.readVersion,
    resolve: data.resolveVersion,
    next: data.nextReady,
    withTable: async (version, work) =>
      await data.withLocalFiles(local, version, async (files) => await work(data.tableOf(version, files))),
    masked,
  };
  return ledger.open({ ...dependencies, versions, notify: enqueueAlert });
}

/** Long work on versions of models. Their engines are loaded with the first job. */
export async function loadModelJobs({
  masks,
  isolation,
  isolationPaths,
  ...dependencies
}: Omit<ModelJobsDependencies, 'host' | 'hostExplainable' | 'converter' | 'marks' | 'artifactRoot' | 'data'> & {
  readonly data: {
    readonly database: ModelJobsDependencies['database'];
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
  const engines = new Lazy(
    async () => await openInference({ clock: dependencies.clock, log: dependencies.log, isolation }),
  );
  return (await import('#ledgers/model-jobs/index.ts')).ledger.open({
    ...dependencies,
    artifactRoot: 'mlflow-artifacts:',
    marks: async (tx, dataset) => marksOf(await masks(tx, dataset)),
    converter: {
      packages: CONVERTERS,
      plan: planConversion,
      files: convertedFiles,
      exampleFiles,
      open: async ({ mlmodel, ...request }) => {
        const { OnnxConverter } = await import('#engines/inference/python/onnx-converter.ts');
        return await new OnnxConverter({ ...dependencies, isolation }).open({
          ...request,
          plan: planConversion(mlmodel),
        });
      },
    },
    host: async (request, onPhase) => {
      const { TableModel } = await import('#gateway/tables/table-model.ts');
      return await TableModel.open(request, await engines.get(), onPhase);
    },
    hostExplainable: async (request, onPhase) => {
      const { ExplainingThread } = await import('#gateway/tables/explaining-thread.ts');
      return await ExplainingThread.open(request, { log: dependencies.log, setup: isolationPaths, onPhase });
    },
  });
}

/** Where versions of models are loaded and tried, apart from what serves. */
export async function openBench({
  dataFolder,
  ...dependencies
}: Omit<BenchDependencies, 'folder'> & { readonly dataFolder: string }): Promise<GatewayBench> {
  const bench = await import('#control/model-bench.ts');
  return new bench.GatewayBench({ ...dependencies, folder: `${dataFolder}/serving/bench` });
}
