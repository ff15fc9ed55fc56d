/** Selects the server and creates a client for it. */
import { createClient, DaisError, type DaisClient, type Fetch, type RetryOptions } from '@dais/api';
import { credentialPath, readCredential } from '#connection/credentials.ts';
import { dataFolders, findLocalServer } from '#connection/local-server.ts';
import { proxiedFetch } from '#connection/proxies.ts';
import type { GlobalOptions } from '#context.ts';
import type { Environment } from '#environment.ts';

export const DEFAULT_URL = 'http://127.0.0.1:7070';

/** Delay between attempts to reach a restarting server. */
const LONGEST_WAIT_MS = 2000;

export interface ServerChoice {
  readonly url: string;
  readonly token: string | undefined;
  /** Source of the URL. */
  readonly from: '--url' | 'DAIS_URL' | 'data folder' | 'default';
}

/**
 * Option, then variable, then the server that runs on this machine, then the default URL. The token: option, then
 * variable, then the stored one of `dais login` for that server, then the owner's of this machine. @throws DaisError
 * `forbidden`, `invalid_config` for an unusable credential file.
 */
export async function chooseServer(
  environment: Environment,
  options: Pick<GlobalOptions, 'url' | 'token'>,
  dataFolder?: string,
): Promise<ServerChoice> {
  const choice = await nameServer(environment, options, dataFolder);
  const given = options.token ?? environment.token;
  if (given !== undefined || !URL.canParse(choice.url)) return { ...choice, token: given ?? choice.token };
  const kept = await readCredential(credentialPath(environment), choice.url, Date.now());
  return { ...choice, token: kept?.token ?? choice.token };
}

async function nameServer(
  environment: Environment,
  options: Pick<GlobalOptions, 'url'>,
  dataFolder: string | undefined,
): Promise<ServerChoice> {
  const named = options.url ?? environment.url;
  const local = await firstLocalServer(environment, dataFolder);
  if (named !== undefined) {
    const isLocal = local !== undefined && trimmed(local.url) === trimmed(named);
    return {
      url: named,
      token: isLocal ? local.token : undefined,
      from: options.url === undefined ? 'DAIS_URL' : '--url',
    };
  }
  if (local !== undefined) return { url: local.url, token: local.token, from: 'data folder' };
  return { url: DEFAULT_URL, token: undefined, from: 'default' };
}

async function firstLocalServer(environment: Environment, dataFolder: string | undefined) {
  for (const folder of dataFolders(environment, dataFolder)) {
    const found = await findLocalServer(folder);
    if (found !== undefined) return found;
  }
  return undefined;
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '');
}

/**
 * Returns a client for the selected server; `exactly` sets server and token instead. @throws DaisError
 * `invalid_request` for an invalid URL; failed connections have the remedy.
 */
export async function connect(
  environment: Environment,
  globals: Pick<GlobalOptions, 'url' | 'token' | 'project'>,
  exactly?: Pick<ServerChoice, 'url' | 'token'>,
): Promise<DaisClient> {
  const choice: ServerChoice =
    exactly === undefined ? await chooseServer(environment, globals) : { ...exactly, from: '--url' };
  const fetch = await proxiedFetch(choice.url, environment.variables);
  return createClient({
    ...(environment.retrySeconds !== undefined && { retry: patience(environment.retrySeconds) }),
    url: choice.url,
    token: choice.token,
    project: globals.project ?? environment.project,
    fetch: helpful(fetch ?? ((url, init) => globalThis.fetch(url, init)), choice),
  });
}

/** @throws DaisError `invalid_request` */
function patience(seconds: string): RetryOptions {
  const withinMs = Number(seconds) * 1000;
  if (!(withinMs >= 0)) {
    throw new DaisError('invalid_request', `DAIS_RETRY_SECONDS is a number of seconds, not "${seconds}".`);
  }
  return { withinMs, capMs: LONGEST_WAIT_MS };
}

/** Adds the selected server and the remedy to a refused connection. */
function helpful(inner: Fetch, choice: ServerChoice): Fetch {
  return async (url, init) => {
    try {
      return await inner(url, init);
    } catch (error) {
      if (!wasRefused(error)) throw error;
      throw new DaisError('server_unreachable', refusedText(choice), { cause: error });
    }
  };
}

function wasRefused(error: unknown): boolean {
  let here: unknown = error;
  for (let depth = 0; depth < 4 && here instanceof Error; depth++) {
    if ((here as NodeJS.ErrnoException).code === 'ECONNREFUSED') return true;
    here = here instanceof AggregateError ? here.errors[0] : here.cause;
  }
  return false;
}

function refusedText({ url, from }: ServerChoice): string {
  if (from === 'default') return `No server at ${url}. Start one with \`dais up\`, or set --url.`;
  if (from === 'data folder') return `No server at ${url}, although the data folder records a running server.`;
  return `No server at ${url} (from ${from}).`;
}
