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
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { checkSkew } from './check/check-skew.ts';
import { Catalog } from './definitions/catalog.ts';
import type { FeatureDependencies } from './features-dependencies.ts';
import { buildHandler, startBuild } from './history/build.ts';
import { listBuilds, presentBuild, readBuild } from './history/build-rows.ts';
import { readHistory } from './history/read-history.ts';
import { listViews } from './list-views.ts';
import { appendHandler } from './materialize/append-job.ts';
import {
  listMaterializations,
  presentMaterialization,
  readMaterialization,
} from './materialize/materialization-rows.ts';
import { materializeHandler } from './materialize/materialize-job.ts';
import { startMaterialization } from './materialize/start.ts';
import { dropHandler, featureRetention } from './retention.ts';
import { Packings } from './online/packings.ts';
import { Pusher } from './online/push.ts';
import { OnlineReader } from './online/read-online.ts';

export interface FeaturesLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
}

/** The feature ledger: online reads, point-in-time reads, pushes and materialization. */
export function featuresLedger(dependencies: FeatureDependencies & { readonly days: number }): FeaturesLedger {
  const packings = new Packings(dependencies.database);
  const reader = new OnlineReader(dependencies, new Catalog(), packings);
  const pusher = new Pusher(dependencies, packings);
  return {
    jobs: [
      materializeHandler(dependencies, pusher),
      buildHandler(dependencies),
      appendHandler(dependencies),
      dropHandler(dependencies),
      featureRetention(dependencies),
    ],
    entries: [
      entry(readFeaturesOperation, { share: async (tx, calls) => await reader.share(tx, calls) }),
      entry(pushFeaturesOperation, { perform: async (call) => await pusher.push(call) }),
      entry(
        materializeFeaturesOperation,
        async (tx, call) => await startMaterialization(tx, call, dependencies.clock.now()),
      ),
      entry(readMaterializationOperation, async (tx, { input }) =>
        presentMaterialization(await readMaterialization(tx, input.id)),
      ),
      entry(listMaterializationsOperation, async (tx, { input }) => await listMaterializations(tx, input)),
      entry(readHistoryOperation, { perform: async (call) => await readHistory(dependencies, call) }),
      entry(buildFeaturesOperation, async (tx, call) => await startBuild(tx, call, dependencies)),
      entry(readFeatureBuildOperation, async (tx, { input }) => presentBuild(await readBuild(tx, input.id))),
      entry(listFeatureBuildsOperation, async (tx, { input }) => await listBuilds(tx, input)),
      entry(checkFeaturesOperation, { perform: async (call) => await checkSkew(dependencies, packings, call) }),
      entry(listFeatureViewStatesOperation, listViews),
    ],
  };
}
