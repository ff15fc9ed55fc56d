/**
 * The lists: the only file that names concrete engines and kinds. Everything is behind `import()`, so that a process
 * loads only what its role and its configuration use.
 */
import type { ConfigSpec } from '@dais/api';
import type { ConnectionOptions, Database, DatabaseEngine, Slice } from '#engines/database/contract.ts';
import type { exportDatabase as exportRows } from '#engines/database/archive/export-database.ts';
import type { importDatabase as importRows } from '#engines/database/archive/import-database.ts';
import type { DatabaseOptions } from '#engines/database/database.ts';
import type { EmbeddedOptions } from '#engines/database/embedded/embedded-engine.ts';
import type { MigrateOptions } from '#engines/database/migrate.ts';
import type { Environments } from '#engines/environments/contract.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import type { OperationEntry } from '#kernel/dispatch.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import type { Authorizer } from '#kernel/principal.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import type { AuditLedger, AuditLedgerParts } from '#ledgers/audit/index.ts';
import type { lineageRetention as lineageUpkeep, TellingParts } from '#ledgers/lineage/index.ts';
import type { RegistryParts } from '#ledgers/registry/index.ts';
import type { WebhookParts, WebhooksLedger } from '#ledgers/webhooks/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { CedarAuthorizerParts } from '#policy/cedar-authorizer.ts';
import type { ProductionEvaluation } from '#policy/cedar/production-evaluation.ts';
import type { PolicyEngine } from '#policy/policy-engine.ts';
import type { IdentityParts } from '#policy/identity/identity-parts.ts';
import type { SignInOptions } from '#policy/oidc/index.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { EngineSurroundings } from './compose-engines.ts';
import type { EndpointWork } from './compose-endpoints.ts';
import { loadFacts, loadNodeSources } from './compose-facts.ts';

/** What kinds stand on. */
export interface KindParts {
  readonly keys: KeyStore;
  readonly outbound: Outbound;
  readonly clock: Clock;
  /** See the options of the tracking ledger. */
  readonly folderRoot?: string | undefined;
  /** What the controller of endpoints does; without it, nobody follows their manifests. */
  readonly endpointWork?: (() => EndpointWork) | undefined;
}

