/**
 * Publishes the snapshot for the gateway of this machine: endpoints and permissions. Written atomically, then
 * announced.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectSpec } from '@dais/api';
import { snapshotSchema, type ServedEndpoint, type ServedModel, type Snapshot } from '@dais/api/gateway';
import type { Database } from '#engines/database/contract.ts';
import { readByUid } from '#kernel/store.ts';
import { tenantNames } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { readVersion } from '#ledgers/registry/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { Loop } from '#lib/concurrency/loop.ts';
import { allEndpoints, SERVING_CHANNEL, type EndpointRow } from '../endpoints/endpoint-rows.ts';
import type { GatewayLink } from './gateway-link.ts';
import type { LocalModels } from '../models/local-models.ts';
import { readModels, type ModelRow } from '../models/model-rows.ts';
import { safetyOf } from '../models/model-safety.ts';
import { allRunning, weightOf, type RolloutRow } from '../rollouts/rollout-rows.ts';
import type { PublishedSnapshot } from './published-snapshot.ts';
import { RemoteCredentials, type CredentialReference, type FindCredential } from './remote-credentials.ts';
import { servedKey, servedModel } from './served-model.ts';

/** An endpoint as a resource of policies. */
export interface EndpointResource {
  readonly name: string;
  readonly project: string;
  readonly projectId: string;
}

/** Interface to the access control. */
export interface GatewayAccess {
  /** Calls `changed` when permissions may have changed; undefined: they never do. */
  readonly channel: string | undefined;
  /** A version of all inputs of `access` that is quick to read. */
  version(tx: Transaction): Promise<string>;
  access(tx: Transaction, endpoints: readonly EndpointResource[]): Promise<Snapshot['access']>;
}

export interface PublisherDependencies {
  readonly database: Database;
  /** Folder of the snapshot. */
  readonly folder: string;
  readonly models: LocalModels;
  readonly gateway: GatewayLink;
  /** What other nodes read. */
  readonly published: PublishedSnapshot;
  readonly access: GatewayAccess;
  readonly findCredential: FindCredential;
  /** Number of live gateways, which share the rate limits. */
  readonly liveGateways: () => number;
  /** Called with the labels of all models that should have traffic, by key. */
  readonly onTraffic: (models: ReadonlyMap<string, string>) => void;
  /** Called after each comparison of the snapshot with the endpoints. */
  readonly onTurn: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

interface MadeSnapshot {
  readonly snapshot: Omit<Snapshot, 'revision' | 'at'>;
  /** Secrets of remote models, by the key of the model. */
  readonly credentials: ReadonlyMap<string, CredentialReference>;
}

/** Half of the second within which a revoked token must be rejected, if there are no notifications. */
const POLL_MS = 500;
/** A weight of 100 %. */
const WHOLE = 10_000;

export class Publisher {
  readonly #dependencies: PublisherDependencies;
  readonly #loop: Loop;
  readonly #credentials: RemoteCredentials;
  #isDirty = true;
  /** There is an endpoint, or was one since the start. */
  #any = false;
  #version = '';
  #gateways = 1;
  #revision = 0;
  #published = '';
  /** The published snapshot, also of a previous process. */
  #last: Pick<Snapshot, 'models' | 'endpoints'> = { models: [], endpoints: [] };

  constructor(dependencies: PublisherDependencies) {
    this.#dependencies = dependencies;
    this.#loop = new Loop('serving', { ...dependencies, pollMs: POLL_MS }, () => this.#turn());
    this.#credentials = new RemoteCredentials(dependencies);
  }

