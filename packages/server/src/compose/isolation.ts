/** What isolates the code and the models of users, in each process that runs some; see compose.ts. */
import type { Isolation, IsolationOptions } from '#engines/isolation/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { Log } from '#lib/log.ts';
import type { ResolvedConfig } from '#config-load.ts';

export interface IsolationEnvironment {
  /** Of the server: PATH, HOME and the variables that name the kind of container. */
  readonly environment: Readonly<Record<string, string>>;
  readonly outbound: Outbound;
  readonly clock: Clock;
}

/** Search paths of bubblewrap; plain data that a thread or child process can receive. */
export type IsolationPaths = Pick<IsolationOptions, 'configured' | 'path' | 'bundled'> & {
  readonly variables: Readonly<Record<string, string>>;
};

/** Where programs of isolation are. */
export type IsolationConfig = Pick<ResolvedConfig, 'data' | 'isolation'>;

export async function isolationPaths(
  config: IsolationConfig,
  environment: IsolationEnvironment['environment'],
): Promise<IsolationPaths> {
  const { bundledPath: bundledLocation } = await import('#engines/isolation/bubblewrap/bundled-bubblewrap.ts');
  const { bubblewrap } = config.isolation;
  const path = environment['PATH'];
  return {
    ...(bubblewrap !== undefined && { configured: [bubblewrap] }),
    ...(path !== undefined && { path }),
    bundled: [bundledLocation(folderOf(config))],
    variables: environment,
  };
}

/** Isolation with what is at these places; installs nothing. */
export async function openIsolationAt(paths: IsolationPaths): Promise<Isolation> {
  return (await import('#engines/isolation/open-isolation.ts')).openIsolation(paths);
}

/** Installs the bundled bubblewrap before the first run, where the machine has none. */
export async function openServerIsolation(
  config: IsolationConfig & Pick<ResolvedConfig, 'environments'>,
  { environment, outbound, clock }: IsolationEnvironment,
): Promise<Isolation> {
  const [{ openIsolation }, { ProvidedIsolation }, { Indexes }] = await Promise.all([
    import('#engines/isolation/open-isolation.ts'),
    import('#engines/isolation/provided-isolation.ts'),
    import('#engines/environments/uv/indexes.ts'),
  ]);
  const { index, wheelhouse } = config.environments;
  const searchPath = environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  const indexes = new Indexes({ index, wheelhouse, environment, searchPath, outbound });
  const paths = await isolationPaths(config, environment);
  return new ProvidedIsolation({
    bundled: {
      folder: folderOf(config),
      wheelhouse,
      index: async () => await indexes.forUv(),
      outbound,
    },
    programs: paths,
    open: ({ bundled }) => openIsolation({ ...paths, bundled }),
    clock,
  });
}

/** For the control process, which also reports what isolates. */
export async function openControlIsolation(
  config: IsolationConfig & Pick<ResolvedConfig, 'environments'>,
  around: IsolationEnvironment & { readonly log: Log },
) {
  const { IsolationState } = await import('#control/isolation-state.ts');
  const isolation = await openServerIsolation(config, around);
  return {
    isolation,
    isolationPaths: await isolationPaths(config, around.environment),
    isolationState: new IsolationState(isolation, around),
  };
}

function folderOf({ data, isolation }: IsolationConfig): string {
  return isolation.folder ?? `${data}/isolation`;
}
