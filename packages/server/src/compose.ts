/**
 * The lists of kinds, slices, authorizers and databases; those of ledgers, engines and protocols are in `compose/`.
 * Only these files name implementations. All of them are behind `import()`: a process loads only the code for its role
 * and configuration.
 */
import type { DatabaseEngine, Slice } from '#engines/database/contract.ts';
import type { EmbeddedOptions } from '#engines/database/embedded/embedded-engine.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import type { Authorizer } from '#kernel/principal.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import type { ComputeTargets } from '#ledgers/executions/index.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import type { Clock } from '#lib/clock.ts';
import type { CedarAuthorizerDependencies } from '#policy/cedar-authorizer.ts';
import type { ProductionEvaluation } from '#policy/cedar/production/index.ts';
import type { PolicyEngine } from '#policy/policy-engine.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { EndpointWork } from './compose/endpoints.ts';
import { loadFacts } from './compose/facts.ts';
import { openResourceLedgers } from './compose/resource-ledgers.ts';
import { loadLedgers } from './compose/ledgers.ts';
import { projectRecords } from './compose/project-records.ts';

/** Dependencies of the kinds. */
export interface KindDependencies {
  readonly keys: KeyStore;
  readonly outbound: Outbound;
  readonly clock: Clock;
  /** See the options of the tracking ledger. */
  readonly folderRoot?: string | undefined;
  /** Functions of the endpoint controller; without them, endpoints are not reconciled. */
  readonly endpointWork?: (() => EndpointWork) | undefined;
  /** Compute targets; without them, targets are not tested. */
  readonly targets?: (() => ComputeTargets) | undefined;
}

/** The contributions of the kinds to a kernel. */
export interface LoadedKinds {
  readonly kinds: readonly KindDefinition[];
  readonly jobs: readonly JobHandler[];
  /** Operations that belong to no kind. */
  readonly entries: readonly OperationEntry[];
}

/** Kinds, and the policies about them: each needs the other. */
export interface KindsAndPolicies extends LoadedKinds {
  readonly policies: PolicyEngine;
  readonly subscribers: readonly Subscriber[];
  readonly servingRefusal: ProductionEvaluation['servingRefusal'];
}

/** Every kind there is, in the order of reference pages. */
export async function loadKinds({
  keys,
  outbound,
  clock,
  folderRoot,
  endpointWork,
  targets,
}: KindDependencies): Promise<KindsAndPolicies> {
  const [
    { projectWith },
    { secret },
    { alertChannel },
    { model },
    { pipeline },
    { schedule },
    { target },
    { dataset },
    { entity },
    { featureView },
    { featureService },
    { endpoint },
    { monitor },
    { user },
    { team },
    { serviceAccount },
    { roleBindings },
    { policies },
  ] = await Promise.all([
    import('#kinds/project/index.ts'),
    import('#kinds/secret/index.ts'),
    import('#kinds/alert-channel/index.ts'),
    import('#kinds/model/index.ts'),
    import('#kinds/pipeline/index.ts'),
    import('#kinds/schedule/index.ts'),
    import('#kinds/target/index.ts'),
    import('#kinds/dataset/index.ts'),
    import('#kinds/entity/index.ts'),
    import('#kinds/feature-view/index.ts'),
    import('#kinds/feature-service/index.ts'),
    import('#kinds/endpoint/index.ts'),
    import('#kinds/monitor/index.ts'),
    import('#kinds/user/index.ts'),
    import('#kinds/team/index.ts'),
    import('#kinds/service-account/index.ts'),
    import('#kinds/role-binding/index.ts'),
    import('#kinds/policy/index.ts'),
  ]);
  const changed = (await import('#policy/state.ts')).bumpVersion;
  const credentials = await import('#policy/identity/credentials.ts');
  const { endCredentials: end, claimEmail, findEmailOwner, forgetUser: forget } = credentials;
  const ledgers = await loadLedgers();
  const secrets = secret(
    keys,
    ledgers.flatMap(({ keyRotation }) => keyRotation ?? []),
  );
  const channels = alertChannel({ keys, outbound, now: () => clock.now() });
  const [{ PolicyEngine }, { accessEntries }, { AccountDirectory }, production] = await Promise.all([
    import('#policy/policy-engine.ts'),
    import('#policy/cedar/access-entries.ts'),
    import('#policy/identity/directory.ts'),
    import('#policy/cedar/production/index.ts'),
  ]);
  const principals = new AccountDirectory();
  const engine = new PolicyEngine(() => loaded.kinds, principals);
  const now = () => clock.now();
  const facts = await loadFacts(ledgers, now);
  const evaluation = production.productionEvaluation({
    engine,
    sources: facts.production,
    lineage: facts.lineage,
    now,
  });
  const ofResources = await openResourceLedgers({ now, engine });
  const policyRecords: Pick<LedgerDefinition, 'project'> = {
    project: { remove: async (tx, { id }) => await production.forgetPolicyRecords(tx, id) },
  };
  const project = projectWith(projectRecords([...ledgers, policyRecords], { now, folderRoot }));
  const loaded: KindsAndPolicies = {
    policies: engine,
    servingRefusal: evaluation.servingRefusal,
    kinds: [
      project,
      secrets.kind,
      channels.kind,
      model(clock, facts.of('Model')),
      pipeline,
      schedule,
      target({ clock, targets }),
      dataset(clock, facts.of('Dataset')),
      entity,
      featureView(clock),
      featureService,
      user({ changed, end, claimEmail, findEmailOwner, forget }),
      team({ changed }),
      serviceAccount({ changed, end }),
      ...roleBindings({ changed }),
      ...policies({ changed, check: async (source) => await engine.check(source) }),
      endpoint(endpointWork, facts.of('Endpoint')),
      monitor(clock),
    ],
    jobs: [...secrets.jobs, ...channels.jobs, ...evaluation.jobs],
    subscribers: [evaluation.subscriber],
    entries: [
      ...secrets.entries,
      ...accessEntries({ engine, now }),
      ...evaluation.entries,
      ...ofResources.flatMap(({ entries = [] }) => entries),
    ],
  };
  return loaded;
}

/** The authorizers, by `spec.authentication.mode`. */
export const authorizers = {
  solo: async (): Promise<Authorizer> => (await import('#policy/solo-authorizer.ts')).soloAuthorizer,
  accounts: async (dependencies: CedarAuthorizerDependencies): Promise<Authorizer> =>
    new (await import('#policy/cedar-authorizer.ts')).CedarAuthorizer(dependencies),
} as const;

/** Every PostgreSQL schema, the kernel's first. Some kinds name the slice of their ledger too. */
export async function loadSlices(kinds: readonly KindDefinition[]): Promise<readonly Slice[]> {
  const [{ kernelSlice }, { policySlice }, { onlineSlice }, ledgers] = await Promise.all([
    import('#kernel/slice.ts'),
    import('#policy/slice.ts'),
    import('#engines/online/postgres/online-slice.ts'),
    loadLedgers(),
  ]);
  const own = [kernelSlice, policySlice, onlineSlice, ...ledgers.map(({ slice }) => slice)];
  return [...new Set([...own, ...kinds.flatMap(({ slice }) => slice ?? [])])];
}

/** The database engines. */
export const databaseEngines = {
  embedded: async (options: EmbeddedOptions): Promise<DatabaseEngine> =>
    (await import('#engines/database/embedded/embedded-engine.ts')).embeddedEngine(options),
  postgres: async (options: { readonly url: string }): Promise<DatabaseEngine> =>
    (await import('#engines/database/postgres/postgres-engine.ts')).postgresEngine(options),
} as const;
