/** People with roles before the real kinds, kernel and authorizer, on a real database; they call the dispatcher itself. */
import { randomBytes, randomUUID } from 'node:crypto';
import { openOutbound } from '#control/open-outbound.ts';
import { loadKinds, loadSlices } from '#compose.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import type { CallContext } from '#kernel/context.ts';
import type { Principal } from '#kernel/principal.ts';
import { startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { CedarAuthorizer } from '#policy/cedar-authorizer.ts';
import type { PolicyEngine } from '#policy/policy-engine.ts';

export const BREAK_GLASS: Principal = { type: 'user', id: 'owner', via: { method: 'owner-token', mfa: false } };

/** A user who signed in with a password or a stronger method. */
export function user(name: string, more: Partial<Principal> & { readonly mfa?: boolean } = {}): Partial<CallContext> {
  const { mfa = false, ...rest } = more;
  return { principal: { type: 'user', id: name, via: { method: 'password', mfa }, ...rest } };
}

export function service(name: string, more: Partial<Principal> = {}): Partial<CallContext> {
  return { principal: { type: 'service', id: name, via: { method: 'token', mfa: false }, ...more } };
}

export interface PolicyWorld {
  readonly database: TestDatabase;
  readonly engine: PolicyEngine;
  /** Calls as the owner unless a context names a principal. */
  readonly dais: TestKernel;
  /** Time of the authorizer. */
  readonly clock: ManualClock;
  /** Applies manifests as the owner, to a project. */
  apply(documents: readonly object[], project?: string): Promise<void>;
  /** `ok`, or the code and message of the error. */
  ask(name: string, input: unknown, as: Partial<CallContext>, project?: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startPolicyWorld(): Promise<PolicyWorld> {
  const outbound = await openOutbound({ allowHosts: [] }, '0');
  const keys = openEnvKeys(randomBytes(32).toString('base64'));
  const { kinds, entries, policies: engine } = await loadKinds({ keys, outbound, clock: systemClock });
  const database = await startTestDatabase(await loadSlices(kinds));
  const clock = new ManualClock();
  const authorizer = new CedarAuthorizer({ database: database.database, clock, log: silentLog, engine });
  const dais = await startTestKernel(database, { kinds, entries, authorizer, start: 'controller' });
  const context = (as: Partial<CallContext>, project: string | undefined): Partial<CallContext> => ({
    requestId: randomUUID(),
    ...(project !== undefined && { projects: [project] }),
    ...as,
  });
  return {
    database,
    engine,
    dais,
    clock,
    apply: async (documents, project) =>
      void (await dais.apply(documents, {}, context({ principal: BREAK_GLASS }, project))),
    ask: async (name, input, as, project) => {
      try {
        await dais.call(name, input, context(as, project));
        return 'ok';
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        if (code === undefined) throw error;
        return `${code}: ${message}`;
      }
    },
    stop: async () => {
      await dais.stop();
      await database.stop();
      await keys.close();
      await outbound.close();
    },
  };
}
