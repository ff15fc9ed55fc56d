/** The effects of the endpoint controller: reads its facts and performs its decisions. */
import { DaisError, eventTypes, type Resource } from '@dais/api';
import type { Content } from '#kernel/content/content.ts';
import type { ControllerIo } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { buffer } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import {
  changeEndpoint,
  findEndpoint,
  findEndpointForUpdate,
  type EndpointRequest,
  type EndpointRow,
  type QuarantinedModels,
} from './endpoint-rows.ts';
import type { NodeConnections } from '#ledgers/nodes/index.ts';
import type { GatewayFleet } from '../fleet/gateway-fleet.ts';
import { openTestGateway, TestGateways } from '../fleet/test-gateways.ts';
import type { GatewayView } from '../fleet/gateway-view.ts';
import type { GatewayLink } from '../publishing/gateway-link.ts';
import { recordDeployment } from '../lineage.ts';
import { describeModel } from '../models/model-description.ts';
import { storeModel, readModels, type ModelRow } from '../models/model-rows.ts';
import { safetyOf } from '../models/model-safety.ts';
import { resolveModel, type FoundModel, type Resolution } from '../models/model-source.ts';
import { testsOf } from '../model-tests/model-tests.ts';
import {
  readRolloutCounts,
  rolloutKeys,
  startInterval,
  stepFacts,
  type StepFacts,
} from '../rollouts/rollout-counters.ts';
import { runGates } from '../rollouts/rollout-gates.ts';
import {
  advance,
  endRollout,
  openInterval,
  recordInterval,
  runningRollout,
  setPaused,
  startRollout,
  stepsOf,
  type OpenInterval,
  type RecordedInterval,
  type RolloutRow,
  type StepResult,
} from '../rollouts/rollout-rows.ts';
import { servedKey } from '../publishing/served-model.ts';
import { GatewayWaits, mergeStates, stateAt, type ModelState } from './model-states.ts';
import { moveVariants, reevaluateRefused, type EvaluateServing } from './variant-moves.ts';

export interface EndpointWorkDependencies {
  readonly content: Content;
  readonly gateway: GatewayLink;
  readonly fleet: GatewayFleet;
  readonly connections: Pick<NodeConnections, 'request'>;
  readonly now: () => number;
  /** Prefix of the URIs of artifacts that are stored in Dais. */
  readonly artifactRoot: string;
  readonly refusal?: EvaluateServing | undefined;
}

/** The input of the decisions in endpoint-plan.ts. */
export interface EndpointFacts {
  readonly nowMs: number;
  readonly row: EndpointRow;
  /** The model that `spec.model` refers to now. */
  readonly target: Resolution;
  /** The models of further variants and shadows, by name. */
  readonly others: Readonly<Record<string, Resolution>>;
  readonly rollout: RolloutRow | undefined;
  /** Its current step. */
  readonly step: StepFacts | undefined;
  /** Of the rollout that ended last. */
  readonly lastReason: string | undefined;
  /** State of every referenced model, by id. */
  readonly states: ReadonlyMap<string, ModelState>;
  /** A gateway has the new version ready that this node can test it at. */
  readonly canTest: boolean;
  /** The gateway of a node reports metrics. */
  readonly live: boolean;
  /** A gateway has a snapshot that routes requests to the stable version. */
  readonly taken: boolean;
}

/** The effects that endpoint-plan.ts decides. */
export type EndpointEffect =
  | { readonly do: 'describe'; readonly model: FoundModel }
  /** `reference`: what the manifest names. */
  | { readonly do: 'start'; readonly reference: string; readonly to: FoundModel }
  | { readonly do: 'pend'; readonly pending: Readonly<Record<string, string>> }
  | { readonly do: 'activate'; readonly active: Readonly<Record<string, string>> }
  /** Names of variants and shadows whose model a policy has refused for a while. */
  | { readonly do: 'reevaluate'; readonly variants: readonly string[] }
  /** The requested model is active: a later change without a request is a moved alias. */
  | { readonly do: 'settle'; readonly request: EndpointRequest }
  | { readonly do: 'smoke' }
  | { readonly do: 'openInterval'; readonly of: RolloutPosition; readonly start: OpenInterval }
  | { readonly do: 'recordInterval'; readonly of: RolloutPosition; readonly interval: RecordedInterval }
  | { readonly do: 'advance'; readonly of: RolloutPosition; readonly result: StepResult }
  | { readonly do: 'pause'; readonly of: RolloutPosition; readonly reason: string }
  | { readonly do: 'promote'; readonly of: RolloutPosition; readonly result: StepResult }
  /** All quarantined models now; new ones are reported. */
  | { readonly do: 'quarantine'; readonly models: QuarantinedModels }
  | { readonly do: 'end'; readonly of: RolloutPosition; readonly state: RolloutEnd; readonly result: StepResult };

