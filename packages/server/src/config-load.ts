/**
 * Combines file, variables and flags to one validated configuration. The only file of the server that reads the process
 * environment; all other code receives values.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { configFields, configSchema, type ConfigField, type ConfigSpec, schemaIssues } from '@dais/api/config';
import { DaisError, type Issue } from '@dais/api/errors';
import { nearest } from '@dais/api/nearest';
import { readDocuments, type ManifestDocument } from '#kernel/manifest-text.ts';

/** Values by path below `spec`: `{ port: 8080, 'database.url': '…' }`. Text is read as a variable's text would be. */
export type ConfigFlags = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface ConfigSources {
  /** The manifest file, already read. */
  readonly file?: { readonly path: string; readonly text: string };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly flags: ConfigFlags;
  /** Folder from which relative paths of variables and flags count. */
  readonly workingFolder: string;
}

/** Where defaults that depend on the user and the host come from. */
export interface ConfigEnvironment {
  readonly home: string;
  readonly isRoot: boolean;
}

/** A configuration in which nothing is left to guess. All paths are absolute. */
export interface ResolvedConfig extends ConfigSpec {
  readonly data: string;
}

/** Variables with this prefix that are not fields: read by the CLI, the tools and the tests. */
const OTHER_VARIABLES = new Set(['DAIS_CONFIG', 'DAIS_URL', 'DAIS_TOKEN', 'DAIS_PROJECT', 'DAIS_CACHE']);

/**
 * Flags take precedence over variables, variables over the file, and the file over defaults.
 * @throws DaisError `invalid_config` with all errors: line and column in the file, or the name of the variable or flag.
 */
export function resolveConfig(sources: ConfigSources, environmentVariables: ConfigEnvironment): ResolvedConfig {
  const fields = configFields();
  const issues: Issue[] = [];
  const document = sources.file === undefined ? undefined : readFileDocument(sources.file, issues);
  const manifest = asRecord(document?.value) ?? { apiVersion: 'dais.dev/v1', kind: 'DaisConfig' };
  const spec = structuredClone(asRecord(manifest['spec']) ?? {});
  if (sources.file !== undefined) absolutePaths(spec, fields, dirname(sources.file.path));

  const byPath = new Map(fields.map((field) => [field.path, field]));
  const origins = new Map<string, string>();
  const override = (field: ConfigField, value: unknown, origin: string) => {
    const parsed = typeof value === 'string' ? parseText(field, value) : value;
    if (parsed === undefined) {
      issues.push({ path: origin, message: `is ${shown(field, value)}`, expected: expectedText(field) });
      return;
    }
    const absolute =
      field.type === 'path' && typeof parsed === 'string' ? resolve(sources.workingFolder, parsed) : parsed;
    setAt(spec, field, absolute, byPath);
    origins.set(field.path, origin);
  };
  issues.push(...unknownVariables(fields, sources.environment));
  for (const field of byPath.values()) {
    const text = sources.environment[field.variable];
    // An empty variable counts as none, as in `DAIS_PORT= dais up`.
    if (text !== undefined && text !== '') override(field, text, field.variable);
  }
  for (const [path, value] of Object.entries(sources.flags)) {
    const field = byPath.get(path);
    if (value === undefined) continue;
    if (field === undefined) throw new Error(`no configuration field ${path}`);
    override(
      field,
      value,
      `--${path
        .replaceAll(/([A-Z])/g, '-$1')
        .replaceAll('.', '-')
        .toLowerCase()}`,
    );
  }

  const whole = { ...manifest, spec };
  const result = configSchema.safeParse(whole);
  if (!result.success) {
    for (const issue of schemaIssues(result.error, configSchema, whole)) {
      issues.push(placed(issue, origins, document, fields));
    }
  }
  if (issues.length > 0 || !result.success) {
    const where = sources.file === undefined ? 'The configuration' : sources.file.path;
    throw new DaisError(
      'invalid_config',
      `${where} has ${issues.length === 1 ? 'an error' : `${issues.length} errors`}.`,
      {
        issues,
      },
    );
  }
  return complete(result.data.spec, sources.environment, environmentVariables);
}

