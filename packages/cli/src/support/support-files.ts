/** The files of a support bundle. The masker processes all of them last. */
import { open, readdir, stat } from 'node:fs/promises';
import { arch, platform, release, totalmem, cpus } from 'node:os';
import { join } from 'node:path';
import { createClient, DaisError, kinds, type DaisClient, type Resource } from '@dais/api';
import type { ServerChoice } from '#connection/connect.ts';
import type { Finding } from '#doctor/finding.ts';
import { jsonText, yamlText } from '#output/documents.ts';
import { runProgram } from '#processes.ts';
import { ownVersion } from '#version.ts';

export interface SupportFile {
  readonly name: string;
  /** Short description of the content. */
  readonly about: string;
  readonly text: string;
}

export interface SupportContent {
  readonly choice: ServerChoice;
  readonly findings: readonly Finding[];
  /** With secrets replaced; undefined where it could not be read. */
  readonly config: unknown;
  /** State of the database, or why it could not be queried. */
  readonly schema: unknown;
  readonly dataFolder: string;
  readonly logs: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly now: number;
}

const PATIENCE_MS = 5000;
const LOG_BYTES = 2 * 1024 * 1024;
const JOURNAL_LINES = 5000;
/** Maximum number of each kind and project. */
const MOST_RESOURCES = 2000;
const MOST_ENTRIES = 200_000;

export async function supportFiles(content: SupportContent): Promise<readonly SupportFile[]> {
  const ask = async (path: string) => await answerOf(content.choice, path);
  const [server, readiness, metrics, resources, disk, logs] = await Promise.all([
    ask('/api/v1/server'),
    ask('/readyz'),
    ask('/metrics'),
    orWhy(async () => await resourceStates(content.choice)),
    orWhy(async () => await folderSizes(content.dataFolder)),
    logFiles(content),
  ]);
  const machine = {
    platform: platform(),
    release: release(),
    arch: arch(),
    processors: cpus().length,
    memory: totalmem(),
  };
  const variables = Object.keys(content.variables).filter((name) =>
    /^(DAIS_|MLFLOW_|OTEL_|NODE_|.*_proxy$)/i.test(name),
  );
  const versions = { madeAt: new Date(content.now).toISOString(), dais: ownVersion(), node: process.version, machine };
  return [
    {
      name: 'versions.json',
      about: 'versions of Dais, Node and the machine; names of variables',
      text: jsonText({ ...versions, server, variables: variables.toSorted() }),
    },
    {
      name: 'configuration.yaml',
      about: 'the configuration with redacted secrets',
      text: await yamlText(content.config ?? 'could not be read'),
    },
    {
      name: 'health.json',
      about: 'results of `dais doctor` and the readiness of the server',
      text: jsonText({ findings: content.findings, server: content.choice.from, readiness }),
    },
    {
      name: 'metrics.txt',
      about: 'metrics of the server',
      text: typeof metrics.body === 'string' ? metrics.body : jsonText(metrics),
    },
    {
      name: 'resources.json',
      about: 'resources by kind and name with their conditions, without specs',
      text: jsonText(resources),
    },
    { name: 'database.json', about: 'applied migrations and table sizes', text: jsonText(content.schema) },
    { name: 'disk.json', about: 'sizes of the folders in the data folder', text: jsonText(disk) },
    ...logs,
  ];
}

