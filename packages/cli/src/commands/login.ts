import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { DaisError, type DaisClient } from '@dais/api';
import {
  currentSessionOperation,
  pollDeviceOperation,
  revokeTokenOperation,
  startDeviceOperation,
  type CurrentSession,
} from '@dais/api/access';
import { openBrowser } from '#connection/browser.ts';
import { chooseServer, connect } from '#connection/connect.ts';
import { credentialPath, readCredential, writeCredential, type Credential } from '#connection/credentials.ts';
import { isLoopback } from '#connection/proxies.ts';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { ownVersion } from '#version.ts';

interface LoginOptions {
  readonly tokenStdin?: true;
  readonly browser: boolean;
}

export const login: Run<LoginOptions> = async (context, [given], options) => {
  const url = await serverOf(context, given);
  const credential =
    options.tokenStdin === true ? await readToken(context, url) : await requestToken(context, url, options.browser);
  await writeCredential(credentialPath(context.environment), url, credential);
  const { user, expiresAt } = credential;
  if (!(await printedForPrograms(context, { url, user, expiresAt }))) {
    const until = expiresAt === undefined ? '' : ` until ${new Date(expiresAt).toLocaleString()}`;
    context.terminal.out(`Signed in to ${url} as ${user}${until}.\n`);
  }
  if (context.environment.token !== undefined) {
    remark(context, 'DAIS_TOKEN is set and takes precedence. Unset it to use this sign-in.');
  }
  return exitCodes.ok.code;
};

export const logout: Run = async (context, [given]) => {
  const url = await serverOf(context, given);
  const path = credentialPath(context.environment);
  const kept = await readCredential(path, url, context.now());
  if (kept === undefined) {
    await writeCredential(path, url, undefined);
    context.terminal.out(`Not signed in to ${url}.\n`);
    return exitCodes.ok.code;
  }
  // Removed first: an unreachable server must not keep the user signed in here.
  await writeCredential(path, url, undefined);
  if (!kept.token.startsWith('dais_ses_')) {
    context.terminal.out(
      `The token for ${url} was removed from this machine. It is still valid: revoke it with \`dais token revoke\`.\n`,
    );
    return exitCodes.ok.code;
  }
  await endToken(await clientWith(context, url, kept.token), url);
  context.terminal.out(`Signed out of ${url}.\n`);
  return exitCodes.ok.code;
};

async function serverOf(context: Context, given: string | undefined): Promise<string> {
  const { environment, globals } = context;
  const { url } = await chooseServer(environment, given === undefined ? globals : { ...globals, url: given });
  // Rejects an invalid URL immediately.
  return (await clientWith(context, url, undefined)).url;
}

/** A client with only this token; undefined: anonymous. */
async function clientWith(context: Context, url: string, token: string | undefined): Promise<DaisClient> {
  return await connect(context.environment, context.globals, { url, token });
}

async function readToken(context: Context, url: string): Promise<Credential> {
  const token = (await context.readStdin()).toString('utf8').trim();
  if (token === '') throw new DaisError('invalid_request', 'No token on standard input.');
  const session = await (await clientWith(context, url, token)).perform(currentSessionOperation, {});
  return { token, user: nameOf(session, url) };
}

function nameOf({ mode, actor }: CurrentSession, url: string): string {
  if (mode === 'solo') throw needsNone(url);
  if (actor === undefined) throw new DaisError('unauthenticated', `${url} does not accept this token.`);
  return actor.id;
}

function needsNone(url: string): DaisError {
  return new DaisError('invalid_state', `The server at ${url} has one owner and needs no sign-in.`);
}

async function requestToken(context: Context, url: string, mayOpen: boolean): Promise<Credential> {
  const client = await clientWith(context, url, undefined);
  if ((await modeOf(client)) === 'solo') throw needsNone(url);
  const program = `dais ${ownVersion()}`;
  const started = await client.perform(startDeviceOperation, { machine: hostname(), program });
  const page = pageFor(started.verification_uri_complete, url);
  const { terminal, environment } = context;
  terminal.err(`Open ${page}\nand authorize this command line if the page shows the code ${started.user_code}.\n`);
  if (mayOpen) await openBrowser(page, environment.variables);
  const end = context.now() + started.expires_in * 1000;
  let { interval } = started;
  while (context.now() < end) {
    terminal.progress('waiting for authorization');
    const polled = await pollOnce(client, started.device_code, context.signal);
    switch (polled?.state) {
      case 'approved': {
        terminal.progress('');
        const { access_token: token, user, expires_in: seconds } = polled;
        if (token === undefined || user === undefined)
          throw new DaisError('upstream_failed', `${url} returned no token.`);
        const expiresAt = seconds === undefined ? undefined : new Date(context.now() + seconds * 1000).toISOString();
        return { token, user, ...(expiresAt !== undefined && { expiresAt }) };
      }
      case 'denied':
        throw new DaisError('forbidden', 'The request was denied.');
      case 'expired':
        throw new DaisError('unauthenticated', 'The code expired. Run the command again.');
      default:
        interval = polled?.interval ?? interval;
    }
    await sleep(interval * 1000, undefined, { signal: context.signal });
  }
  throw new DaisError('unauthenticated', 'The code expired. Run the command again.');
}

/** Solo servers grant this only to their owner; they require a token from unknown callers. */
async function modeOf(client: DaisClient): Promise<CurrentSession['mode']> {
  return (await client.perform(currentSessionOperation, {})).mode;
}

/** Undefined when the server did not respond: it may do so later. */
async function pollOnce(client: DaisClient, deviceCode: string, signal: AbortSignal) {
  try {
    return await client.perform(pollDeviceOperation, { device_code: deviceCode }, { signal });
  } catch (error) {
    if (error instanceof DaisError && error.retryable) return undefined;
    throw error;
  }
}

/** A server without a configured public URL returns a loopback URL: then the URL of this command is used. */
function pageFor(message: string, url: string): string {
  if (!URL.canParse(message)) return message;
  const { hostname: host, pathname, search } = new URL(message);
  const unreachable = isLoopback(message) || host === '0.0.0.0' || host === '[::]';
  return unreachable && !isLoopback(url) ? `${url}${pathname}${search}` : message;
}

async function endToken(client: DaisClient, url: string): Promise<void> {
  try {
    const { session } = await client.perform(currentSessionOperation, {});
    if (session !== undefined) await client.perform(revokeTokenOperation, { id: session });
  } catch (error) {
    if (!(error instanceof DaisError)) throw error;
    // It has already ended.
    if (error.code === 'unauthenticated') return;
    throw new DaisError(
      error.code,
      `The sign-in was removed from this machine, but ${url} did not end it: ${error.message}`,
      {
        cause: error,
      },
    );
  }
}
