import { type Resource } from '@dais/api';
import type { EndpointVariant, RolloutAnalysis } from '@dais/api/serving';
import type { ControllerPlan, PlannedCondition } from '#kernel/kind.ts';
import {
  weightOf,
  type EndpointEffect,
  type EndpointFacts,
  type GatewayCoverage,
  type ModelState,
  type QuarantinedModel,
  type QuarantinedModels,
  type RolloutEnd,
  type RolloutRow,
  type StepResult,
} from '#ledgers/serving/index.ts';
import { evaluateRollout, takeInterval } from './rollout-evaluation.ts';

/** During a rollout. */
const QUICK_MS = 500;
/** In the steady state: the status reports the states of models. */
const SLOW_MS = 15_000;
/** In the steady state of an endpoint with a remote model: reports within 10 s that its server is not ready. */
const REMOTE_MS = 2000;
/** From the evaluation of a refused model to the next one. */
const REEVALUATE_MS = 60_000;

interface Turn {
  readonly effects: readonly EndpointEffect[];
  readonly message: string;
  /** Undefined: the stored one applies. */
  readonly analysis?: RolloutAnalysis | undefined;
}

/** Pure. */
export function planEndpoint(resource: Resource, facts: EndpointFacts): ControllerPlan<EndpointEffect> {
  const { row, target, others, rollout } = facts;
  const topics = [resource.metadata.uid, ...modelTopics(facts)];
  if (resource.metadata.deletionRequestedAt !== undefined) return { effects: [], conditions: [] };
  const named = [target, ...Object.values(others)].flatMap((one) => ('problem' in one ? [] : [one]));
  const unknown = named.filter(({ id }) => facts.states.get(id)?.state === 'unknown');
  const described = unknown.map((model): EndpointEffect => ({ do: 'describe', model }));
  const turn =
    described.length > 0
      ? { effects: described, message: 'The description of the model is being read.' }
      : takeTurn(facts);
  const shifted = described.length > 0 ? [] : [...shiftOthers(facts), ...noteQuarantines(facts)];
  const ready = readyOf(facts, turn.message);
  const variants = variantsOf(facts);
  // The gateway loads a shadow without a rollout, and only its metrics report this.
  const loading = variants.some(({ state }) => state === 'preparing' || state === 'loading');
  const underWay = rollout !== undefined || turn.effects.length > 0 || ready.status !== 'True' || loading;
  return {
    effects: [...turn.effects, ...shifted],
    conditions: [ready, currentOf(facts, turn.message)],
    status: {
      path: `/v2/models/${encodeURIComponent(row.name)}`,
      variants,
      instances: instancesOf(variants),
      coldStartMs: variants.find(({ name }) => name === 'stable')?.coldStartMs,
      quarantined: quarantinedOf(facts),
      // What is undefined leaves the status.
      rollout:
        rollout === undefined
          ? undefined
          : {
              id: rollout.id,
              state: rollout.state,
              to: rollout.to_label,
              weight: weightOf(rollout),
              message: turn.message,
              analysis: turn.analysis ?? rollout.analysis ?? undefined,
            },
    },
    wakeOn: topics,
    recheckAfterMs: underWay ? QUICK_MS : isRemote(facts) ? REMOTE_MS : SLOW_MS,
  };
}

function isRemote({ states }: EndpointFacts): boolean {
  return [...states.values()].some((one) => one.isRemote === true);
}

/** Aliases move with events of their Model. */
function modelTopics({ target, others }: EndpointFacts): readonly string[] {
  const names = [target, ...Object.values(others)].flatMap((one) =>
    'problem' in one || one.version === undefined ? [] : [`Model/${one.name}`],
  );
  return [...new Set(names)];
}

/** What becomes of the rollout of `spec.model`. */
function takeTurn(facts: EndpointFacts): Turn {
  const { row, target, rollout } = facts;
  if ('problem' in target) return rollout === undefined ? nothing(target.problem) : followRollout(facts, rollout);
  const back = rollout?.cause === 'rollback';
  if (target.id === row.stable) {
    if (rollout === undefined) {
      const requested = row.request.cause === 'deploy';
      return {
        effects: requested ? [{ do: 'settle', request: row.request }] : [],
        message: `${target.label} is serving.`,
      };
    }
    if (back) return followRollout(facts, rollout);
    const message = `The manifest references ${target.label} again.`;
    return { effects: [end(rollout, 'aborted', { status: 'forced', message })], message };
  }
  const { isUnreadable = false, message: problem = '' } = facts.states.get(target.id) ?? {};
  if (isUnreadable) return nothing(`${target.label} cannot be loaded. ${problem}`);
  if (target.id !== row.rejected && !back && rollout?.to_model !== target.id) {
    return {
      effects: [{ do: 'start', reference: row.spec.model, to: target }],
      message: `Rollout of ${target.label} started.`,
    };
  }
  if (rollout !== undefined) return followRollout(facts, rollout);
  return nothing(
    `The rollout of ${target.label} is not retried: ${facts.lastReason ?? 'it was rolled back.'} Deploy it again, or deploy another version.`,
  );
}

