/** What predictions and the safety of models stand on; see compose.ts. */
import type { PredictionsLedger, PredictionsParts } from '#ledgers/predictions/index.ts';
import type { MonitoringLedger, MonitoringParts } from '#ledgers/monitoring/index.ts';
import type { DataParts } from '#ledgers/data/index.ts';
import type { SafetyLedger, SafetyParts } from '#ledgers/safety/index.ts';
import { predictionSpool } from './gateway.ts';

/** What endpoints answered. */
export async function loadPredictions({
  data,
  ...parts
}: Omit<PredictionsParts, 'spool'> & {
  /** The data folder. */
  readonly data: string;
}): Promise<PredictionsLedger> {
  const { ledger } = await import('#ledgers/predictions/index.ts');
  return ledger.open({ ...parts, spool: predictionSpool(data) });
}

/** What is in the files of model versions. */
export async function loadSafety(parts: Omit<SafetyParts, 'artifactRoot'>): Promise<SafetyLedger> {
  return (await import('#ledgers/safety/index.ts')).ledger.open({ ...parts, artifactRoot: 'mlflow-artifacts:' });
}

/** What monitors find. */
export async function loadMonitoring({
  local,
  masked,
  ...parts
}: Omit<MonitoringParts, 'versions' | 'notify'> &
  Pick<MonitoringParts['versions'], 'masked'> & {
    /** Where the files of versions are found. */
    readonly local: Pick<DataParts, 'database' | 'blobs' | 'folder'>;
  }): Promise<MonitoringLedger> {
  const [{ ledger }, data, { enqueueAlert }] = await Promise.all([
    import('#ledgers/monitoring/index.ts'),
    import('#ledgers/data/index.ts'),
    import('#kinds/alert-channel/index.ts'),
  ]);
  const versions: MonitoringParts['versions'] = {
    read: data.readVersion,
    resolve: data.resolveVersion,
    next: data.nextReady,
    withTable: async (version, work) =>
      await data.withLocalFiles(local, version, async (files) => await work(data.tableOf(version, files))),
    masked,
  };
  return ledger.open({ ...parts, versions, notify: enqueueAlert });
}
