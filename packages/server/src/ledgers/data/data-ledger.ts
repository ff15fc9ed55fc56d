import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { DataDependencies } from './data-dependencies.ts';
import { ingestEntries } from './ingest/ingest-entries.ts';
import { ingestHandler } from './ingest/ingest-job.ts';
import { refreshHandler } from './ingest/refresh.ts';
import { readingEntries } from './reading/reading-entries.ts';
import { dataRetention } from './retention.ts';
import { StepVersions } from './steps/step-versions.ts';
import { VersionMaker } from './versions/version-maker.ts';
import { versionEntries } from './versions/version-entries.ts';

export interface DataLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  /** For modules that create versions. */
  readonly maker: VersionMaker;
  /** For steps of runs. */
  readonly steps: StepVersions;
}

export function dataLedger(dependencies: DataDependencies): DataLedger {
  return {
    entries: [...versionEntries(dependencies), ...ingestEntries(dependencies), ...readingEntries(dependencies)],
    jobs: [ingestHandler(dependencies), refreshHandler(dependencies), dataRetention(dependencies)],
    maker: new VersionMaker(dependencies),
    steps: new StepVersions(dependencies),
  };
}