/** The response of a server at a path, or the error. */
async function answerOf(
  choice: ServerChoice,
  path: string,
): Promise<{ readonly status?: number; readonly body?: unknown; readonly failed?: string }> {
  try {
    const response = await fetch(`${choice.url.replace(/\/+$/, '')}${path}`, {
      headers: choice.token === undefined ? {} : { authorization: `Bearer ${choice.token}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, body: json ? (JSON.parse(text) as unknown) : text };
  } catch (error) {
    return { failed: whyOf(error) };
  }
}

/** Names, ages and conditions, never a specification, which belongs to its author. */
async function resourceStates({ url, token }: ServerChoice): Promise<unknown> {
  const client = createClient({ url, token });
  const projects: string[] = [];
  for await (const project of client.list('Project')) projects.push(project.metadata.name);
  const found: Record<string, unknown> = {};
  for (const { kind, scope } of kinds) {
    const clients: [string, DaisClient][] =
      scope === 'project' ? projects.map((project) => [project, client.withProject(project)]) : [['', client]];
    for (const [project, one] of clients) {
      const states: unknown[] = [];
      const listed = await orWhy(async () => {
        for await (const resource of one.list(kind)) {
          if (states.length === MOST_RESOURCES) return `only the first ${MOST_RESOURCES}`;
          states.push(stateOf(resource));
        }
        return undefined;
      });
      if (listed !== undefined) states.push(listed);
      if (states.length > 0) found[project === '' ? kind : `${project}/${kind}`] = states;
    }
  }
  return found;
}

function stateOf({ metadata, status }: Resource): unknown {
  const { name, generation, createdAt, deletionRequestedAt } = metadata as Readonly<Record<string, unknown>>;
  const { conditions } = (status ?? {}) as { readonly conditions?: readonly Readonly<Record<string, unknown>>[] };
  return {
    name,
    generation,
    createdAt,
    ...(deletionRequestedAt !== undefined && { deletionRequestedAt }),
    ...(conditions !== undefined && {
      conditions: conditions.map(({ type, status: is, reason, lastTransitionTime }) => ({
        type,
        status: is,
        reason,
        lastTransitionTime,
      })),
    }),
  };
}

/** Bytes and files by top-level folder, including deeper levels. */
async function folderSizes(folder: string): Promise<unknown> {
  const sizes: Record<string, { bytes: number; files: number }> = {};
  let seen = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const size = { bytes: 0, files: 0 };
    const below = entry.isDirectory()
      ? await readdir(join(folder, entry.name), { recursive: true, withFileTypes: true }).catch(() => [])
      : [entry];
    for (const file of below) {
      if (!file.isFile() || ++seen > MOST_ENTRIES) continue;
      const stats = await stat(join(file.parentPath, file.name)).catch(() => undefined);
      size.bytes += stats?.size ?? 0;
      size.files++;
    }
    sizes[entry.name] = size;
  }
  return seen > MOST_ENTRIES ? { sizes, incomplete: `only ${MOST_ENTRIES} files were inspected` } : { sizes };
}

async function logFiles({ logs, variables }: SupportContent): Promise<readonly SupportFile[]> {
  if (logs.length > 0) {
    return await Promise.all(
      logs.map(async (path, at) => ({
        name: `logs/${at + 1}.log`,
        about: `the last lines of ${path}`,
        text: await lastBytes(path),
      })),
    );
  }
  const words = ['-u', 'dais', '-o', 'cat', '-n', String(JOURNAL_LINES), '--no-pager'];
  const journal = await runProgram('journalctl', words, { variables }).catch(() => undefined);
  if (journal === undefined || journal.code !== 0 || journal.stdout.trim() === '') return [];
  return [
    {
      name: 'logs/journal.log',
      about: `the last ${JOURNAL_LINES} lines of dais.service`,
      text: journal.stdout.slice(-LOG_BYTES),
    },
  ];
}

/** Complete lines only. */
async function lastBytes(path: string): Promise<string> {
  const file = await open(path).catch((error: unknown) => {
    throw new DaisError('invalid_request', `The log ${path} cannot be read: ${whyOf(error)}`, { cause: error });
  });
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - LOG_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    return from === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await file.close();
  }
}

export async function orWhy<T>(work: () => Promise<T>): Promise<T | { readonly failed: string }> {
  return await work().catch((error: unknown) => ({ failed: whyOf(error) }));
}

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : 'no response';
}
