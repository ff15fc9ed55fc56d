import {
  buildFeaturesOperation,
  checkFeaturesOperation,
  listFeatureBuildsOperation,
  listFeatureViewStatesOperation,
  listMaterializationsOperation,
  materializeFeaturesOperation,
  pushFeaturesOperation,
  readFeatureBuildOperation,
  readFeaturesOperation,
  readHistoryOperation,
  readMaterializationOperation,
} from '@dais/api/data';
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { checkSkew } from './check/check-skew.ts';
import { Catalog } from './definitions/catalog.ts';
import type { FeatureParts } from './features-parts.ts';
import { buildHandler, startBuild } from './history/build.ts';
import { listBuilds, presentBuild, readBuild, type BuildRequest } from './history/build-rows.ts';
import { readHistory } from './history/read-history.ts';
import { listViews } from './list-views.ts';
import { appendHandler } from './materialize/append-job.ts';
import {
  listMaterializations,
  presentMaterialization,
  readMaterialization,
  type ListInput,
} from './materialize/materialization-rows.ts';
import { materializeHandler } from './materialize/materialize-job.ts';
import { startMaterialization, type MaterializeInput } from './materialize/start.ts';
import { dropHandler, featureRetention } from './retention.ts';
import { Packings } from './online/packings.ts';
import { Pusher } from './online/push.ts';
import { OnlineReader, type ReadInput } from './online/read-online.ts';

export interface FeaturesLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
}

/** Features: as they are, as they were, and what brings them. */
export function featuresLedger(parts: FeatureParts & { readonly days: number }): FeaturesLedger {
  const packings = new Packings(parts.database);
  const reader = new OnlineReader(parts, new Catalog(), packings);
  const pusher = new Pusher(parts, packings);
  return {
    jobs: [
      materializeHandler(parts, pusher),
      buildHandler(parts),
      appendHandler(parts),
      dropHandler(parts),
      featureRetention(parts),
    ],
    entries: [
      {
        operation: readFeaturesOperation,
        share: async (tx, calls: readonly Call<ReadInput>[]) => await reader.share(tx, calls),
      },
      { operation: pushFeaturesOperation, perform: async (call) => await pusher.push(call) },
      {
        operation: materializeFeaturesOperation,
        handle: async (tx, call: Call<MaterializeInput>) => await startMaterialization(tx, call, parts.clock.now()),
      },
      {
        operation: readMaterializationOperation,
        handle: async (tx, { input }: Call<{ readonly id: string }>) =>
          presentMaterialization(await readMaterialization(tx, input.id)),
      },
      {
        operation: listMaterializationsOperation,
        handle: async (tx, { input }: Call<ListInput>) => await listMaterializations(tx, input),
      },
      { operation: readHistoryOperation, perform: async (call) => await readHistory(parts, call) },
      {
        operation: buildFeaturesOperation,
        handle: async (tx, call: Call<BuildRequest>) => await startBuild(tx, call, parts),
      },
      {
        operation: readFeatureBuildOperation,
        handle: async (tx, { input }: Call<{ readonly id: string }>) => presentBuild(await readBuild(tx, input.id)),
      },
      {
        operation: listFeatureBuildsOperation,
        handle: async (tx, { input }: Call<{ readonly limit: number; readonly cursor?: string }>) =>
          await listBuilds(tx, input),
      },
      { operation: checkFeaturesOperation, perform: async (call) => await checkSkew(parts, packings, call) },
      { operation: listFeatureViewStatesOperation, handle: listViews },
    ],
  };
}
