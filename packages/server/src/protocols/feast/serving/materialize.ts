/** `/materialize` and `/materialize-incremental`: one job per view; the response waits for all of them. */
import {
  listMaterializationsOperation,
  materializeFeaturesOperation,
  readMaterializationOperation,
  type Materialization,
} from '@dais/api/data';
import type { Clock } from '#lib/clock.ts';
import { FeastError, invalid, notFound, rpc } from '../feast-errors.ts';
import { viewManifests, viewFields } from '../registry/apply-object.ts';
import { featureView, streamFeatureView } from '../registry/objects.ts';
import type { RegistryProject } from '../registry/registry-calls.ts';
import type { KnownView } from '../feast-calls.ts';
import { Message } from '../wire/message.ts';

export interface Window {
  readonly mode: 'full' | 'incremental';
  readonly start?: string;
  readonly end?: string;
}

/** In ms, from the first check. */
const FIRST_PAUSE = 25;
const LONGEST_PAUSE = 1000;

/**
 * Returns the named views, or all online views with a dataset.
 * @throws FeastError for a view that does not exist or cannot be materialized
 */
export async function viewsToMaterialize(
  project: RegistryProject,
  named: readonly string[] | undefined,
): Promise<readonly string[]> {
  const kinds = [featureView, streamFeatureView];
  const defined = new Map<string, Buffer>();
  for (const object of kinds) {
    for (const { name, body } of await project.list({ type: object.type })) {
      if (named !== undefined && !named.includes(name)) continue;
      defined.set(name, Buffer.from(body, 'base64'));
      await findSource(project, object, name, Buffer.from(body, 'base64'));
    }
  }
  const ready: string[] = [];
  const without: string[] = [];
  for (const name of named ?? defined.keys()) {
    const view = (await project.call.find('featureView.get', { name })) as KnownView | undefined;
    if (view === undefined) {
      throw notFound('FeatureViewNotFoundException', `Feature view ${name} does not exist in project ${project.name}`);
    }
    if (named === undefined && view.spec.online === false) continue;
    if (view.spec.source.type === 'push') without.push(name);
    else ready.push(name);
  }
  if (without.length > 0 && (named !== undefined || ready.length === 0)) throw noDataset(without);
  return ready;
}

function noDataset(names: readonly string[]): FeastError {
  return invalid(
    `Dais has no data of ${names.join(', ')}. Push it with \`dais data push DATASET FILE\`. The Dataset has the name of the data source, or the name in its tag \`dais.dev/dataset\`. ` +
      'Rows of a view with a client-side transformation can only be pushed.',
  );
}

/** Links views to Datasets that were created after the view. */
async function findSource(
  project: RegistryProject,
  object: typeof featureView,
  name: string,
  body: Buffer,
): Promise<void> {
  const known = (await project.call.find('featureView.get', { name })) as KnownView | undefined;
  if (known?.spec.source.type !== 'push') return;
  const manifests = await viewManifests(project.call, viewFields(object, new Message(body).message(1)));
  const found = manifests.at(-1)?.['spec'] as KnownView['spec'] | undefined;
  if (found?.source.type !== 'dataset') return;
  const definition = await project.need(object, name);
  await project.put(object, { name, body, refersTo: definition.refersTo, manifests });
}

/** Returns views with a running materialization. */
export async function runningViews(project: RegistryProject, names: readonly string[]): Promise<readonly string[]> {
  const busy: string[] = [];
  for (const view of names) {
    const { items } = await project.call(listMaterializationsOperation, { view, limit: 1 });
    if (items.some(({ state }) => state === 'pending' || state === 'running')) busy.push(view);
  }
  return busy;
}

export async function startMaterializations(
  project: RegistryProject,
  names: readonly string[],
  { mode, start, end }: Window,
): Promise<readonly Materialization[]> {
  const started = [];
  for (const view of names) {
    started.push(
      await project.call(materializeFeaturesOperation, {
        view,
        mode,
        ...(start !== undefined && { start }),
        ...(end !== undefined && { end }),
      }),
    );
  }
  return started;
}

/** Resolves when all have ended. @throws FeastError with the failed ones and their errors */
export async function ended(
  project: RegistryProject,
  started: readonly Materialization[],
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const failed: string[] = [];
  for (const { id, view } of started) {
    let pause = FIRST_PAUSE;
    for (;;) {
      const { state, error = state } = await project.call(readMaterializationOperation, { id });
      if (state === 'failed' || state === 'canceled') failed.push(`${view}: ${error}`);
      // The client has disconnected; the jobs continue.
      if (!['pending', 'running'].includes(state) || signal.aborted) break;
      await new Promise<void>((resolve) => {
        clock.after(pause, resolve);
      });
      pause = Math.min(pause * 1.5, LONGEST_PAUSE);
    }
  }
  if (failed.length > 0) {
    throw new FeastError('FeastError', `Materialization failed: ${failed.join('; ')}`, rpc.failedPrecondition, 422);
  }
}
