/** Opens the engines that run code and queries; see compose.ts. */
import type { ConfigSpec } from '@dais/api';
import type { Environments } from '#engines/environments/contract.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import type { EngineEnvironment } from './engines.ts';

/** Execution environments of commands and models. Checks nothing before its first use. */
export async function openEnvironments(
  { environments, outbound: { extraCa } }: Pick<ConfigSpec, 'environments' | 'outbound'>,
  { dataFolder, environment, outbound, clock, log, isolation }: EngineEnvironment & { readonly isolation: Isolation },
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
export async function imageProblem(environment: EngineEnvironment['environment']): Promise<string | undefined> {
  return await (await import('#engines/environments/image/podman-images.ts')).podmanProblem(environment);
}

/** Queries over datasets, in isolated processes that start with the first query. */
export async function openQuery(
  { query: { memoryMb, threads, tempMb, callerSeconds } }: Pick<ConfigSpec, 'query'>,
  {
    dataFolder,
    clock,
    log,
    isolation,
  }: Pick<EngineEnvironment, 'dataFolder' | 'clock' | 'log'> & { readonly isolation: Isolation },
): Promise<QueryEngine> {
  const { openDuckdbQuery } = await import('#engines/query/duckdb/duckdb-query.ts');
  const limits = { memoryMb, threads, tempMb, callerSeconds };
  return openDuckdbQuery({ folder: `${dataFolder}/query`, ...limits, clock, log, isolation });
}
