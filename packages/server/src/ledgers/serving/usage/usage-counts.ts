/**
 * Computes the usage of endpoints per minute from reports of gateways: CPU time of their model processes, and their
 * share of the gateway's own, split by request time. Pure except for its state.
 */
import type { GatewayFigures, ModelFigures, VariantFigures } from '@dais/api/gateway';

export interface UsageMinute {
  /** Name of the project. */
  readonly project: string;
  readonly endpoint: string;
  /** Start of the minute, in milliseconds since 1970. */
  readonly minute: number;
  /** Without copies for shadows. */
  readonly requests: number;
  /** Undefined: the system does not report it. */
  readonly cpuMs: number | undefined;
  /** Peak of the sum over its models. */
  readonly memoryBytes: number;
  /** Peak of the gateway, which endpoints share. */
  readonly gatewayBytes: number;
}

export const MINUTE_MS = 60_000;
/** Limit of endpoint minutes that wait to be stored: an hour of a hundred endpoints. Further usage is not counted. */
const MOST_HELD = 6000;

export class UsageCounts {
  #before: GatewayFigures | undefined;
  #held = new Map<string, UsageMinute>();
  /** CPU time of running requests: it is assigned to the endpoint that responds next. */
  readonly #carried = new Map<string, number>();

  record(now: GatewayFigures, at: number): void {
    const before = this.#before?.startedAt === now.startedAt ? this.#before : undefined;
    this.#before = now;
    // Usage before the first report of a gateway is unknown.
    if (before === undefined) this.#carried.clear();
    else this.#count(before, now, at - (at % MINUTE_MS));
  }

  /** Returns the counted usage and clears it. */
  take(): readonly UsageMinute[] {
    const taken = [...this.#held.values()];
    this.#held = new Map();
    return taken;
  }

  /** Adds usage again that could not be stored. */
  putBack(minutes: readonly UsageMinute[]): void {
    for (const one of minutes) this.#add(one);
  }

  #count(before: GatewayFigures, now: GatewayFigures, minute: number): void {
    const last = new Map(before.variants.map((variant) => [variantOf(variant), variant]));
    const models = new Map(before.models.map((model) => [model.key, model]));
    const steps = now.variants.map((variant) => stepOf(variant, last.get(variantOf(variant)), models));
    const cpu = this.#cpuOf(before, now, { steps, models });
    const loaded = new Map(now.models.map((model) => [model.key, model]));
    for (const own of groups(steps, endpointOf).values()) {
      const [first] = own;
      const requests = own.reduce((sum, one) => sum + (one.shadow ? 0 : one.requests), 0);
      const spent = cpu === undefined ? undefined : own.reduce((sum, one) => sum + (cpu.get(one) ?? 0), 0);
      const slots = [...new Set(own.map(({ slot }) => slot))].flatMap((slot) => loaded.get(slot) ?? []);
      const isIdle = requests === 0 && (spent ?? 0) === 0 && slots.every(({ inFlight }) => inFlight === 0);
      if (first === undefined || isIdle) continue;
      const memoryBytes = slots.reduce((sum, slot) => sum + slot.memoryBytes, 0);
      const { project, endpoint: name } = first;
      const gatewayBytes = now.memoryBytes ?? 0;
      this.#add({ project, endpoint: name, minute, requests, cpuMs: spent, memoryBytes, gatewayBytes });
    }
  }

  /** CPU time of each variant since the last report; undefined: unknown. */
  #cpuOf(
    before: GatewayFigures,
    now: GatewayFigures,
    { steps, models }: { readonly steps: readonly Step[]; readonly models: ReadonlyMap<string, ModelFigures> },
  ): ReadonlyMap<Step, number> | undefined {
    if (before.cpuMs === undefined || now.cpuMs === undefined) return undefined;
    const spent = new Map<Step, number>();
    let ofModels = 0;
    const split = (key: string, cpuMs: number, among: readonly Step[], isRunning: boolean): void => {
      const total = cpuMs + (this.#carried.get(key) ?? 0);
      this.#carried.delete(key);
      const busy = among.reduce((sum, { busyMs }) => sum + busyMs, 0);
      if (busy > 0) for (const step of among) spent.set(step, (spent.get(step) ?? 0) + (total * step.busyMs) / busy);
      else if (isRunning) this.#carried.set(key, total);
    };
    const bySlot = groups(steps, ({ slot }) => slot);
    for (const { key, cpuMs = 0, inFlight } of now.models) {
      const last = models.get(key)?.cpuMs ?? 0;
      // Reloaded: the counter starts at zero.
      const step = cpuMs >= last ? cpuMs - last : cpuMs;
      ofModels += step;
      split(key, step, bySlot.get(key) ?? [], inFlight > 0);
    }
    const own = Math.max(0, now.cpuMs - before.cpuMs - ofModels);
    split(
      '',
      own,
      steps,
      now.models.some(({ inFlight }) => inFlight > 0),
    );
    return spent;
  }

  #add(more: UsageMinute): void {
    const key = JSON.stringify([more.project, more.endpoint, more.minute]);
    const held = this.#held.get(key);
    if (held === undefined && this.#held.size >= MOST_HELD) return;
    this.#held.set(key, held === undefined ? more : both(held, more));
  }
}

interface Step {
  readonly project: string;
  readonly endpoint: string;
  /** Key of its model in the gateway. */
  readonly slot: string;
  readonly shadow: boolean;
  readonly requests: number;
  readonly busyMs: number;
}

function stepOf(
  { project, endpoint, model, shadow = false, ...now }: VariantFigures,
  last: VariantFigures | undefined,
  models: ReadonlyMap<string, ModelFigures>,
): Step {
  // Counters restart with another model.
  const anew = last === undefined || last.requests > now.requests;
  const since = (a: number, b: number | undefined) => Math.max(0, a - (anew ? 0 : (b ?? 0)));
  const copy = `shadow:${model}`;
  return {
    project,
    endpoint,
    slot: shadow && models.has(copy) ? copy : model,
    shadow,
    requests: since(now.requests, last?.requests),
    busyMs: since(now.busyMs ?? 0, last?.busyMs),
  };
}

function variantOf({ project, endpoint, variant, model }: VariantFigures): string {
  return JSON.stringify([project, endpoint, variant, model]);
}

function groups<T>(all: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = found.get(key);
    if (group === undefined) found.set(key, [one]);
    else group.push(one);
  }
  return found;
}

function endpointOf({ project, endpoint }: Pick<Step, 'project' | 'endpoint'>): string {
  return JSON.stringify([project, endpoint]);
}

function both(a: UsageMinute, b: UsageMinute): UsageMinute {
  return {
    ...a,
    requests: a.requests + b.requests,
    cpuMs: a.cpuMs === undefined || b.cpuMs === undefined ? undefined : a.cpuMs + b.cpuMs,
    memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
    gatewayBytes: Math.max(a.gatewayBytes, b.gatewayBytes),
  };
}
