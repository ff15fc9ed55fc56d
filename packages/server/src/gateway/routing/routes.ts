/**
 * The active and the desired state of the gateway. An endpoint changes when the models of all its variants are loaded;
 * until then it stays unchanged. Permissions and removals apply immediately.
 */
import { DaisError } from '@dais/api/errors';
import { endpointHash, type ServedEndpoint, type ServedModel, type Snapshot } from '@dais/api/gateway';
import { ModelSlot, type ModelSlotDependencies } from '../models/model-slot.ts';
import type { SwapOutcome } from '../options.ts';
import {
  routeTable,
  type EndpointLoad,
  type EndpointRoute,
  type RouteTable,
  type RouteVariant,
} from './route-table.ts';
import { Quotas } from './quotas.ts';
import { ServedAccess } from './served-access.ts';
import { VariantCounters } from './variant-counts.ts';

/** A shadow has an instance of its own: its requests share no batch or queue with served requests. */
const SHADOW = 'shadow:';

export class Routes {
  readonly #dependencies: ModelSlotDependencies;
  readonly #slots = new Map<string, ModelSlot>();
  readonly #loads = new Map<string, EndpointLoad>();
  readonly #counters = new Map<string, VariantCounters>();
  #desired: Snapshot;
  #access: ServedAccess;
  #table: RouteTable;
  readonly #closing = new Set<Promise<void>>();
  readonly quotas = new Quotas();

  constructor(dependencies: ModelSlotDependencies) {
    // An endpoint that waits for the server of a remote model changes when the model is loaded.
    this.#dependencies = { ...dependencies, onRetried: () => this.#publish() };
    this.#desired = NOTHING;
    this.#access = new ServedAccess(NOTHING.access);
    this.#table = routeTable(NOTHING.revision, this.#access, new Map());
  }

  get table(): RouteTable {
    return this.#table;
  }

  /** The latest snapshot, whether or not it is fully active. */
  get desired(): Snapshot {
    return this.#desired;
  }

  /** Whether every variant of the latest snapshot is loaded or failed. */
  get settled(): boolean {
    return this.#desired.models.every(({ key }) => this.#slots.get(key)?.state !== 'loading');
  }

  slots(): Iterable<ModelSlot> {
    return this.#slots.values();
  }