function followRollout(facts: EndpointFacts, rollout: RolloutRow): Turn {
  const { row, step } = facts;
  const found: Partial<ModelState> = facts.states.get(rollout.to_model) ?? {};
  const { state, message = '', isAway = false } = found;
  if (state === 'quarantined') {
    const why = `${rollout.to_label} is quarantined. ${message}`;
    return { effects: [end(rollout, 'failed', { status: 'failed', message: why })], message: why };
  }
  // A version without requests waits for its server: the address may be that of a server that is being started.
  if (isAway && rollout.step === 0) return nothing(`${rollout.to_label} is not ready. ${message}`);
  if (state === 'failed') {
    const why = isAway
      ? `${rollout.to_label} is not ready. ${message}`
      : `${rollout.to_label} could not be loaded: ${message}`;
    return { effects: [end(rollout, 'rolledBack', { status: 'failed', message: why })], message: why };
  }
  if (state !== 'ready' && state !== 'idle') {
    return nothing(message === '' ? `${rollout.to_label} is being loaded.` : `${rollout.to_label}: ${message}`);
  }
  if (rollout.step === 0) {
    // Its tests were passed when it was there before.
    if (rollout.cause === 'rollback') {
      return promote(rollout, { status: 'forced', message: `${rollout.to_label} was the previous version.` });
    }
    // Another node takes the resource soon.
    if (!facts.canTest) {
      return nothing(
        `${rollout.to_label} waits for a gateway that can test it: on a node that reconciles endpoints, or with \`node.internalPort\`.`,
      );
    }
    return { effects: [{ do: 'smoke' }], message: `${rollout.to_label} is being tested with its input example.` };
  }
  if (rollout.state === 'paused') return nothing(`Paused: ${rollout.reason}`);
  if (!facts.live || step === undefined) return nothing('No gateway reports metrics at the moment.');
  if (step.interval === undefined) {
    const effects: EndpointEffect[] = [{ do: 'openInterval', of: rollout, start: step.counters }];
    return { effects, message: 'The comparison of both versions starts.' };
  }
  const recorded = takeInterval(row.spec.rollout, rollout, step, facts.nowMs);
  const recording: EndpointEffect[] =
    recorded === undefined ? [] : [{ do: 'recordInterval', of: rollout, interval: recorded }];
  const analysis = recorded?.analysis ?? rollout.analysis ?? undefined;
  const evaluation = evaluateRollout(row.spec.rollout, facts.nowMs - step.startedMs, step.canary, analysis);
  const { status, message: finding } = evaluation;
  const result = { status, message: finding, stable: step.stable, canary: step.canary };
  const then = (effects: readonly EndpointEffect[], text = finding): Turn => ({
    effects: [...recording, ...effects],
    message: text,
    analysis,
  });
  if (status === 'failed') {
    if (row.spec.rollout.onFailure === 'pause') return then([{ do: 'pause', of: rollout, reason: finding }]);
    return then([end(rollout, 'rolledBack', result)]);
  }
  if (!rollout.automatic)
    return then([], `${finding} The rollout stays at ${weightOf(rollout)} % until it is promoted or aborted.`);
  if (status === 'pending') return then([]);
  if (rollout.step >= rollout.weights.length) return then([{ do: 'promote', of: rollout, result }]);
  return then([{ do: 'advance', of: rollout, result }]);
}

const nothing = (message: string): Turn => ({ effects: [], message });
const promote = (of: RolloutRow, result: StepResult): Turn => ({
  effects: [{ do: 'promote', of, result }],
  message: result.message,
});
const end = (of: RolloutRow, state: RolloutEnd, result: StepResult): EndpointEffect => ({
  do: 'end',
  of,
  state,
  result,
});

/** Names and models of variants and shadows whose alias references a model that a policy blocks. */
function refusedOf({ row, others }: EndpointFacts) {
  return Object.entries(others).flatMap(([name, one]) => {
    const refused = row.refused[name];
    return refused === undefined || 'problem' in one || refused.model !== one.id ? [] : [[name, refused] as const];
  });
}

