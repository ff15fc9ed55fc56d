/** Opens the source that `--from` names. */
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DaisError, type Fetch } from '@dais/api';
import { proxiedFetch } from '#connection/proxies.ts';
import type { Context } from '#context.ts';
import { fileSource } from './file-store/file-source.ts';
import { httpSource } from './http-source.ts';
import { LocalFiles } from './local-files.ts';
import { MlflowRest } from './mlflow-rest.ts';
import { existing } from './run-logs/log-file.ts';
import { openPostgres, openSqlite } from './sql-reader.ts';
import { sqlSource } from './sql-source.ts';
import type { TrackingSource } from './source.ts';

export interface SourceOptions {
  readonly from: string;
  readonly tokenVariable: string;
  readonly artifacts?: string | undefined;
}

/**
 * @throws DaisError `invalid_request` for an unsupported URL, or one that contains a password of a server; `not_found`
 */
export async function openSource(context: Context, { from, tokenVariable, artifacts }: SourceOptions) {
  const local = artifacts === undefined ? undefined : resolve(context.workingFolder, artifacts);
  if (/^https?:/i.test(from)) return await openHttp(context, from, tokenVariable);
  if (/^sqlite:/i.test(from)) return await openFile(context, from, new LocalFiles(local));
  if (/^postgres(ql)?(\+\w+)?:/i.test(from)) return await openDatabase(from, new LocalFiles(local));
  if (/^file:/i.test(from) || !/^[a-z][\w+.-]+:/i.test(from))
    return await openFolder(context, from, new LocalFiles(local));
  const detail = `"${from}" is not a supported source. Use http://…, https://…, sqlite:///FILE, postgresql://… or an mlruns folder.`;
  throw new DaisError('invalid_request', detail);
}

async function openHttp(context: Context, from: string, tokenVariable: string): Promise<TrackingSource> {
  const rest = await restOf(context, from, tokenVariable);
  return httpSource(rest, rest.url);
}

/**
 * @throws DaisError `invalid_request` for an invalid URL, or one with a password.
 */
export async function restOf(context: Context, address: string, tokenVariable: string): Promise<MlflowRest> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined) throw new DaisError('invalid_request', `"${address}" is not a server URL.`);
  if (url.username !== '' || url.password !== '') {
    const detail = `The URL contains credentials. Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or put a token into ${tokenVariable}.`;
    throw new DaisError('invalid_request', detail);
  }
  const { variables } = context.environment;
  const proxied = await proxiedFetch(address, variables);
  const fetch: Fetch = proxied ?? ((target, init) => globalThis.fetch(target, init));
  const authorization = authorizationOf(variables, tokenVariable);
  return new MlflowRest({
    url: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    fetch,
    signal: context.signal,
    ...(authorization !== undefined && { authorization }),
  });
}

/** As MLflow's own client: a token has priority over user and password. */
function authorizationOf(variables: Context['environment']['variables'], tokenVariable: string): string | undefined {
  const token = variables[tokenVariable];
  if (token) return `Bearer ${token}`;
  const { MLFLOW_TRACKING_USERNAME: user, MLFLOW_TRACKING_PASSWORD: password } = variables;
  if (!user || !password) return undefined;
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

async function openFile(context: Context, from: string, files: LocalFiles): Promise<TrackingSource> {
  // Four slashes start an absolute path, three a relative one; people write three for both.
  const path = from.replace(/^sqlite:\/{0,3}/i, '');
  const absolute = path.startsWith('/') ? path : `/${path}`;
  const candidates = [resolve(context.workingFolder, path), absolute];
  for (const candidate of candidates) {
    const file = await realpath(candidate).catch(() => undefined);
    if (file !== undefined) return await sqlSource(await openSqlite(file), files, `sqlite://${file}`);
  }
  throw new DaisError('file_not_found', `Not found: ${candidates.join(', ')}.`);
}

async function openFolder(context: Context, from: string, files: LocalFiles): Promise<TrackingSource> {
  const path = /^file:\/\//i.test(from) ? fileURLToPath(from) : from.replace(/^file:/i, '');
  const folder = await existing(resolve(context.workingFolder, path));
  if (folder.isFolder) return await fileSource(folder.path, files);
  const detail = `${folder.path} is a file. Use sqlite:///${folder.path} for a database, or give an mlruns folder.`;
  throw new DaisError('invalid_request', detail);
}

async function openDatabase(from: string, files: LocalFiles): Promise<TrackingSource> {
  const address = from.replace(/^postgres(ql)?(\+\w+)?:/i, 'postgresql:');
  if (!URL.canParse(address)) throw new DaisError('invalid_request', 'Not a PostgreSQL URL.');
  const { host, pathname } = new URL(address);
  return await sqlSource(await openPostgres(address), files, `postgresql://${host}${pathname}`);
}