  /**
   * `cold`: models that can scale to zero are loaded by their first request. Throws immediately for an invalid
   * snapshot; immediate changes are active when it returns.
   */
  swap(snapshot: Snapshot, { cold }: { readonly cold: boolean }): Promise<SwapOutcome> {
    if (snapshot.revision < this.#desired.revision) {
      const { revision } = this.#desired;
      throw new DaisError('conflict', `Snapshot ${snapshot.revision} is older than the active snapshot ${revision}.`);
    }
    checkNames(snapshot);
    this.#desired = snapshot;
    const { journal } = this.#dependencies;
    const resumed = new Set(
      snapshot.models.flatMap(({ key, resumes = 0 }) => (journal.resume(key, resumes) ? [key] : [])),
    );
    journal.keepOnly(new Set(snapshot.models.map(({ key }) => key)));
    this.quotas.replace(snapshot.quotas ?? []);
    this.#access = new ServedAccess(snapshot.access);
    const models = new Map(snapshot.models.map((model) => [model.key, model]));
    const needed = new Map<string, ModelSlot>();
    for (const endpoint of snapshot.endpoints) {
      for (const { model } of endpoint.variants) needed.set(model, this.#slot(model, models));
      for (const { model } of endpoint.shadow) needed.set(SHADOW + model, this.#slot(SHADOW + model, models));
    }
    this.#publish();
    return this.#load(snapshot, needed, { cold, resumed });
  }

  async #load(
    snapshot: Snapshot,
    needed: ReadonlyMap<string, ModelSlot>,
    { cold, resumed }: { readonly cold: boolean; readonly resumed: ReadonlySet<string> },
  ): Promise<SwapOutcome> {
    const failed = new Map<string, string>();
    await Promise.all(
      [...needed].map(async ([key, slot]) => {
        if (cold && slot.served.workers.min === 0) return;
        slot.forgive();
        // A model that has been loaded before and is scaled to zero stays so with a new snapshot.
        if (slot.proven && !resumed.has(slot.served.key)) return;
        try {
          await slot.wake();
        } catch (error) {
          if (!key.startsWith(SHADOW)) failed.set(key, error instanceof Error ? error.message : String(error));
        }
        this.#publish();
      }),
    );
    this.#publish();
    return { revision: snapshot.revision, failed };
  }

  async close(): Promise<void> {
    await Promise.all(this.#closing);
    await Promise.all([...this.#slots.values()].map(async (slot) => await slot.close()));
  }

  #slot(key: string, models: ReadonlyMap<string, ServedModel>): ModelSlot {
    const found = this.#slots.get(key);
    if (found !== undefined) return found;
    const served = models.get(key.startsWith(SHADOW) ? key.slice(SHADOW.length) : key) as ServedModel;
    const slot = new ModelSlot(key, served, this.#dependencies);
    this.#slots.set(key, slot);
    return slot;
  }

  #publish(): void {
    const endpoints = new Map<string, EndpointRoute>();
    for (const served of this.#desired.endpoints) {
      const name = `${served.project}/${served.name}`;
      const before = this.#table.endpoints.get(name);
      const next = this.#route(served);
      const ready = next.variants.every(({ slot }) => slot.proven);
      // Reset the counters of a deleted endpoint of the same name.
      const keep = !ready && before !== undefined && before.served.uid === served.uid;
      endpoints.set(name, keep ? before : next);
    }
    this.#table = routeTable(this.#desired.revision, this.#access, endpoints);
    this.#letGo();
  }

  #route(served: ServedEndpoint): EndpointRoute {
    const { uid } = served;
    const load: EndpointLoad = this.#loads.get(uid) ?? {
      queue: { rows: 0, bytes: 0 },
      running: 0,
      shadow: { requests: 0, bytes: 0 },
    };
    this.#loads.set(uid, load);
    const variant = (name: string, key: string, weight: number): RouteVariant => {
      const slot = this.#slots.get(key) as ModelSlot;
      const path = `${uid}/${name}/${key}`;
      const counters = this.#counters.get(path) ?? new VariantCounters();
      this.#counters.set(path, counters);
      return { name, weight, model: slot.served, slot, counters };
    };
    return {
      served,
      variants: served.variants.map(({ name, model, weight }) => variant(name, model, weight)),
      shadows: served.shadow.map(({ name, model, percent }) => ({ ...variant(name, SHADOW + model, 0), percent })),
      load,
      hash: endpointHash(uid),
    };
  }

  /** Closes models that neither the active nor the desired state uses, and removes stale counters. */
  #letGo(): void {
    const used = new Set<ModelSlot>();
    const locations = new Set<string>();
    const uids = new Set<string>();
    for (const route of this.#table.endpoints.values()) {
      uids.add(route.served.uid);
      for (const { name, slot, model } of route.variants) {
        used.add(slot);
        locations.add(`${route.served.uid}/${name}/${model.key}`);
      }
      for (const { name, slot, model } of route.shadows) {
        used.add(slot);
        locations.add(`${route.served.uid}/${name}/${SHADOW}${model.key}`);
      }
    }
    for (const { uid, variants, shadow } of this.#desired.endpoints) {
      uids.add(uid);
      for (const { name, model } of variants) locations.add(`${uid}/${name}/${model}`);
      for (const { name, model } of shadow) locations.add(`${uid}/${name}/${SHADOW}${model}`);
      for (const { model } of variants) used.add(this.#slots.get(model) as ModelSlot);
      for (const { model } of shadow) used.add(this.#slots.get(SHADOW + model) as ModelSlot);
    }
    for (const [key, slot] of this.#slots) {
      if (used.has(slot)) continue;
      this.#slots.delete(key);
      const closing = slot
        .close()
        .catch((error: unknown) => this.#dependencies.log.error('cannot unload a model', { error }))
        .finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }
    for (const path of this.#counters.keys()) if (!locations.has(path)) this.#counters.delete(path);
    for (const uid of this.#loads.keys()) if (!uids.has(uid)) this.#loads.delete(uid);
  }
}

const NOTHING: Snapshot = {
  v: 1,
  revision: -1,
  at: '1970-01-01T00:00:00Z',
  // Without a snapshot, all calls are rejected.
  access: { mode: 'tokens', tokens: [], offlineMs: 0 },
  models: [],
  endpoints: [],
};

/** Rules beyond the schema. */
function checkNames({ models, endpoints }: Snapshot): void {
  const keys = new Set(models.map(({ key }) => key));
  for (const { project, name, variants, shadow } of endpoints) {
    for (const { model } of [...variants, ...shadow]) {
      if (!keys.has(model)) {
        throw new DaisError(
          'invalid_request',
          `The endpoint ${project}/${name} refers to the model ${model}, which the snapshot does not contain.`,
        );
      }
    }
  }
}