/** Further variants and shadows change places once their models are on this machine: the gateway waits for the rest. */
function shiftOthers(facts: EndpointFacts): readonly EndpointEffect[] {
  const { row, others, states } = facts;
  const refused = new Map(refusedOf(facts));
  const desired = new Map(
    Object.entries(others).flatMap(([name, one]) =>
      'problem' in one || refused.has(name) ? [] : [[name, one.id] as const],
    ),
  );
  const active: Record<string, string> = {};
  const pending: Record<string, string> = {};
  for (const name of Object.keys(others)) {
    const [now, next] = [row.active[name], desired.get(name)];
    const { state } = states.get(next ?? '') ?? { state: 'unknown' as const };
    const here = state === 'loading' || state === 'ready' || state === 'idle';
    if (next !== undefined && next !== now && here) active[name] = next;
    else if (now !== undefined) active[name] = now;
    if (next !== undefined && next !== active[name]) pending[name] = next;
  }
  const effects: EndpointEffect[] = [];
  const due = [...refused].flatMap(([name, { at }]) => (facts.nowMs - at >= REEVALUATE_MS ? [name] : []));
  if (due.length > 0) effects.push({ do: 'reevaluate', variants: due });
  if (!same(pending, row.pending)) effects.push({ do: 'pend', pending });
  if (!same(active, row.active)) effects.push({ do: 'activate', active });
  return effects;
}

/** Records what the gateway reports, for as long as the endpoint names the model; a model that serves is not quarantined. */
function quarantinesOf({ nowMs, row, target, others, rollout, states }: EndpointFacts): QuarantinedModels {
  const found = [target, ...Object.values(others)].flatMap((one) => ('problem' in one ? [] : [one.id]));
  const named = new Set([row.stable, rollout?.to_model, row.rejected, ...found, ...Object.values(row.active)]);
  const models: Record<string, QuarantinedModel> = {};
  for (const id of named) {
    if (id === null || id === undefined) continue;
    const { state, label = id, message = '' } = states.get(id) ?? {};
    const before = row.quarantined[id];
    if (state === 'quarantined') models[id] = before ?? { label, reason: message, at: new Date(nowMs).toISOString() };
    else if (before !== undefined && state !== 'ready' && state !== 'idle') models[id] = before;
  }
  return models;
}

function noteQuarantines(facts: EndpointFacts): readonly EndpointEffect[] {
  const models = quarantinesOf(facts);
  const [now, before] = [Object.keys(models), Object.keys(facts.row.quarantined)];
  const isSame = now.length === before.length && now.every((id) => facts.row.quarantined[id] !== undefined);
  return isSame ? [] : [{ do: 'quarantine', models }];
}

/** Undefined: none. */
function quarantinedOf(facts: EndpointFacts) {
  const models = Object.values(quarantinesOf(facts));
  return models.length === 0 ? undefined : models.map(({ label, reason, at }) => ({ model: label, reason, at }));
}