  async start(): Promise<void> {
    await mkdir(this.#dependencies.folder, { recursive: true, mode: 0o700 });
    const stored = await readFile(join(this.#dependencies.folder, 'snapshot.json'), 'utf8').catch(() => undefined);
    const read = stored === undefined ? undefined : snapshotSchema.safeParse(parseOrNothing(stored));
    if (read?.success === true) {
      this.#last = read.data;
      this.#dependencies.published.set(read.data);
      // It serves what it served before, also without the database.
      this.#dependencies.gateway.setCaughtUp();
    }
    const { database, access } = this.#dependencies;
    const channels = [SERVING_CHANNEL, ...(access.channel === undefined ? [] : [access.channel])];
    const listeners = channels.map(
      (channel) => async (wake: () => void) =>
        await database.listen(channel, () => {
          this.#isDirty = true;
          wake();
        }),
    );
    await this.#loop.start(...listeners);
  }

  /** A change without a notification by a transaction. */
  wake(): void {
    this.#isDirty = true;
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#dependencies.models.close();
  }

  async #turn(): Promise<boolean> {
    const gateways = Math.max(1, this.#dependencies.liveGateways());
    this.#isDirty ||= gateways !== this.#gateways;
    this.#gateways = gateways;
    if (!this.#isDirty && !this.#any) return false;
    await this.#compare();
    this.#dependencies.onTurn();
    return false;
  }

  async #compare(): Promise<void> {
    const { database, access, gateway } = this.#dependencies;
    const isDirty = this.#isDirty;
    this.#isDirty = false;
    const made = await transact(database, { mode: 'read', projectId: 'all' }, async (tx) => {
      const version = await access.version(tx);
      if (!isDirty && version === this.#version) return undefined;
      this.#version = version;
      return await this.#make(tx);
    }).catch((error: unknown) => {
      this.#isDirty = true;
      throw error;
    });
    if (made !== undefined) {
      await this.#credentials.use(made.credentials).catch((error: unknown) => {
        this.#isDirty = true;
        throw error;
      });
      gateway.setCredentials(this.#credentials.values);
      await this.#publish(made.snapshot);
    } else if (await this.#credentials.refresh()) {
      gateway.setCredentials(this.#credentials.values);
      gateway.publish();
    } else if (this.#any) {
      // The snapshot of the gateway is still current.
      gateway.greet();
    }
  }

  async #make(tx: Transaction): Promise<MadeSnapshot | undefined> {
    const rows = await allEndpoints(tx);
    if (rows.length === 0 && !this.#any) return undefined;
    this.#any = true;
    const rollouts = new Map((await allRunning(tx)).map((row) => [row.endpoint, row]));
    const names = await tenantNames(tx.sql, [...new Set(rows.map((row) => row.project_id))]);
    const ids = rows.flatMap((row) => idsOf(row, rollouts.get(row.uid)));
    const known = await readModels(tx, ids);
    const resources = rows.map((row) => ({
      name: row.name,
      project: names.get(row.project_id) ?? '',
      projectId: row.project_id,
    }));
    const access = await this.#dependencies.access.access(tx, resources);
    const models = new Map<string, ServedModel>();
    const desired = new Set<string>();
    const endpoints: ServedEndpoint[] = [];
    const traffic = new Map<string, string>();
    const credentials = new Map<string, CredentialReference>();
    for (const row of rows) {
      const project = names.get(row.project_id) ?? '';
      const rollout = rollouts.get(row.uid);
      for (const id of idsOf(row, rollout)) {
        const model = known.get(id);
        if (model === undefined || model.description.problem !== undefined) continue;
        const { may } = await safetyOf(tx, model);
        if (may === 'not yet') this.#isDirty = true;
        if (may === 'not yet' || may === 'never') continue;
        const key = servedKey(id, row.spec);
        desired.add(key);
        if (hasTraffic(row, rollout, id)) traffic.set(key, model.label);
        const secret = model.description.remote?.credentials;
        if (secret !== undefined) credentials.set(key, { projectId: model.project_id, ...secret });
        const local = this.#dependencies.models.want(key, model);
        if (local.state !== 'here' || models.has(key)) continue;
        const aliases = await aliasesOf(tx, model);
        // If several users log models, a model is not trusted to be loaded in the process of the gateway.
        const trust = access.mode === 'solo' && may === 'anywhere' ? 'trusted' : 'untrusted';
        models.set(key, servedModel(model, row.spec, { project, aliases, trust, environment: local.environment }));
      }
      endpoints.push(this.#unlessLost(row, servedEndpoint(row, rollout, project, models), models, desired));
    }
    this.#dependencies.onTraffic(traffic);
    await this.#dependencies.models.keepOnly(desired);
    const quotas = await quotasOf(tx, names, this.#gateways);
    return { snapshot: { v: 1, access, quotas, models: [...models.values()], endpoints }, credentials };
  }

  /**
   * Keeps the active model: while its files are still being fetched, as after a restart of this process, the published
   * state of the endpoint stays unchanged.
   */
  #unlessLost(
    row: EndpointRow,
    made: ServedEndpoint,
    models: Map<string, ServedModel>,
    desired: Set<string>,
  ): ServedEndpoint {
    const named = [row.stable, ...Object.values(row.active)].flatMap((id) => id ?? []);
    if (named.every((id) => models.has(servedKey(id, row.spec)))) return made;
    const before = this.#last.endpoints.find(({ uid }) => uid === row.uid);
    if (before === undefined) return made;
    const keys = new Set([...before.variants, ...before.shadow].map(({ model }) => model));
    for (const model of this.#last.models) {
      if (!keys.has(model.key)) continue;
      models.set(model.key, model);
      desired.add(model.key);
    }
    return before;
  }

  async #publish(made: Omit<Snapshot, 'revision' | 'at'>): Promise<void> {
    const text = JSON.stringify(made);
    if (text !== this.#published) {
      const now = this.#dependencies.clock.now();
      // Based on the clock, so that it also grows across restarts.
      this.#revision = Math.max(this.#revision + 1, now);
      const snapshot: Snapshot = { ...made, revision: this.#revision, at: new Date(now).toISOString() };
      const file = join(this.#dependencies.folder, 'snapshot.json');
      await writeFile(`${file}.new`, JSON.stringify(snapshot), { mode: 0o600 });
      await rename(`${file}.new`, file);
      this.#published = text;
      this.#last = made;
      this.#dependencies.published.set(snapshot);
    }
    this.#dependencies.gateway.publish();
  }
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Each gateway's part of the quotas of projects with endpoints, from their manifests. */
async function quotasOf(
  { sql }: Transaction,
  projects: ReadonlyMap<string, string>,
  gateways: number,
): Promise<NonNullable<Snapshot['quotas']>> {
  const rows = await readByUid(sql, [...projects.keys()]);
  return rows.flatMap(({ uid, name, spec }) => {
    if (projects.get(uid) !== name) return [];
    const { quotas = {} } = projectSpec.parse(spec);
    const { predictionsPerSecond: perSecond, predictionsPerSecondPerCaller: perCallerPerSecond } = quotas;
    if (perSecond === undefined && perCallerPerSecond === undefined) return [];
    return [
      {
        project: name,
        ...(perSecond !== undefined && { perSecond: perSecond / gateways }),
        ...(perCallerPerSecond !== undefined && { perCallerPerSecond: perCallerPerSecond / gateways }),
      },
    ];
  });
}

/** Masks apply to readers: records are complete. */
function captured({ policy, share, overflow, omit }: EndpointRow['spec']['capture']): ServedEndpoint['capture'] {
  return { policy, share, overflow, omit: [...omit] };
}

function idsOf(row: EndpointRow, rollout: RolloutRow | undefined): readonly string[] {
  return [
    ...(row.stable === null ? [] : [row.stable]),
    ...(rollout === undefined ? [] : [rollout.to_model]),
    ...Object.values(row.active),
    ...Object.values(row.pending),
  ];
}

/** Whether requests of clients should reach the model: it is no shadow, and not in the first step of a rollout. */
function hasTraffic({ stable, active, spec }: EndpointRow, rollout: RolloutRow | undefined, id: string): boolean {
  if (id === stable) return true;
  if (id === rollout?.to_model && weightOf(rollout) > 0) return true;
  return spec.variants.some(({ name, weight }) => weight > 0 && active[name] === id);
}

async function aliasesOf(
  tx: Transaction,
  { project_id: project, name, version }: ModelRow,
): Promise<readonly string[]> {
  if (version === null) return [];
  return await readVersion(tx.sql, project, name, Number(version)).then(
    ({ aliases }) => aliases,
    // Its version has been deleted: the loaded model continues.
    () => [],
  );
}

/** Pure. Models that are not on this machine yet are in no variant. */
function servedEndpoint(
  row: EndpointRow,
  rollout: RolloutRow | undefined,
  project: string,
  models: ReadonlyMap<string, ServedModel>,
): ServedEndpoint {
  const { spec } = row;
  const keyOf = (id: string | null | undefined) => {
    if (id === null || id === undefined) return undefined;
    const key = servedKey(id, spec);
    return models.has(key) ? key : undefined;
  };
  const variants: ServedEndpoint['variants'] = [];
  let rest = WHOLE;
  for (const { name, weight } of spec.variants) {
    const model = keyOf(row.active[name]);
    if (model === undefined) continue;
    const share = Math.round((weight * WHOLE) / 100);
    variants.push({ name, model, weight: share });
    rest -= share;
  }
  const stable = keyOf(row.stable);
  const canary = keyOf(rollout?.to_model);
  const percent = rollout === undefined ? 0 : weightOf(rollout);
  const canaryWeight = canary === undefined ? 0 : Math.round((rest * percent) / 100);
  if (stable !== undefined) variants.unshift({ name: 'stable', model: stable, weight: rest - canaryWeight });
  if (canary !== undefined) variants.push({ name: 'canary', model: canary, weight: canaryWeight });
  const shadow = spec.shadow.flatMap(({ name, percent: share }) => {
    const model = keyOf(row.active[name]);
    return model === undefined ? [] : [{ name, model, percent: share }];
  });
  const named = new Set(variants.map(({ name }) => name));
  return {
    project,
    name: row.name,
    uid: row.uid,
    generation: Number(row.revision),
    variants,
    pins: [
      ...spec.pins.filter(({ variant }) => named.has(variant)),
      ...variants.map(({ name }) => ({ header: 'dais-variant', value: name, variant: name })),
    ],
    shadow,
    ...(spec.sticky !== undefined && { sticky: spec.sticky }),
    timeoutMs: Math.ceil(spec.timeoutSeconds * 1000),
    bodyBytes: spec.bodyMb * 2 ** 20,
    input: { rows: spec.input.rows, bytes: spec.input.mb * 2 ** 20 },
    queue: { rows: spec.queue.rows, bytes: spec.queue.mb * 2 ** 20 },
    batching: { rows: spec.batching.rows, delayMs: spec.batching.delayMs },
    ...(spec.concurrency !== undefined && { concurrency: spec.concurrency }),
    capture: captured(spec.capture),
    enforce: spec.enforce,
  };
}