/** Reads the file, if any, and the environment of this process. @throws DaisError `invalid_config`. */
export async function loadConfig(options: {
  readonly file?: string | undefined;
  readonly flags: ConfigFlags;
}): Promise<ResolvedConfig> {
  const workingFolder = process.cwd();
  const named = options.file ?? process.env['DAIS_CONFIG'];
  const path = named === undefined || named === '' ? undefined : resolve(workingFolder, named);
  return resolveConfig(
    {
      ...(path !== undefined && { file: { path, text: await readConfigFile(path) } }),
      environment: process.env,
      flags: options.flags,
      workingFolder,
    },
    { home: homedir(), isRoot: process.geteuid?.() === 0 },
  );
}

/** The environment of child processes: without the variables of Dais, whose values are passed as configuration. */
export function childEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('DAIS_'),
    ),
  );
}

/** The configuration for display: without the values of secrets. */
export function redactConfig(config: ResolvedConfig): Record<string, unknown> {
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  for (const field of withItems(configFields()).filter((candidate) => candidate.secret)) {
    for (const { holder, name } of positionsOf(copy, field.path)) {
      const value = holder[name];
      if (value !== undefined) holder[name] = typeof value === 'string' ? redactText(value) : redactMap(value);
    }
  }
  return copy;
}

/** Returns every secret value of a configuration, to search for it in output. Includes the passwords of URLs. */
export function configSecrets(config: ResolvedConfig): readonly string[] {
  const spec = config as unknown as Record<string, unknown>;
  return withItems(configFields())
    .filter(({ secret }) => secret)
    .flatMap(({ path }) => positionsOf(spec, path).map(({ holder, name }) => holder[name]))
    .flatMap((value) => (typeof value === 'string' ? [value] : Object.values(asRecord(value) ?? {})))
    .filter((value) => typeof value === 'string')
    .flatMap((value) => {
      if (!value.includes('://') || !URL.canParse(value)) return [value];
      const { password } = new URL(value);
      return password === '' ? [] : [password, decodeURIComponent(password)];
    });
}

async function readConfigFile(path: string): Promise<string> {
  const unreadable = (message: string, cause?: unknown) =>
    new DaisError('invalid_config', `${path} ${message}`, { issues: [{ file: path, message }], cause });
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw unreadable(code === 'ENOENT' ? 'does not exist.' : `cannot be read (${code}).`, error);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw unreadable('is not UTF-8.', error);
  }
}

function readFileDocument(file: NonNullable<ConfigSources['file']>, issues: Issue[]): ManifestDocument | undefined {
  try {
    const documents = readDocuments(file.path, file.text);
    if (documents.length > 1)
      issues.push({ file: file.path, message: 'contains more than one document', expected: 'one' });
    const [document] = documents;
    if (document !== undefined && asRecord(document.value) === undefined) {
      issues.push({ file: file.path, line: 1, column: 1, message: 'is not a map', expected: 'a DaisConfig manifest' });
      return undefined;
    }
    return document;
  } catch (error) {
    if (!(error instanceof DaisError)) throw error;
    issues.push(...(error.issues ?? [{ file: file.path, message: error.message }]));
    return undefined;
  }
}

/** An unknown variable is an error only if it is similar to a known one: it can belong to another program. */
function unknownVariables(fields: readonly ConfigField[], environment: ConfigSources['environment']): Issue[] {
  const known = new Set(fields.map((field) => field.variable));
  return Object.keys(environment)
    .filter((name) => name.startsWith('DAIS_') && !known.has(name) && !OTHER_VARIABLES.has(name))
    .flatMap((name): Issue[] => {
      const meant = nearest(
        name.slice('DAIS_'.length),
        [...known].map((one) => one.slice('DAIS_'.length)),
      );
      return meant === undefined ? [] : [{ path: name, message: 'is not a known variable', nearest: `DAIS_${meant}` }];
    });
}