export type RolloutEnd = 'rolledBack' | 'failed' | 'aborted';

/** The rollout and step that a decision is about. */
type RolloutPosition = Pick<RolloutRow, 'id' | 'step' | 'state'>;

const DAMAGE: ReadonlySet<string> = new Set(['content_damaged', 'content_missing']);
/** Damaged files of a model are read again after this time, because they may have been repaired. */
const READ_AGAIN_MS = 2000;
const SYSTEM_BY = 'system:dais';
/** The cause of a change without a request is a moved alias. */
const BY_ALIAS = { by: SYSTEM_BY, cause: 'alias' } as const;

export class EndpointWork {
  readonly #dependencies: EndpointWorkDependencies;
  readonly #waits = new GatewayWaits();
  readonly #tests: TestGateways;
  /** Models whose stored files are damaged, by id. */
  readonly #unreadable = new Map<string, { readonly message: string; readonly at: number }>();

  constructor(dependencies: EndpointWorkDependencies) {
    this.#dependencies = dependencies;
    this.#tests = new TestGateways(dependencies.now);
  }

  async observe({ metadata }: Resource, io: ControllerIo): Promise<EndpointFacts | undefined> {
    return await io.read(async (tx) => {
      const row = await findEndpoint(tx, metadata.uid);
      if (row === undefined) return undefined;
      const resolve = async (reference: string) =>
        await resolveModel(tx, reference, this.#dependencies.artifactRoot, row.spec.servers);
      const target = await resolve(row.spec.model);
      const others: Record<string, Resolution> = {};
      for (const { name, model } of [...row.spec.variants, ...row.spec.shadow]) {
        others[name] = await resolve(model);
      }
      const rollout = await runningRollout(tx, row.uid);
      const steps = rollout === undefined ? [] : await stepsOf(tx, [rollout.id]);
      const step = steps.find(({ number }) => number === rollout?.step);
      const gateways = await this.#dependencies.fleet.gateways(tx);
      const states = await this.#states(tx, row, { target, others, rollout }, gateways);
      const project = metadata.project ?? '';
      return {
        nowMs: this.#dependencies.now(),
        row,
        target,
        others,
        rollout,
        step:
          rollout === undefined || rollout.state === 'paused' || step === undefined || step.number === 0
            ? undefined
            : stepFacts(
                await readRolloutCounts(tx, row, rollout),
                rolloutKeys(row, rollout),
                { open: rollout.open_interval, step },
                this.#dependencies.now(),
              ),
        lastReason: await lastReason(tx, row.uid),
        states,
        canTest:
          rollout !== undefined && this.#tests.choose(gateways, servedKey(rollout.to_model, row.spec)) !== undefined,
        live: gateways.some(({ figures }) => figures !== undefined),
        taken: gateways.some(({ figures }) =>
          figures?.variants.some(
            (one) => one.project === project && one.endpoint === row.name && one.variant === 'stable',
          ),
        ),
      };
    });
  }

  async perform(act: EndpointEffect, resource: Resource, io: ControllerIo): Promise<void> {
    const { uid, project = '' } = resource.metadata;
    if (act.do === 'describe') {
      await this.#describe(act.model, io);
      return;
    }
    if (act.do === 'smoke') {
      await this.#smoke(uid, project, io);
      return;
    }
    await io.write(async (tx) => {
      const row = await findEndpointForUpdate(tx, uid);
      if (row === undefined) return;
      // Since the decision, a person may have deployed, paused or aborted: the decision is about what was observed then.
      const current = await runningRollout(tx, uid);
      const rollout = 'of' in act && !isSamePosition(current, act.of) ? undefined : current;
      switch (act.do) {
        case 'start':
          if (row.spec.model === act.reference && row.rejected !== act.to.id && current?.to_model !== act.to.id) {
            await this.#start(tx, row, act.to);
          }
          break;
        case 'pend':
          await changeEndpoint(tx, uid, { pending: act.pending });
          break;
        case 'settle':
          if (isDeepStrictEqual(row.request, act.request)) await changeEndpoint(tx, uid, { request: BY_ALIAS });
          break;
        case 'activate':
          await moveVariants(tx, row, act.active, this.#dependencies);
          break;
        case 'reevaluate':
          await reevaluateRefused(tx, row, act.variants, this.#dependencies);
          break;
        case 'quarantine':
          await quarantine(tx, row, act.models);
          break;
        case 'openInterval':
          if (rollout !== undefined) await openInterval(tx, rollout, act.start);
          break;
        case 'recordInterval':
          if (rollout !== undefined) await recordInterval(tx, rollout, act.interval);
          break;
        case 'advance':
          if (rollout === undefined) break;
          await advance(tx, rollout, act.result, await this.#startInterval(tx, row, rollout));
          await changeEndpoint(tx, uid, {});
          break;
        case 'pause':
          if (rollout !== undefined) await setPaused(tx, rollout, true, act.reason);
          break;
        case 'promote':
          if (rollout !== undefined)
            await promote(tx, row, rollout, { by: SYSTEM_BY, now: this.#dependencies.now() }, act.result);
          break;
        case 'end':
          if (rollout !== undefined) {
            await rollBack(
              tx,
              row,
              rollout,
              { state: act.state, by: SYSTEM_BY, reason: act.result.message },
              act.result,
            );
          }
          break;
      }
    });
  }

  async #describe(found: FoundModel, io: ControllerIo): Promise<void> {
    const owner = await io.read(async (tx) => await Promise.resolve({ projectId: tx.projectId, uid: tx.projectId }));
    this.#unreadable.delete(found.id);
    try {
      const described = await describeModel(found, async (path) => {
        const { bytes } = await this.#dependencies.content.open(owner, `${found.artifacts}/${path}`);
        return await buffer(bytes);
      });
      await io.write(async (tx) => await storeModel(tx, found, described));
    } catch (error) {
      if (!(error instanceof DaisError) || !DAMAGE.has(error.code)) throw error;
      this.#unreadable.set(found.id, { message: error.message, at: this.#dependencies.now() });
    }
  }

  async #start(tx: Transaction, row: EndpointRow, to: FoundModel): Promise<void> {
    const { request, spec } = row;
    const from = row.stable === null ? undefined : (await readModels(tx, [row.stable])).get(row.stable);
    const { canary } = from === undefined ? {} : request;
    await startRollout(tx, {
      id: uuidv7(this.#dependencies.now()),
      endpoint: { uid: row.uid, name: row.name },
      from,
      to,
      cause: request.cause,
      weights: from === undefined ? [100] : canary !== undefined ? [canary] : spec.rollout.steps,
      automatic: spec.rollout.automatic && canary === undefined,
      by: request.by,
      reason: '',
    });
    await changeEndpoint(tx, row.uid, { rejected: null, request: BY_ALIAS });
    if (request.cause === 'alias') await this.#refuse(tx, row, to);
  }

  /** A deploy has been authorized for its model; a moved alias has not been evaluated for this endpoint. */
  async #refuse(tx: Transaction, row: EndpointRow, to: FoundModel): Promise<void> {
    const { uid, name, spec } = row;
    const reason = await this.#dependencies.refusal?.(tx, { uid, name, spec: { ...spec, model: to.label } });
    const rollout = reason === undefined ? undefined : await runningRollout(tx, uid);
    if (reason === undefined || rollout === undefined) return;
    const ending = { state: 'rolledBack', by: SYSTEM_BY, reason } as const;
    await rollBack(tx, row, rollout, ending, { status: 'failed', message: reason });
  }

  /** Uses the route of all requests. */
  async #smoke(uid: string, project: string, io: ControllerIo): Promise<void> {
    const found = await io.read(async (tx) => {
      const row = await findEndpoint(tx, uid);
      const rollout = row === undefined ? undefined : await runningRollout(tx, uid);
      const model =
        rollout === undefined ? undefined : (await readModels(tx, [rollout.to_model])).get(rollout.to_model);
      if (row === undefined || rollout === undefined || model === undefined) return undefined;
      const gateways = await this.#dependencies.fleet.gateways(tx);
      const at = this.#tests.choose(gateways, servedKey(rollout.to_model, row.spec));
      // It was there when the test was decided.
      if (at === undefined) throw new Error(`no gateway has ${model.label} ready`);
      return { row, rollout, model, tests: await testsOf(tx, model), at };
    });
    if (found === undefined) return;
    const { model, tests } = found;
    const { name, spec } = found.row;
    const version = { project, endpoint: name, model, tests, gates: spec.rollout.gates };
    const result = await runGates(openTestGateway(found.at, this.#dependencies), version, io.signal).catch(
      (error: unknown) => {
        this.#tests.avoid(found.at.node);
        throw error;
      },
    );
    await io.write(async (tx) => {
      const row = await findEndpointForUpdate(tx, uid);
      const rollout = await runningRollout(tx, uid);
      if (row === undefined || rollout?.id !== found.rollout.id || rollout.step !== 0) return;
      if (result.status === 'failed') {
        await rollBack(tx, row, rollout, { state: 'rolledBack', by: SYSTEM_BY, reason: result.message }, result);
      } else if (row.stable === null) {
        await promote(tx, row, rollout, { by: SYSTEM_BY, now: this.#dependencies.now() }, result);
      } else {
        await advance(tx, rollout, result, await this.#startInterval(tx, row, rollout));
        await changeEndpoint(tx, uid, {});
      }
    });
  }

  async #startInterval(tx: Transaction, row: EndpointRow, rollout: RolloutRow): Promise<OpenInterval> {
    // The interval before may have started long ago.
    const reading = await readRolloutCounts(tx, row, { ...rollout, open_interval: null });
    return startInterval(reading, rolloutKeys(row, rollout), this.#dependencies.now());
  }

  async #states(
    tx: Transaction,
    row: EndpointRow,
    named: Pick<EndpointFacts, 'target' | 'others' | 'rollout'>,
    gateways: readonly GatewayView[],
  ): Promise<ReadonlyMap<string, ModelState>> {
    const found = [named.target, ...Object.values(named.others)].flatMap((one) => ('problem' in one ? [] : [one]));
    const ids = [
      row.stable,
      named.rollout?.to_model,
      ...found.map(({ id }) => id),
      ...Object.values(row.active),
    ].flatMap((id) => id ?? []);
    const known = await readModels(tx, ids);
    const answering = new Set([row.stable, ...Object.values(row.active)]);
    const shadows = shadowsOf(row, named.rollout);
    const states = new Map<string, ModelState>();
    for (const id of ids) {
      const model = known.get(id);
      if (model === undefined) states.set(id, this.#undescribed(id, found));
      else {
        const isServing = answering.has(id);
        const state = this.#stateOf(model, row, gateways, { isShadow: shadows.has(id), isServing });
        // An active model stays active, whatever a later scan finds: users decide about that.
        states.set(id, isServing ? state : await this.#unlessUnsafe(tx, model, state));
      }
    }
    return states;
  }

  #undescribed(id: string, found: readonly FoundModel[]): ModelState {
    const label = found.find((one) => one.id === id)?.label ?? id;
    const problem = this.#unreadable.get(id);
    if (problem === undefined || this.#dependencies.now() - problem.at > READ_AGAIN_MS)
      return { label, state: 'unknown' };
    return { label, state: 'failed', isUnreadable: true, message: problem.message };
  }

  async #unlessUnsafe(tx: Transaction, model: ModelRow, state: ModelState): Promise<ModelState> {
    if (state.state === 'failed' || state.state === 'quarantined') return state;
    const { may, reason = '' } = await safetyOf(tx, model);
    if (may === 'never') return { ...state, state: 'failed', message: reason };
    return may === 'not yet' ? { ...state, state: 'preparing', message: reason } : state;
  }

  #stateOf(
    model: ModelRow,
    row: EndpointRow,
    gateways: readonly GatewayView[],
    { isShadow, isServing }: { readonly isShadow: boolean; readonly isServing: boolean },
  ): ModelState {
    const { problem, remote } = model.description;
    const about = {
      label: model.label,
      ...(model.version !== null && { version: model.version }),
      ...(remote !== undefined && { isRemote: true }),
    };
    if (problem !== undefined) return { ...about, state: 'failed', message: problem };
    const key = servedKey(model.id, row.spec);
    const states = gateways.map((gateway) => ({ host: gateway.host, state: stateAt(gateway, key, isShadow) }));
    const { uid, spec } = row;
    const since = this.#waits.since(`${uid} ${key}`, states, this.#dependencies.now());
    const isOverdue = this.#dependencies.now() - since >= spec.rollout.gatewaySeconds * 1000;
    return { ...about, ...mergeStates(states, { isServing: isServing || isOverdue }) };
  }
}

/** Returns the ids of models that the endpoint uses as shadows only. The manifest may also name such a model for a later rollout. */
function shadowsOf({ spec, stable, active }: EndpointRow, rollout: RolloutRow | undefined): ReadonlySet<string> {
  const shadows = new Set(spec.shadow.map(({ name }) => name));
  const served = new Set([stable, rollout?.to_model]);
  for (const [name, id] of Object.entries(active)) if (!shadows.has(name)) served.add(id);
  return new Set(Object.values(active).filter((id) => !served.has(id)));
}

function isSamePosition(rollout: RolloutRow | undefined, { id, step, state }: RolloutPosition): boolean {
  return rollout?.id === id && rollout.step === step && rollout.state === state;
}

async function quarantine(tx: Transaction, row: EndpointRow, models: QuarantinedModels): Promise<void> {
  await changeEndpoint(tx, row.uid, { quarantined: models });
  for (const [id, { label, reason }] of Object.entries(models)) {
    if (row.quarantined[id] !== undefined) continue;
    tx.emit({
      type: eventTypes.modelQuarantined,
      projectId: tx.projectId,
      subject: { kind: 'Endpoint', name: row.name, uid: row.uid },
      data: { model: label, reason },
    });
  }
}

async function lastReason(tx: Transaction, uid: string): Promise<string | undefined> {
  const [row] = await tx.sql.query<{ reason: string }>(
    `select reason from serving.rollout where endpoint = $1 and state in ('rolledBack', 'failed', 'aborted') order by id desc limit 1`,
    [uid],
    'last_rollout_reason',
  );
  return row?.reason;
}

/** The new version receives all traffic. */
export async function promote(
  tx: Transaction,
  row: EndpointRow,
  rollout: RolloutRow,
  { by, now }: { readonly by: string; readonly now: number },
  result: StepResult,
): Promise<void> {
  await endRollout(tx, rollout, { state: 'promoted', by, reason: result.message }, result);
  const back = rollout.cause === 'rollback';
  await changeEndpoint(tx, row.uid, {
    stable: rollout.to_model,
    previous: row.stable,
    // A version that was rolled back or aborted is not rolled out again automatically.
    ...(back && { rejected: row.stable }),
  });
  const model = (await readModels(tx, [rollout.to_model])).get(rollout.to_model);
  if (model !== undefined) recordDeployment(tx, row, model, now);
}

/** The previous version receives all traffic again. */
export async function rollBack(
  tx: Transaction,
  row: EndpointRow,
  rollout: RolloutRow,
  ending: { readonly state: 'rolledBack' | 'failed' | 'aborted'; readonly by: string; readonly reason: string },
  result: StepResult,
): Promise<void> {
  await endRollout(tx, rollout, ending, result);
  await changeEndpoint(tx, row.uid, { rejected: rollout.to_model });
}
