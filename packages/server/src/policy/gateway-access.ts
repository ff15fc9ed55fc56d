/** Precomputed permissions to call endpoints, so that a gateway responds without the control plane. */
import { DaisError } from '@dais/api';
import type { Snapshot } from '@dais/api/gateway';
import { invokeEndpointOperation } from '@dais/api/serving';
import type { Authorizer } from '#kernel/principal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { listLiveTokens, newestToken } from '#policy/identity/tokens/tokens.ts';
import { ACCESS_CHANNEL } from '#policy/access-changes.ts';
import { readVersion } from '#policy/state.ts';
import { secretDigest } from '#lib/crypto/digests.ts';

export interface EndpointAccess {
  readonly name: string;
  readonly project: string;
  readonly projectId: string;
}

export interface TokenAccessDependencies {
  readonly authorizer: Authorizer;
  /** The secret with which the gateway authenticates the control plane. */
  readonly ownToken: string;
  /** Without news from the control plane for so long, every token is refused. */
  readonly offlineMs: number;
}

/** Every caller of a gateway that listens on loopback only. */
export const soloAccess = {
  channel: undefined,
  version: async (): Promise<string> => await Promise.resolve('solo'),
  access: async (): Promise<Snapshot['access']> => await Promise.resolve({ mode: 'solo' }),
};

export function tokenAccess({ authorizer, ownToken, offlineMs }: TokenAccessDependencies) {
  return {
    channel: ACCESS_CHANNEL,
    version: async (tx: Transaction): Promise<string> => `${await readVersion(tx.sql)} ${await newestToken(tx.sql)}`,
    access: async (tx: Transaction, endpoints: readonly EndpointAccess[]): Promise<Snapshot['access']> => {
      const own = {
        hash: secretDigest(ownToken).toString('hex'),
        principal: 'system/dais',
        endpoints: endpoints.map(({ project, name }) => `${project}/${name}`),
      };
      const tokens = [own];
      for (const { digest, principal, expiresAt } of await listLiveTokens(tx.sql)) {
        const may: string[] = [];
        for (const { name, project, projectId } of endpoints) {
          const operation = invokeEndpointOperation;
          const question = {
            principal,
            requestId: '',
            operation,
            target: { kind: 'Endpoint', name },
            projectId,
            project,
          };
          const permitted = await authorizer.authorize(question, tx).then(
            () => true,
            (error: unknown) => {
              if (error instanceof DaisError && !error.retryable) return false;
              throw error;
            },
          );
          if (permitted) may.push(`${project}/${name}`);
        }
        const { type, id } = principal;
        const at = { expiresAt: expiresAt.toISOString() };
        tokens.push({ hash: digest.toString('hex'), principal: `${type}/${id}`, endpoints: may, ...at });
      }
      return { mode: 'tokens', tokens, offlineMs };
    },
  };
}
