import { DaisError, type Resource } from '@dais/api';
import type { KeyStore } from '#engines/keys/contract.ts';
import type { Controller, ControllerIo } from '#kernel/kind.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { readDeliveryFacts } from './alert-deliveries.ts';
import { planChannel, type ChannelFacts } from './alert-plan.ts';
import { findRoute, isProblem, openRoute, type Route } from './alert-route.ts';

export interface ChannelTools {
  readonly keys: KeyStore;
  readonly outbound: Outbound;
}

/** Reports what prevents the delivery of alerts in the status; deliveries are separate jobs. */
export function channelController(tools: ChannelTools): Controller<ChannelFacts, never> {
  return {
    observe: async (resource, io) => await observe(resource, io, tools),
    plan: ({ resource, observed }) => planChannel(resource, observed),
    perform: async () => {},
  };
}

async function observe(resource: Resource, io: ControllerIo, tools: ChannelTools): Promise<ChannelFacts> {
  const { facts, sealed } = await io.read(async (tx) => ({
    facts: await readDeliveryFacts(tx.sql, tx.projectId, resource.metadata.uid),
    sealed: await findRoute(tx, tx.projectId, resource.spec),
  }));
  const route = isProblem(sealed) ? sealed : await openRoute(sealed, tools.keys);
  const problem = isProblem(route) ? route : await addressProblem(route, tools.outbound);
  return { ...facts, ...(problem !== undefined && { problem }) };
}

/** Checks the URL without calling it, so that a misconfigured channel is reported before the first alert. */
async function addressProblem(route: Route, outbound: Outbound): Promise<ChannelFacts['problem']> {
  try {
    await (route.type === 'smtp' ? outbound.checkHost(route.host, route.port) : outbound.check(route.url));
    return undefined;
  } catch (error) {
    if (!(error instanceof DaisError)) throw error;
    if (error.code === 'address_refused') return { reason: 'AddressRefused', message: sentence(error.message) };
    return { reason: 'AddressUnknown', message: sentence(error.message), unknown: true };
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
