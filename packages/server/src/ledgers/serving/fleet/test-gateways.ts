/** The gateway at which a new version is tested: the one of this node, or of another node through its port for nodes. */
import type { NodeConnections } from '#ledgers/nodes/index.ts';
import type { NodeAddress, NodeResponse } from '#lib/node-tls/node-client.ts';
import type { LoadProgress } from '../load-tests/load-plan.ts';
import { runLoad, type LoadShape, type LoadTarget } from '../load-tests/load-run.ts';
import { isReadyAt } from '../endpoints/model-states.ts';
import type { GatewayAnswer, GatewayLink } from '../publishing/gateway-link.ts';
import { GATEWAY_LOAD, GATEWAY_REQUEST, type GatewayLoad, type GatewayRequest } from '../publishing/internal-routes.ts';
import type { GatewayView } from './gateway-view.ts';

export interface TestGateway {
  /** Host of another node; undefined: this node. */
  readonly host: string | undefined;
  /** Sends a request as Dais itself. @throws Error if there is no response: it is retried. */
  request(path: string, headers: Readonly<Record<string, string>>, body?: string): Promise<GatewayAnswer>;
  /** @throws Error if it cannot be reached. */
  load(target: LoadTarget, shape: TestLoad, signal: AbortSignal): Promise<LoadProgress>;
}

export type TestLoad = Omit<LoadShape, 'rate' | 'requests'> & { readonly requests: number };

/** Longer than a gateway waits for a model. */
const ANSWER_MS = 130_000;
/** A load test has ended this long after its duration. */
const LOAD_END_MS = 60_000;

/** A node at which tests could not be made is the last choice for this long. */
const AVOID_MS = 60_000;

/** Chooses gateways for tests of new versions. */
export class TestGateways {
  readonly #now: () => number;
  /** When tests at a node failed to get a response, by node. */
  readonly #failedAt = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Chooses the gateway of this node, else the first other one that has the model ready and announces an address. Undefined: there
   * is none.
   */
  choose(gateways: readonly GatewayView[], key: string): GatewayView | undefined {
    const ready = gateways.filter((one) => isReadyAt(one, key));
    const others = ready.filter(({ address }) => address !== undefined);
    return ready.find(({ isOwn }) => isOwn) ?? others.find(({ node }) => !this.#isAvoided(node)) ?? others[0];
  }

  /** Tests at this node got no response: its address may be wrong, or a firewall in between. */
  avoid(node: string): void {
    this.#failedAt.set(node, this.#now());
  }

  #isAvoided(node: string): boolean {
    const at = this.#failedAt.get(node);
    if (at === undefined) return false;
    const isAvoided = this.#now() - at < AVOID_MS;
    if (!isAvoided) this.#failedAt.delete(node);
    return isAvoided;
  }
}

export function openTestGateway(
  { host, address }: GatewayView,
  { gateway, connections }: { readonly gateway: GatewayLink; readonly connections: Pick<NodeConnections, 'request'> },
): TestGateway {
  return address === undefined ? ownGateway(gateway) : remoteGateway(connections, host, address);
}

function ownGateway(gateway: GatewayLink): TestGateway {
  return {
    host: undefined,
    request: async (path, headers, body) => await gateway.request(path, headers, body),
    load: async (target, shape, signal) =>
      (await runLoad(gateway, target, { ...shape, rate: undefined }, { signal })).seen,
  };
}

function remoteGateway(connections: Pick<NodeConnections, 'request'>, host: string, address: NodeAddress): TestGateway {
  return {
    host,
    request: async (path, headers, body) => {
      const sent: GatewayRequest = { path, headers, ...(body !== undefined && { body }) };
      const request = { path: GATEWAY_REQUEST, body: sent, timeoutMs: ANSWER_MS };
      return read(host, await connections.request(address, request)) as GatewayAnswer;
    },
    load: async ({ variant, ...target }, shape, signal) => {
      const sent: GatewayLoad = { target: { ...target, ...(variant !== undefined && { variant }) }, shape };
      const timeoutMs = shape.durationMs + LOAD_END_MS;
      const request = { path: GATEWAY_LOAD, body: sent, timeoutMs, signal };
      return read(host, await connections.request(address, request)) as LoadProgress;
    },
  };
}

/** The other node is of this installation: its answers have the form of this one's. */
function read(host: string, { status, body }: NodeResponse): unknown {
  if (status === 200) return JSON.parse(body);
  throw new Error(`the node on ${host} returned ${status}: ${body.slice(0, 300)}`);
}
