/** Describes the serving version of an endpoint, and how long a rollout continues automatically. */
import { setTimeout as wait } from 'node:timers/promises';
import type { DaisClient } from '@dais/api';
import { describeRolloutCheck, listRolloutsOperation, type EndpointVariant, type Rollout } from '@dais/api/serving';
import type { Context } from '#context.ts';
import { table } from '#output/table.ts';

const POLL_MS = 500;

export interface EndpointState {
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly variants?: readonly EndpointVariant[];
  readonly rollout?: { readonly id: string; readonly message: string; readonly state: string };
  readonly observedGeneration?: number;
}

export async function readState(client: DaisClient, endpoint: string) {
  const resource = await client.get('Endpoint', endpoint);
  const { items } = await client.perform(listRolloutsOperation, { endpoint, limit: 1 });
  return { generation: resource.metadata.generation, status: resource.status as EndpointState, rollout: items[0] };
}

/** Ends when nothing more happens automatically: promoted, rolled back, paused, or waiting for a decision. */
export async function followRollout(
  context: Context,
  client: DaisClient,
  endpoint: string,
  after: string | undefined,
): Promise<Rollout | undefined> {
  let reported = '';
  for (;;) {
    const { generation, status, rollout } = await readState(client, endpoint);
    const seen = status.observedGeneration === generation;
    const message = status.rollout?.message ?? status.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
    if (message !== '' && message !== reported) {
      context.terminal.err(`${message}\n`);
      reported = message;
    }
    if (rollout !== undefined && rollout.id !== after && rests(rollout)) return rollout;
    if (seen && status.rollout === undefined && rollout?.id === after) {
      // The same model again has no loading phase. Unresolved references are reported too; a quarantined version is
      // reported later.
      const current = status.conditions?.find(({ type }) => type === 'Current');
      if (current?.status === 'True' || current?.reason === 'ModelNotFound') return rollout;
    }
    await wait(POLL_MS);
  }
}

/** Ends when the shadow of `dais deploy` receives traffic, or cannot. */
export async function followShadow(context: Context, client: DaisClient, endpoint: string): Promise<EndpointVariant> {
  for (;;) {
    const { generation, status } = await readState(client, endpoint);
    const shadow = status.variants?.find(({ name, role }) => role === 'shadow' && name === 'shadow');
    const rests = shadow !== undefined && ['ready', 'idle', 'failed', 'quarantined'].includes(shadow.state);
    if (rests && status.observedGeneration === generation) return shadow;
    await wait(POLL_MS, undefined, { signal: context.signal });
  }
}

function rests({ state, automatic, steps }: Rollout): boolean {
  if (state !== 'running') return true;
  return !automatic && (steps.at(-1)?.number ?? 0) > 0;
}

export function showState(
  context: Context,
  endpoint: string,
  { variants = [] }: EndpointState,
  rollout: Rollout | undefined,
) {
  const { terminal } = context;
  const options = { style: terminal.style, columns: terminal.columns };
  if (variants.length === 0) terminal.out(`${endpoint} has no active version yet.\n`);
  else {
    const isFleet = variants.some(({ gateways }) => gateways !== undefined);
    const rows = variants.map(({ gateways, ...one }) => [
      { text: one.name },
      { text: one.model },
      { text: one.role === 'shadow' ? `shadow ${one.weight} %` : `${one.weight} %` },
      { text: one.state },
      ...(isFleet ? [{ text: gateways === undefined ? '' : `${gateways.ready} of ${gateways.live} ready` }] : []),
      { text: one.engine ?? '' },
      { text: firstLine(one.message ?? '') },
    ]);
    const columns = ['variant', 'model', 'traffic', 'state', ...(isFleet ? ['gateways'] : []), 'engine', ''];
    terminal.out(table(columns, rows, options));
  }
  if (rollout === undefined) return;
  terminal.out(`\n${headline(rollout)}\n`);
  const rows = rollout.steps.map((step) => [
    { text: String(step.number) },
    { text: `${step.weight} %` },
    { text: step.status },
    { text: step.canary === undefined ? '' : `${step.canary.failed} of ${step.canary.requests} failed` },
    { text: step.canary?.p99Ms == null ? '' : `p99 ${step.canary.p99Ms} ms` },
    { text: firstLine(step.message) },
  ]);
  terminal.out(table(['step', 'traffic', 'result', 'requests', 'latency', 'message'], rows, options));
  if (rollout.analysis !== undefined) terminal.out(`\n${analysisTable(rollout.analysis, options)}`);
}

/** The tests of both versions in the same intervals. */
function analysisTable(
  { canary, stable, falseAlarmRate, checks }: NonNullable<Rollout['analysis']>,
  options: Parameters<typeof table>[2],
): string {
  const title = `Comparison of ${canary.requests} requests with ${stable.requests} of the active version in the same intervals (false-alarm rate ${falseAlarmRate * 100} %):\n`;
  const rows = checks.map((check) => {
    const { title: name, estimate, interval, limit, evidence } = describeRolloutCheck(check);
    return [name, check.status, estimate, interval, limit, evidence].map((text) => ({ text }));
  });
  return title + table(['check', 'status', 'estimate', 'interval', 'limit', 'evidence'], rows, options);
}

/** A log can follow it, which is printed above the table. */
function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

export function headline({ state, from, to, reason, weight, endedBy, startedBy }: Rollout): string {
  const before = from === undefined ? '' : `, replacing ${from}`;
  switch (state) {
    case 'promoted':
      return `${to} is active${before}.`;
    case 'running':
      return `Rollout of ${to}${before}: ${weight} % of traffic (started by ${startedBy}).`;
    case 'paused':
      return `Rollout of ${to} paused at ${weight} %: ${reason}`;
    case 'rolledBack':
      return `Rollout of ${to} rolled back: ${reason}`;
    case 'failed':
      return `Rollout of ${to} failed: ${reason}`;
    case 'aborted':
      return `Rollout of ${to} aborted by ${endedBy ?? 'unknown'}: ${reason}`;
    default:
      return reason;
  }
}