/** What the kinds bring to a kernel. */
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
}: KindParts): Promise<KindsAndPolicies> {
  const [
    { computeQuotaOf, projectWith },
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
  const { endCredentials: end, claimEmail, whoseEmail, forgetUser: forget } = credentials;
  const ofEvents = [import('#ledgers/audit/index.ts'), import('#ledgers/webhooks/index.ts')] as const;
  const holders = await Promise.all([...ofEvents, import('#ledgers/privacy/index.ts')]);
  const secrets = secret(
    keys,
    holders.map(({ countByKey, rewrapJob }) => ({ countByKey, rewrapJob })),
  );
  const channels = alertChannel({ keys, outbound, now: () => clock.now() });
  const [{ PolicyEngine }, { accessEntries }, { AccountDirectory }, production] = await Promise.all([
    import('#policy/policy-engine.ts'),
    import('#policy/cedar/access-entries.ts'),
    import('#policy/identity/directory.ts'),
    import('#policy/cedar/production-evaluation.ts'),
  ]);
  const [{ registryEntries }, { memberOf: isMember }, { loggedModelHome, runHome }] = await Promise.all([
    import('#ledgers/registry/index.ts'),
    import('#policy/membership.ts'),
    import('#ledgers/tracking/index.ts'),
  ]);
  const artifactRoot = 'mlflow-artifacts:';
  const homes: RegistryParts['homes'] = {
    ofRun: async (tx, id) => await runHome(tx, id, { artifactRoot }),
    ofLoggedModel: async (tx, id) => await loggedModelHome(tx, id, { artifactRoot }),
  };
  const [{ forgetProjectFindings }, { forgetProjectLabels }] = await Promise.all([
    import('#ledgers/privacy/index.ts'),
    import('#ledgers/labelling/index.ts'),
  ]);
  const [
    { beginProject, endProject },
    { forgetProject },
    { forgetWebhooks },
    { endProjectRuns, writeComputeQuota },
    { forgetFeatures },
  ] = await Promise.all([
    import('#ledgers/tracking/index.ts'),
    import('#ledgers/lineage/index.ts'),
    import('#ledgers/webhooks/index.ts'),
    import('#ledgers/executions/index.ts'),
    import('#ledgers/features/index.ts'),
  ]);
  const { forgetServing, tellGateways } = await import('#ledgers/serving/index.ts');
  const { forgetMonitoring } = await import('#ledgers/monitoring/index.ts');
  const [{ forgetProjectPredictions }, { forgetProjectScans }] = await Promise.all([
    import('#ledgers/predictions/index.ts'),
    import('#ledgers/safety/index.ts'),
  ]);
  const { forgetModelJobs } = await import('#ledgers/model-jobs/index.ts');
  const principals = new AccountDirectory();
  const engine = new PolicyEngine(() => loaded.kinds, principals);
  const now = () => clock.now();
  const facts = await loadFacts(now);
  const evaluation = production.productionEvaluation({
    engine,
    sources: facts.production,
    lineage: facts.lineage,
    now,
  });
  const memberOf: RegistryParts['memberOf'] = async (tx, who, teams) => await isMember(engine, tx, who, teams);
  const [{ commentEntries }, { commentedVersions, versionSubject }, { commentedRun, commentedRuns }] =
    await Promise.all([
      import('#ledgers/comments/index.ts'),
      import('#ledgers/registry/index.ts'),
      import('#ledgers/tracking/index.ts'),
    ]);
  const comments = commentEntries({
    now,
    subjects: {
      run: commentedRun,
      version: versionSubject,
      places: async (tx, keys) => new Map([...(await commentedRuns(tx, keys)), ...(await commentedVersions(tx, keys))]),
    },
  });
  const { definitionEntries, forgetDefinitions } = await import('#ledgers/definitions/index.ts');
  const { KindRegistry } = await import('#kernel/registry.ts');
  const definitions = definitionEntries({ now, kinds: () => new KindRegistry(loaded.kinds) });
  const registry = registryEntries({ now, kinds: () => engine.kinds, artifactRoot, homes, memberOf });
  const loaded: KindsAndPolicies = {
    policies: engine,
    servingRefusal: evaluation.servingRefusal,
    kinds: [
      projectWith({
        begin: (tx, id) => beginProject(tx, id, clock, { folderRoot }),
        change: (tx, id, spec) => {
          tellGateways(tx);
          if (spec !== undefined) writeComputeQuota(tx, id, computeQuotaOf(spec));
        },
        end: async (tx, ended) => {
          await endProject(tx, ended);
          await endProjectRuns(tx, ended);
          await forgetProject(tx, ended.id);
          await forgetWebhooks(tx, ended.id);
          await forgetDefinitions(tx, ended.id);
          await forgetFeatures(tx, ended.id);
          await forgetServing(tx, ended.id);
          await forgetProjectFindings(tx, ended.id);
          await forgetProjectLabels(tx, ended.id);
          await forgetProjectPredictions(tx, ended.id);
          await forgetProjectScans(tx, ended.id);
          await forgetModelJobs(tx, ended.id);
          await forgetMonitoring(tx, ended.id);
          await production.forgetPolicyRecords(tx, ended.id);
        },
      }),
      secrets.kind,
      channels.kind,
      model(clock, { facts: facts.model }),
      pipeline,
      schedule,
      target,
      dataset(clock, { facts: facts.dataset }),
      entity,
      featureView(clock),
      featureService,
      user({ changed, end, claimEmail, whoseEmail, forget }),
      team({ changed }),
      serviceAccount({ changed, end }),
      ...roleBindings({ changed }),
      ...policies({ changed, check: async (source) => await engine.check(source) }),
      endpoint(endpointWork, { facts: facts.endpoint }),
      monitor(clock),
    ],
    jobs: [...secrets.jobs, ...channels.jobs, ...evaluation.jobs],
    subscribers: [evaluation.subscriber],
    entries: [
      ...secrets.entries,
      ...accessEntries({ engine, now }),
      ...evaluation.entries,
      ...registry,
      ...comments,
      ...definitions,
    ],
  };
  return loaded;
}

/** What commands and models run in. Looks at nothing until something is asked of it. */
export async function openEnvironments(
  { environments, outbound: { extraCa } }: Pick<ConfigSpec, 'environments' | 'outbound'>,
  { dataFolder, environment, outbound, clock, log, isolation }: EngineSurroundings & { readonly isolation: Isolation },
): Promise<Environments> {
  const { folder = `${dataFolder}/environments`, sourceBuilds: permitted, ...options } = environments;
  const sourceBuilds = permitted === undefined ? 'isolated' : permitted ? 'any' : 'never';
  const [{ environmentsByType }, { openPodmanImages }, { openUvEnvironments }] = await Promise.all([
    import('#engines/environments/environments-by-type.ts'),
    import('#engines/environments/image/podman-images.ts'),
    import('#engines/environments/uv/uv-environments.ts'),
  ]);
  const shared = { outbound, environment, now: () => clock.now(), log };
  const { maxBytes } = options;
  return environmentsByType(
    openUvEnvironments({ ...options, ...shared, folder, sourceBuilds, isolation, extraCa }),
    openPodmanImages({ ...shared, maxBytes, folder: `${folder}/images` }),
  );
}

/** Why steps cannot have images here, and what to do about it. */
export async function imageFault(environment: EngineSurroundings['environment']): Promise<string | undefined> {
  return await (await import('#engines/environments/image/podman-images.ts')).podmanFault(environment);
}

/** Queries over datasets, in isolated processes that start with the first query. */
export async function openQuery(
  { query: { memoryMb, threads, tempMb, callerSeconds } }: Pick<ConfigSpec, 'query'>,
  {
    dataFolder,
    clock,
    log,
    isolation,
  }: Pick<EngineSurroundings, 'dataFolder' | 'clock' | 'log'> & { readonly isolation: Isolation },
): Promise<QueryEngine> {
  const { openDuckdbQuery } = await import('#engines/query/duckdb/duckdb-query.ts');
  const limits = { memoryMb, threads, tempMb, callerSeconds };
  return openDuckdbQuery({ folder: `${dataFolder}/query`, ...limits, clock, log, isolation });
}

/** Who is who: operations of people, sessions, tokens and invitations. */
export async function loadIdentity(
  parts: Omit<IdentityParts, 'hasher'>,
): Promise<Pick<LoadedKinds, 'entries' | 'jobs'>> {
  const [{ identityEntries }, { identityRetention }, { PasswordHasher }] = await Promise.all([
    import('#policy/identity/identity-entries.ts'),
    import('#policy/identity/identity-retention.ts'),
    import('#policy/identity/password-hash.ts'),
  ]);
  return { entries: identityEntries({ ...parts, hasher: new PasswordHasher() }), jobs: [identityRetention] };
}

/** Signing in elsewhere: at identity providers, on command lines, with tokens of CI systems. */
export async function loadSignIn({
  keys,
  ...options
}: Omit<SignInOptions, 'sealer'> & { readonly keys: KeyStore }): Promise<Pick<LoadedKinds, 'entries' | 'jobs'>> {
  const [{ signInElsewhere }, { open, seal }] = await Promise.all([
    import('#policy/oidc/index.ts'),
    import('#kinds/secret/sealing.ts'),
  ]);
  const sealer: SignInOptions['sealer'] = {
    seal: async (plaintext, context) => await seal(keys, plaintext, context),
    open: async (sealed, context) => await open(keys, sealed, context),
  };
  return signInElsewhere({ ...options, sealer });
}

/** Who decides, by `spec.authentication.mode`. */
export const authorizers = {
  solo: async (): Promise<Authorizer> => (await import('#policy/solo-authorizer.ts')).soloAuthorizer,
  accounts: async (parts: CedarAuthorizerParts): Promise<Authorizer> =>
    new (await import('#policy/cedar-authorizer.ts')).CedarAuthorizer(parts),
} as const;

/** What happened, who did it and why they were let: the log that proves that nobody changed it. */
export async function loadAudit(parts: AuditLedgerParts): Promise<AuditLedger> {
  return (await import('#ledgers/audit/index.ts')).auditLedger(parts);
}

/** What came from what, what other systems tell of it, and what one of them is told. */
export async function loadLineage({
  emission,
  ...options
}: Parameters<typeof lineageUpkeep>[0] & {
  readonly emission?:
    | (Omit<TellingParts, 'sources' | 'headers' | 'words'> & {
        readonly apiKey?: string | undefined;
        readonly namespace: string;
      })
    | undefined;
}): Promise<Pick<LoadedKinds, 'entries' | 'jobs'> & { readonly subscribers: readonly Subscriber[] }> {
  const [{ lineageEntries, lineageRetention, tellingHandler, tellingOutbox }, { runNodes }, openLineage, sources] =
    await Promise.all([
      import('#ledgers/lineage/index.ts'),
      import('#ledgers/tracking/index.ts'),
      import('#protocols/openlineage/index.ts'),
      loadNodeSources(),
    ]);
  const { openLineageEntries, runEvent } = openLineage;
  const told = [emission ?? []].flat().map(({ apiKey, namespace, ...parts }): TellingParts => ({
    ...parts,
    sources,
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    words: (run) => runEvent(run, namespace),
  }));
  return {
    entries: [...lineageEntries(sources), ...openLineageEntries(runNodes)],
    jobs: [lineageRetention(options), ...told.map(tellingHandler)],
    subscribers: told.map(tellingOutbox),
  };
}

/** Who is told of what happens: in Dais's own words, and in those of the doors that bring webhooks of their own. */
export async function loadWebhooks({
  keys,
  allowHosts,
  ...parts
}: Omit<WebhookParts, 'sealer' | 'formats' | 'inside'> & {
  readonly keys: KeyStore;
  readonly allowHosts: readonly string[];
}): Promise<WebhooksLedger> {
  const [{ nativeFormat, webhooksLedger }, { mlflowWebhooks }, { open, rewrap, seal }, { parseHostPattern }] =
    await Promise.all([
      import('#ledgers/webhooks/index.ts'),
      import('#protocols/mlflow/index.ts'),
      import('#kinds/secret/sealing.ts'),
      import('#lib/outbound/host-pattern.ts'),
    ]);
  const sealer: WebhookParts['sealer'] = {
    seal: async (plaintext, context) => await seal(keys, plaintext, context),
    open: async (sealed, context) => await open(keys, sealed, context),
    rewrap: async (sealed, context) => await rewrap(keys, sealed, context),
  };
  const inside = allowHosts.flatMap((host) => parseHostPattern(host) ?? []);
  return webhooksLedger({ ...parts, sealer, inside, formats: [nativeFormat, mlflowWebhooks] });
}

/** Every PostgreSQL schema, the kernel's first. */
export async function loadSlices(kinds: readonly KindDefinition[]): Promise<readonly Slice[]> {
  const [{ kernelSlice }, { policySlice }, { auditSlice }, ...ledgers] = await Promise.all([
    import('#kernel/slice.ts'),
    import('#policy/slice.ts'),
    import('#ledgers/audit/index.ts'),
    import('#ledgers/lineage/index.ts'),
    import('#ledgers/tracking/index.ts'),
    import('#ledgers/webhooks/index.ts'),
    import('#ledgers/comments/index.ts'),
    import('#ledgers/executions/index.ts'),
    import('#ledgers/definitions/index.ts'),
    import('#engines/online/postgres/online-slice.ts'),
  ]);
  const [{ lineageSlice }, { trackingSlice }, { webhooksSlice }, { commentsSlice }, ...more] = ledgers;
  const [{ executionsSlice }, { definitionsSlice }, { onlineSlice }] = more;
  const [{ privacySlice }, { labelsSlice }, { qualitySlice }] = await Promise.all([
    import('#ledgers/privacy/index.ts'),
    import('#ledgers/labelling/index.ts'),
    import('#ledgers/quality/index.ts'),
  ]);
  const [{ predictionsSlice }, { safetySlice }] = await Promise.all([
    import('#ledgers/predictions/index.ts'),
    import('#ledgers/safety/index.ts'),
  ]);
  const { modelJobsSlice } = await import('#ledgers/model-jobs/index.ts');
  const records = [lineageSlice, commentsSlice, trackingSlice, webhooksSlice, executionsSlice, definitionsSlice];
  const own = [
    ...records,
    onlineSlice,
    privacySlice,
    labelsSlice,
    qualitySlice,
    predictionsSlice,
    safetySlice,
    modelJobsSlice,
  ];
  return [kernelSlice, policySlice, auditSlice, ...own, ...kinds.flatMap((kind) => kind.slice ?? [])];
}

/** Who runs the database server. */
export const databaseEngines = {
  embedded: async (options: EmbeddedOptions): Promise<DatabaseEngine> =>
    (await import('#engines/database/embedded/embedded-engine.ts')).embeddedEngine(options),
  postgres: async (options: { readonly url: string }): Promise<DatabaseEngine> =>
    (await import('#engines/database/postgres/postgres-engine.ts')).postgresEngine(options),
} as const;

export async function openDatabase(connection: ConnectionOptions, options: DatabaseOptions): Promise<Database> {
  return (await import('#engines/database/database.ts')).openDatabase(connection, options);
}

export async function migrate(
  connection: ConnectionOptions,
  slices: readonly Slice[],
  programVersion: string,
  options: MigrateOptions,
): Promise<readonly string[]> {
  return await (await import('#engines/database/migrate.ts')).migrate(connection, slices, programVersion, options);
}

/** See the engine: whether this program still fits the database. */
export async function schemaState(
  database: Database,
  slices: readonly Slice[],
  programVersion: string,
): Promise<readonly string[]> {
  return await (await import('#engines/database/schema-state.ts')).schemaState(database, slices, programVersion);
}

export async function exportDatabase(...args: Parameters<typeof exportRows>): ReturnType<typeof exportRows> {
  return await (await import('#engines/database/archive/export-database.ts')).exportDatabase(...args);
}

export async function importDatabase(...args: Parameters<typeof importRows>): ReturnType<typeof importRows> {
  return await (await import('#engines/database/archive/import-database.ts')).importDatabase(...args);
}

/** Where an embedded PostgreSQL would be taken from, and who would run it. */
export interface PostgresPlace {
  readonly folder: string;
  readonly cacheFolder: string;
  readonly postgresBin?: string;
}

/** @throws DaisError `database_setup` when there are none for this platform or they do not run. */
export async function findPostgres({ folder, cacheFolder, postgresBin }: PostgresPlace) {
  const [{ findBinaries }, { chooseServerUser }] = await Promise.all([
    import('#engines/database/embedded/binaries.ts'),
    import('#engines/database/embedded/server-user.ts'),
  ]);
  const self = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return await findBinaries({ postgresBin, cacheFolder, user: await chooseServerUser(`${folder}/cluster`, self) });
}
