/** From a channel's spec to what can be sent through: the values of its secrets filled in. */
import { DaisError } from '@dais/api';
import { alertChannelSpec } from '@dais/api/webhooks';
import type { KeyStore } from '#engines/keys/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { findSecretValue, openSecretValue, type SealedValue, type SecretValueRef } from '#kinds/secret/index.ts';
import type { MailRoute } from './alert-mail.ts';

/** A channel's spec with the values of its secrets filled in. Lives in memory only. */
export type Route =
  | { readonly type: 'webhook'; readonly url: string; readonly signingKey?: string }
  | { readonly type: 'slack'; readonly url: string }
  | { readonly type: 'pagerduty'; readonly url: string; readonly routingKey: string }
  | { readonly type: 'alertmanager'; readonly url: string; readonly token?: string }
  | MailRoute;

type Send = ReturnType<typeof readSpec>['send'];

/** With every default filled in: what is stored is what was authored. */
export function readSpec(spec: unknown) {
  return alertChannelSpec.parse(spec);
}

/** Why a channel is unusable, for a condition. */
export interface RouteProblem {
  readonly reason: 'SecretKeyMissing' | 'KeyMissing';
  readonly message: string;
}

/** A route with sealed secrets. */
export interface SealedRoute {
  readonly send: Send;
  readonly value: SealedValue | undefined;
}

/** What the spec's one secret is called, if it names one. */
function secretOf(send: Send): SecretValueRef | undefined {
  if (send.type === 'webhook') return send.signingKey;
  if (send.type === 'pagerduty') return send.routingKey;
  if (send.type === 'alertmanager') return send.token;
  return send.type === 'slack' ? send.url : send.password;
}

export async function findRoute(
  tx: Transaction,
  projectId: string,
  spec: unknown,
): Promise<SealedRoute | RouteProblem> {
  const { send } = readSpec(spec);
  const ref = secretOf(send);
  if (ref === undefined) return { send, value: undefined };
  const value = await findSecretValue(tx, projectId, ref);
  if (value !== undefined) return { send, value };
  return { reason: 'SecretKeyMissing', message: `Secret "${ref.secret}" has no key "${ref.key}".` };
}

/** @throws DaisError `keys_unavailable`. */
export async function openRoute(sealed: SealedRoute, keys: KeyStore): Promise<Route | RouteProblem> {
  const { send, value } = sealed;
  let text: string | undefined;
  try {
    text = value === undefined ? undefined : await openSecretValue(keys, value);
  } catch (error) {
    if (error instanceof DaisError && (error.code === 'key_missing' || error.code === 'key_mismatch')) {
      return { reason: 'KeyMissing', message: error.message };
    }
    throw error;
  }
  if (send.type === 'webhook') {
    return { type: 'webhook', url: send.url, ...(text !== undefined && { signingKey: text }) };
  }
  if (send.type === 'slack') return { type: 'slack', url: text ?? '' };
  if (send.type === 'pagerduty') return { type: 'pagerduty', url: send.url, routingKey: text ?? '' };
  if (send.type === 'alertmanager') {
    return { type: 'alertmanager', url: send.url, ...(text !== undefined && { token: text }) };
  }
  const { type, host, port, security, from, to, username } = send;
  return {
    type,
    host,
    port,
    security,
    from,
    to,
    ...(username !== undefined && { username }),
    ...(text !== undefined && { password: text }),
  };
}

export function isProblem(route: Route | SealedRoute | RouteProblem): route is RouteProblem {
  return 'reason' in route;
}
