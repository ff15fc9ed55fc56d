/** Test fixture: the data ledger with the quality ledger. */
import type { DatasetProfile, QualityCheck, QualityCheckResults, QualityReport } from '@dais/api/data';
import { expect } from 'vitest';
import { startDataWorld, type DataWorld } from '#ledgers/data/testing/data-world.ts';
import {
  decideVersion,
  previousReady,
  readDatasetSpec,
  readVersion,
  resolveVersion,
  tableOf,
  withLocalFiles,
} from '#ledgers/data/index.ts';
import { silentLog } from '#lib/log.ts';
import { qualityLedger, qualitySlice } from '../index.ts';

export interface QualityWorld extends DataWorld {
  /** Waits until the newest check of a version has ended. */
  checked(reference: string): Promise<QualityCheckResults>;
  profiled(reference: string): Promise<DatasetProfile>;
  report(reference: string): Promise<QualityReport>;
  /** Masked columns by dataset. */
  readonly hidden: Map<string, readonly string[]>;
}

export async function startQualityWorld(): Promise<QualityWorld> {
  const hidden = new Map<string, readonly string[]>();
  const world = await startDataWorld(
    {},
    {
      slice: qualitySlice,
      make: ({ query, ...local }) => {
        const { entries, jobs, begin, forget } = qualityLedger({
          database: local.database,
          now: () => Date.now(),
          log: silentLog,
          query,
          versions: {
            read: readVersion,
            resolve: resolveVersion,
            previous: previousReady,
            decide: decideVersion,
            spec: readDatasetSpec,
            withTable: async (version, work) =>
              await withLocalFiles(local, version, async (files) => await work(tableOf(version, files))),
            masked: async (_tx, dataset) =>
              await Promise.resolve((hidden.get(dataset) ?? []).map((column) => ({ column }))),
          },
        });
        return { entries, jobs, hooks: { begin, forget: [forget] } };
      },
    },
  );
  const split = (reference: string) => {
    const [name = '', version = 'latest'] = reference.split('@');
    return { name, version };
  };
  const report = async (reference: string) =>
    await world.dais.call<QualityReport>('qualityReport.get', split(reference));
  return {
    ...world,
    hidden,
    report,
    checked: async (reference) => {
      const { name } = split(reference);
      const { id } = await world.version(reference);
      const newest = async () => {
        const { items } = await world.dais.call<{ items: QualityCheck[] }>('qualityCheck.list', { name });
        return items.find(({ version }) => version === id);
      };
      await expect
        .poll(async () => (await newest())?.endedAt !== undefined, { timeout: 60_000, interval: 50 })
        .toBe(true);
      return await world.dais.call<QualityCheckResults>('qualityCheck.get', { name, check: (await newest())?.id });
    },
    profiled: async (reference) => {
      await expect
        .poll(async () => (await report(reference)).profile !== undefined, { timeout: 60_000, interval: 50 })
        .toBe(true);
      return await world.dais.call<DatasetProfile>('datasetProfile.get', split(reference));
    },
  };
}