function same(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function readyOf(facts: EndpointFacts, message: string): PlannedCondition {
  const { row, target, rollout, states, live, taken, lastReason } = facts;
  const condition = (status: PlannedCondition['status'], reason: string, text: string) => ({
    type: 'Ready',
    status,
    reason,
    message: text,
  });
  if (row.stable === null) {
    if (rollout !== undefined) return condition('False', 'Starting', message);
    if ('problem' in target) return condition('False', 'ModelNotFound', target.problem);
    const isUnreadable = states.get(target.id)?.isUnreadable === true;
    return condition('False', 'NotLoaded', isUnreadable ? message : (lastReason ?? message));
  }
  const stable = states.get(row.stable);
  if (!live) return condition('Unknown', 'NoGateway', 'The gateway is starting and reports no metrics yet.');
  // The model is loaded before it receives requests: earlier requests got an error that no variant serves.
  if (!taken && (stable?.state === 'ready' || stable?.state === 'idle'))
    return condition('False', 'Loading', 'The gateway is updating its routes.');
  const coverage =
    stable?.gateways === undefined || stable.gateways.waiting.length === 0 ? '' : ` ${stable.message ?? ''}`;
  if (stable?.state === 'ready')
    return condition('True', 'Serving', `${stable.label} is serving.${coverage}${awayVariants(facts)}`);
  if (stable?.state === 'idle')
    return condition('True', 'Idle', `${stable.label} is idle and loads at the next request.`);
  if (stable?.state === 'quarantined') {
    const next = `Deploy another version, or load it again with \`dais endpoint resume ${row.name}\`.`;
    return condition('False', 'ModelQuarantined', `${stable.label} is quarantined. ${stable.message ?? ''} ${next}`);
  }
  if (stable?.state === 'failed' && stable.isAway === true)
    return condition('False', 'ServerNotReady', `${stable.label} is not ready. ${stable.message ?? ''}`);
  if (stable?.state === 'failed')
    return condition('False', 'LoadFailed', stable.message ?? 'The model could not be loaded.');
  return condition('False', 'Loading', stable?.message ?? 'The model is being loaded.');
}

/** Names variants and shadows whose server is not ready. */
function awayVariants({ row, states }: EndpointFacts): string {
  const away = Object.entries(row.active).flatMap(([name, id]) => {
    const { isAway = false, message = '' } = states.get(id) ?? {};
    return isAway ? [` Variant ${name} is not ready. ${message}`] : [];
  });
  return away.join('');
}

/** Whether what answers is what the manifest names. */
function currentOf(facts: EndpointFacts, message: string): PlannedCondition {
  const { row, target, rollout } = facts;
  const is = (status: PlannedCondition['status'], reason: string, text: string) => ({
    type: 'Current',
    status,
    reason,
    message: text,
  });
  if ('problem' in target) return is('False', 'ModelNotFound', target.problem);
  if (rollout !== undefined) return is('False', rollout.state === 'paused' ? 'RolloutPaused' : 'RollingOut', message);
  const [first] = refusedOf(facts);
  if (target.id === row.stable && first !== undefined) {
    return is('False', 'VariantHeldBack', `Variant ${first[0]} does not serve ${first[1].label}. ${first[1].reason}`);
  }
  if (target.id === row.stable) return is('True', 'AsNamed', `${target.label} from the manifest is serving.`);
  return is('False', target.id === row.rejected ? 'HeldBack' : 'RollingOut', message);
}

/** Undefined: no gateway reports. Variants with the same model share its instances. */
function instancesOf(variants: readonly EndpointVariant[]): number | undefined {
  const known = variants.filter(({ instances }) => instances !== undefined);
  if (known.length === 0) return undefined;
  const each = new Map(known.map(({ role, model, instances = 0 }) => [`${role} ${model}`, instances]));
  return [...each.values()].reduce((sum, one) => sum + one, 0);
}

/** Hosts that the status lists. */
const MOST_HOSTS = 20;

function coverageOf({ waiting, ...counts }: GatewayCoverage): EndpointVariant['gateways'] {
  return { ...counts, waiting: waiting.slice(0, MOST_HOSTS) };
}

function variantsOf(facts: EndpointFacts): readonly EndpointVariant[] {
  const { row, rollout, states } = facts;
  const { spec } = row;
  const refused = new Map(refusedOf(facts));
  const shares = spec.variants.reduce(
    (sum, { name, weight }) => sum + (row.active[name] === undefined ? 0 : weight),
    0,
  );
  const rest = 100 - shares;
  const canary = rollout === undefined ? 0 : (rest * weightOf(rollout)) / 100;
  const one = (
    name: string,
    id: string,
    weight: number,
    role: EndpointVariant['role'] = 'variant',
  ): EndpointVariant => {
    const known = states.get(id);
    const state = known === undefined || known.state === 'unknown' ? 'preparing' : known.state;
    const held = refused.get(name);
    const message = known?.message ?? (held === undefined ? undefined : `${held.label} is blocked. ${held.reason}`);
    return {
      name,
      role,
      model: known?.label ?? id,
      ...(known?.version !== undefined && { version: known.version }),
      weight,
      state,
      ...(known?.engine !== undefined && { engine: known.engine }),
      ...(known?.instances !== undefined && { instances: known.instances }),
      ...(known?.coldStartMs !== undefined && { coldStartMs: known.coldStartMs }),
      ...(known?.gateways !== undefined && { gateways: coverageOf(known.gateways) }),
      ...(message !== undefined && { message }),
    };
  };
  return [
    ...(row.stable === null ? [] : [one('stable', row.stable, rest - canary)]),
    ...(rollout === undefined ? [] : [one('canary', rollout.to_model, canary)]),
    ...spec.variants.flatMap(({ name, weight }) =>
      row.active[name] === undefined ? [] : [one(name, row.active[name], weight)],
    ),
    ...spec.shadow.flatMap(({ name, percent }) =>
      row.active[name] === undefined ? [] : [one(name, row.active[name], percent, 'shadow')],
    ),
  ];
}
