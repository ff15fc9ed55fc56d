/** For tests: real kinds, policies and ledgers with a kernel, on a database of its own. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Experiment, Run } from '@dais/api/tracking';
import { openOutbound } from '#control/open-outbound.ts';
import { loadKinds, loadSlices } from '#compose.ts';
import { loadLineage } from '#compose/event-ledgers.ts';
import { loadTracking } from '#compose/runs.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import type { CallContext } from '#kernel/context.ts';
import { manifest, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { transact } from '#kernel/transaction.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { CedarAuthorizer } from '#policy/cedar-authorizer.ts';

/** A signed-in user. */
export function person(name: string): Partial<CallContext> {
  return { principal: { type: 'user', id: name, via: { method: 'password', mfa: false } } };
}

const OWNER: Partial<CallContext> = {
  principal: { type: 'user', id: 'owner', via: { method: 'owner-token', mfa: false } },
};

export interface RegistryProject {
  readonly name: string;
  readonly id: string;
  readonly context: Partial<CallContext>;
  /** As the owner, unless the context has another principal. */
  call<Output = unknown>(operation: string, input: unknown, as?: Partial<CallContext>): Promise<Output>;
  /** Returns the name of a new model. */
  model(spec?: object): Promise<string>;
  /** Runs and a logged model to register from. */
  tracked(): Promise<{ run: string; home: string; localRun: string; loggedModel: string; modelHome: string }>;
}

export interface RegistryWorld {
  readonly test: TestDatabase;
  readonly dais: TestKernel;
  project(): Promise<RegistryProject>;
  /** Applies manifests of the organization. */
  apply(documents: readonly object[], project?: string): Promise<void>;
  /** Runs `work` in a transaction of that project. */
  rowsSeenBy(projectId: string, sql: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export async function startRegistryWorld(): Promise<RegistryWorld> {
  const outbound = await openOutbound({ allowHosts: [] }, '0');
  const keys = openEnvKeys(randomBytes(32).toString('base64'));
  const { kinds, entries, policies: engine } = await loadKinds({ keys, outbound, clock: systemClock });
  const tracking = await loadTracking({ clock: systemClock, random: randomBytes });
  const lineage = await loadLineage({ days: 400, now: () => systemClock.now() });
  const test = await startTestDatabase(await loadSlices(kinds));
  const authorizer = new CedarAuthorizer({ database: test.database, clock: systemClock, log: silentLog, engine });
  const dais = await startTestKernel(test, {
    kinds,
    entries: [...entries, ...tracking.entries, ...lineage.entries],
    authorizer,
  });
  let made = 0;
  const project = async (): Promise<RegistryProject> => {
    made += 1;
    const name = `p${made}`;
    const { metadata } = await dais.call('project.create', { manifest: manifest('Project', name) }, OWNER);
    const context = { ...OWNER, projects: [name] };
    const call = async <Output>(operation: string, input: unknown, as: Partial<CallContext> = {}) =>
      await dais.call<Output>(operation, input, { ...context, ...as });
    return {
      name,
      id: metadata.uid,
      context,
      call,
      model: async (spec = {}) => {
        made += 1;
        const of = `model of ${name} ${made}`;
        await call('model.create', { manifest: manifest('Model', of, spec) });
        return of;
      },
      tracked: async () => {
        const inDais = await call<Experiment>('experiment.create', { name: 'in Dais' });
        const local = { name: 'local', artifactLocation: '/srv/models' };
        const { id: elsewhere } = await call<Experiment>('experiment.create', local);
        const { id: run, artifactUri: home } = await call<Run>('run.create', { experimentId: inDais.id });
        const { id: localRun } = await call<Run>('run.create', { experimentId: elsewhere, id: 'x' });
        const loggedModel = `m-${randomUUID().replaceAll('-', '')}`;
        await test.asAdmin(
          `insert into tracking.logged_model (project_id, id, experiment, name, source_run, status, created_at, updated_at)
           values ('${metadata.uid}', '${loggedModel}', ${inDais.id}, 'm', '${run}', 'READY', 0, 0)`,
        );
        const modelHome = `${inDais.artifactUri}/models/${loggedModel}/artifacts`;
        return { run, home, localRun, loggedModel, modelHome };
      },
    };
  };
  return {
    test,
    dais,
    project,
    apply: async (documents, name) =>
      void (await dais.apply(documents, {}, { ...OWNER, ...(name !== undefined && { projects: [name] }) })),
    rowsSeenBy: async (projectId, sql) =>
      await transact(test.database, { mode: 'read', projectId }, async (tx) => await tx.sql.query(sql)),
    stop: async () => {
      await dais.stop();
      await test.stop();
      await keys.close();
      await outbound.close();
    },
  };
}