function parseText(field: ConfigField, text: string): unknown {
  switch (field.type) {
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
    case 'number':
      return /^-?\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : undefined;
    case 'boolean':
      return { true: true, false: false, 1: true, 0: false }[text];
    case 'list':
      return parseList(text);
    case 'map': {
      const pairs = parseList(text)?.map((pair) => /^([^=]+)=(.*)$/s.exec(pair));
      return pairs?.every((pair) => pair !== null) === true
        ? Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']))
        : undefined;
    }
    case 'maps':
      return parseMaps(text);
    default:
      return text;
  }
}

function parseMaps(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((item) => asRecord(item) !== undefined) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** `a,b` or, for items that contain commas, a JSON list. */
function parseList(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) {
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((item) => typeof item === 'string') ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function expectedText(field: ConfigField): string {
  const words: Partial<Record<ConfigField['type'], string>> = {
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    list: 'values separated by commas, or a JSON list of strings',
    map: 'name=value pairs separated by commas',
    maps: 'a JSON list of maps',
  };
  return words[field.type] ?? 'text';
}

function shown(field: ConfigField, value: unknown): string {
  const secret = field.secret || field.items?.some((item) => item.secret) === true;
  return secret ? 'not valid' : JSON.stringify(value).slice(0, 80);
}

/**
 * Sets one field. A new variant of a union inherits nothing from the old one; without a variant the default applies.
 */
function setAt(
  spec: Record<string, unknown>,
  field: ConfigField,
  value: unknown,
  byPath: ReadonlyMap<string, ConfigField>,
): void {
  const parts = field.path.split('.');
  const last = parts.pop() ?? '';
  let holder = spec;
  for (const part of parts) {
    const next = asRecord(holder[part]) ?? {};
    holder[part] = next;
    holder = next;
  }
  const changesVariant = last === 'type' && field.values !== undefined && holder[last] !== value;
  if (changesVariant) for (const key of Object.keys(holder)) delete holder[key];
  if (field.variant !== undefined) holder['type'] ??= byPath.get(field.variant.path)?.default;
  holder[last] = value;
}

function absolutePaths(spec: Record<string, unknown>, fields: readonly ConfigField[], folder: string): void {
  for (const field of withItems(fields).filter((candidate) => candidate.type === 'path')) {
    for (const { holder, name } of positionsOf(spec, field.path)) {
      const value = holder[name];
      if (typeof value === 'string') holder[name] = resolve(folder, value);
    }
  }
}

function withItems(fields: readonly ConfigField[]): readonly ConfigField[] {
  return fields.flatMap((field) => [field, ...(field.items ?? [])]);
}

/** The paths of a field: one, or one in each map of a list (`providers[].clientSecret`). */
function positionsOf(
  spec: Record<string, unknown>,
  path: string,
): readonly { readonly holder: Record<string, unknown>; readonly name: string }[] {
  const parts = path.split('.');
  const name = parts.pop() ?? '';
  let holders: readonly Record<string, unknown>[] = [spec];
  for (const part of parts) {
    const below = (holder: Record<string, unknown>): readonly unknown[] => {
      const value = holder[part.replace('[]', '')];
      return part.endsWith('[]') && Array.isArray(value) ? value : [value];
    };
    holders = holders
      .flatMap(below)
      .map(asRecord)
      .filter((one) => one !== undefined);
  }
  return holders.map((holder) => ({ holder, name }));
}

/** Names the variable, flag or position in the file that causes an error. Never contains a secret value. */
function placed(
  issue: Issue,
  origins: ReadonlyMap<string, string>,
  document: ManifestDocument | undefined,
  fields: readonly ConfigField[],
): Issue {
  const path = (issue.path ?? '').replace(/^spec\.?/, '');
  const origin = [...origins].find(([field]) => path === field || path.startsWith(`${field}[`))?.[1];
  const shape = path.replaceAll(/\[\d+\]/g, '[]');
  const secret = withItems(fields).some(
    (field) => field.secret && (shape === field.path || shape.startsWith(`${field.path}.`)),
  );
  const safe = secret && issue.message !== 'is required' ? { ...issue, message: 'is not valid' } : issue;
  if (origin !== undefined) return { ...safe, path: origin };
  return document === undefined ? safe : { file: document.file, ...document.locate(issue.path ?? ''), ...safe };
}

/** Sets the defaults that depend on the user and the machine. */
function complete(
  spec: ConfigSpec,
  environment: ConfigSources['environment'],
  { home, isRoot }: ConfigEnvironment,
): ResolvedConfig {
  const data = spec.data ?? (isRoot ? '/var/lib/dais' : join(home, '.dais'));
  const configFolder = environment['XDG_CONFIG_HOME'] ?? join(home, '.config');
  const proxy =
    spec.outbound.proxy ?? firstSet(environment, ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']);
  const noProxy = spec.outbound.noProxy ?? parseList(firstSet(environment, ['NO_PROXY', 'no_proxy']) ?? '') ?? [];
  const extraCa = spec.outbound.extraCa ?? firstSet(environment, ['NODE_EXTRA_CA_CERTS']);
  return {
    ...spec,
    data,
    blobs: spec.blobs.type === 'fs' ? { ...spec.blobs, folder: spec.blobs.folder ?? join(data, 'blobs') } : spec.blobs,
    keys:
      spec.keys.type === 'file'
        ? {
            ...spec.keys,
            folder: spec.keys.folder ?? (isRoot ? '/etc/dais/keys' : join(configFolder, 'dais', 'keys')),
          }
        : spec.keys,
    environments: completeEnvironments(spec, data, environment),
    isolation: { ...spec.isolation, folder: spec.isolation.folder ?? join(data, 'isolation') },
    outbound: {
      ...spec.outbound,
      noProxy: [...noProxy],
      ...(proxy !== undefined && { proxy }),
      ...(extraCa !== undefined && { extraCa }),
    },
  };
}

/** An index that only a variable names counts when no folder was given to take its place. */
function completeEnvironments(
  { environments, authentication }: ConfigSpec,
  data: string,
  variables: ConfigSources['environment'],
): ConfigSpec['environments'] {
  const named = firstSet(variables, ['UV_DEFAULT_INDEX', 'UV_INDEX_URL', 'PIP_INDEX_URL'], isHttp);
  const index = environments.index ?? (environments.wheelhouse === undefined ? named : undefined);
  const pythonMirror = environments.pythonMirror ?? firstSet(variables, ['UV_PYTHON_INSTALL_MIRROR'], isHttp);
  return {
    ...environments,
    folder: environments.folder ?? join(data, 'environments'),
    ...(environments.sourceBuilds === undefined && authentication.mode === 'solo' && { sourceBuilds: true }),
    ...(index !== undefined && { index }),
    ...(pythonMirror !== undefined && { pythonMirror }),
  };
}

function firstSet(
  environment: ConfigSources['environment'],
  names: readonly string[],
  fits: (value: string) => boolean = () => true,
): string | undefined {
  return names.map((name) => environment[name]).find((value) => value !== undefined && value !== '' && fits(value));
}

function isHttp(value: string): boolean {
  return /^https?:\/\//.test(value) && URL.canParse(value);
}

function redactMap(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.keys(asRecord(value) ?? {}).map((key) => [key, '(set)']));
}

/** In a URL only the password is secret; in other values everything is. */
function redactText(text: string): string {
  if (!text.includes('://') || !URL.canParse(text)) return '(set)';
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  for (const key of url.searchParams.keys()) if (/pass/i.test(key)) url.searchParams.set(key, '***');
  return url.href;
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
