/** The state of a model, at one gateway and over the gateways of all live nodes. Pure. */
import type { GatewayView } from '../fleet/gateway-view.ts';
import { loadedModelOf } from '../publishing/gateway-counters.ts';

export interface ModelState {
  readonly label: string;
  readonly version?: string;
  /** `unknown`: its files have not been read yet. */
  readonly state: 'unknown' | 'preparing' | 'loading' | 'ready' | 'idle' | 'failed' | 'quarantined';
  readonly message?: string;
  /** Stored files of the model are damaged; they are read again soon. */
  readonly isUnreadable?: boolean;
  /** A model of a server outside Dais. */
  readonly isRemote?: boolean;
  /** `failed` because that server is not ready; the gateway retries. */
  readonly isAway?: boolean;
  readonly engine?: string;
  /** Over all gateways. */
  readonly instances?: number;
  readonly coldStartMs?: number;
  /** Absent with one gateway. */
  readonly gateways?: GatewayCoverage;
}

/** Which gateways have a model ready. */
export interface GatewayCoverage {
  readonly ready: number;
  readonly live: number;
  /** Hosts of the others. */
  readonly waiting: readonly string[];
}

export type StateAtGateway = Omit<ModelState, 'label' | 'version' | 'isUnreadable' | 'isRemote' | 'gateways'>;

/** `key`: of the model in gateways. `isShadow`: its instance as a shadow. */
export function stateAt({ files, figures }: GatewayView, key: string, isShadow: boolean): StateAtGateway {
  const local = files[key];
  const note = local?.note === undefined ? {} : { message: local.note };
  if (local?.state === 'failed') return { state: 'failed', ...note };
  if (local?.state !== 'here') return { state: 'preparing', ...note };
  const loaded = loadedModelOf(figures, key, { shadow: isShadow });
  if (loaded === undefined) return { state: 'loading' };
  const message = loaded.error ?? loaded.phase;
  return {
    state: loaded.state,
    ...(loaded.away === true && { isAway: true }),
    ...(loaded.engine !== undefined && { engine: loaded.engine }),
    // The instances of a remote model are those of its server.
    ...(loaded.engine !== 'remote' && { instances: loaded.workers }),
    ...(loaded.loadMs !== undefined && { coldStartMs: Math.round(loaded.loadMs) }),
    ...(message !== undefined && { message }),
  };
}

const READY = new Set<ModelState['state']>(['ready', 'idle']);

/** Whether the gateway has a model ready for requests; `key`: of the model in gateways. */
export function isReadyAt(gateway: GatewayView, key: string): boolean {
  return READY.has(stateAt(gateway, key, false).state);
}

const FAILED = new Set<ModelState['state']>(['failed', 'quarantined']);

/**
 * Merges the states at the gateways. A model that serves is ready where one gateway has it ready; a new version, where all have
 * it. Until then it is on its way. It has failed where all gateways failed to load it.
 */
export function mergeStates(
  states: readonly { readonly host: string; readonly state: StateAtGateway }[],
  { isServing }: { readonly isServing: boolean },
): StateAtGateway & Pick<ModelState, 'gateways'> {
  const [only] = states;
  if (only === undefined) return { state: 'preparing' };
  if (states.length === 1) return only.state;
  const ready = states.filter(({ state }) => READY.has(state.state));
  const others = states.filter(({ state }) => !READY.has(state.state));
  const waiting = others.map(({ host }) => host);
  const gateways = { ready: ready.length, live: states.length, waiting };
  const measured = measure(ready.map(({ state }) => state));
  if (others.length === 0) {
    const isIdle = ready.every(({ state }) => state.state === 'idle');
    const message = ready.find(({ state }) => state.message !== undefined)?.state.message;
    return { state: isIdle ? 'idle' : 'ready', ...measured, gateways, ...(message !== undefined && { message }) };
  }
  const message = coverageText(gateways, others);
  if (ready.length > 0 && isServing) {
    const isIdle = ready.every(({ state }) => state.state === 'idle');
    return { state: isIdle ? 'idle' : 'ready', ...measured, gateways, message };
  }
  const isFailed = others.every(({ state }) => FAILED.has(state.state));
  if (isFailed && ready.length === 0)
    return { ...(others.find(({ state }) => state.state === 'quarantined') ?? only).state, gateways };
  const isPreparing = others.some(({ state }) => state.state === 'preparing');
  return { state: isPreparing ? 'preparing' : 'loading', ...measured, gateways, message };
}

function measure(ready: readonly StateAtGateway[]): Pick<ModelState, 'engine' | 'instances' | 'coldStartMs'> {
  const engine = ready.find((one) => one.engine !== undefined)?.engine;
  const counted = ready.flatMap(({ instances }) => instances ?? []);
  const coldStarts = ready.flatMap(({ coldStartMs }) => coldStartMs ?? []);
  return {
    ...(engine !== undefined && { engine }),
    ...(counted.length > 0 && { instances: counted.reduce((sum, one) => sum + one, 0) }),
    ...(coldStarts.length > 0 && { coldStartMs: Math.max(...coldStarts) }),
  };
}

/** Hosts that a message names. */
const MOST_NAMED = 3;

function coverageText(
  { ready, live }: GatewayCoverage,
  others: readonly { readonly host: string; readonly state: StateAtGateway }[],
): string {
  const named = others
    .slice(0, MOST_NAMED)
    .map(({ host, state }) => `${host}: ${(state.message ?? state.state).replace(/\.$/, '')}`);
  const more = others.length > MOST_NAMED ? [`${others.length - MOST_NAMED} more`] : [];
  return `${ready} of ${live} gateways ready. Missing: ${[...named, ...more].join('; ')}.`;
}

/** Most waits in memory: a forgotten one starts again. */
const MOST_WAITS = 1000;

/** Since when some gateways have a model ready and others do not. A new control process starts these waits again. */
export class GatewayWaits {
  readonly #since = new Map<string, number>();

  /** Returns the start of the wait; `now` if there is none. In ms. */
  since(key: string, states: readonly { readonly state: StateAtGateway }[], now: number): number {
    const ready = states.filter(({ state }) => READY.has(state.state)).length;
    if (ready === 0 || ready === states.length) {
      this.#since.delete(key);
      return now;
    }
    const since = this.#since.get(key) ?? now;
    this.#since.set(key, since);
    const [oldest] = this.#since.keys();
    if (this.#since.size > MOST_WAITS && oldest !== undefined) this.#since.delete(oldest);
    return since;
  }
}
