import { DaisError } from '@dais/api';
import { currentSessionOperation } from '@dais/api/access';
import { noProxyFor, shadows, TRACKING_TOKEN, TRACKING_URI, trackingUri } from '#clients/mlflow-variables.ts';
import { chooseServer, connect, type ServerChoice } from '#connection/connect.ts';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { detectShell } from '#shell/detect-shell.ts';
import { evaluating, shellLines, type ShellName, type VariableChanges } from '#shell/shell-lines.ts';

interface EnvOptions {
  readonly shell?: ShellName;
  readonly unset?: true;
  readonly showToken?: true;
}

export const run: Run<EnvOptions> = async (context, _args, options) => {
  const { globals, terminal, environment } = context;
  const changes: VariableChanges =
    options.unset === true ? { set: {}, unset: [TRACKING_URI, TRACKING_TOKEN] } : await changesFor(context);
  // Text on a terminal is seen by others, recorded, and stays in the scrollback.
  const onTerminal = terminal.columns !== undefined;
  const { [TRACKING_TOKEN]: token, ...others } = changes.set;
  const hidden = token !== undefined && onTerminal && options.showToken !== true;
  const shown = hidden ? { ...changes, set: others } : changes;
  if (await printedForPrograms(context, { ...shown, ...(hidden && { hidden: [TRACKING_TOKEN] }) })) {
    return exitCodes.ok.code;
  }
  const shell = options.shell ?? (await detectShell(process.ppid, environment.variables));
  terminal.out(shellLines(shell, shown));
  if (!onTerminal) return exitCodes.ok.code;
  if (hidden) remark(context, `${TRACKING_TOKEN} is also set, but hidden on a terminal; use --show-token to show it.`);
  remark(context, `For this shell: ${evaluating(shell, ownWords(globals, options))}`);
  return exitCodes.ok.code;
};

async function changesFor(context: Context): Promise<VariableChanges> {
  const { environment, globals } = context;
  const choice = await chooseServer(environment, globals);
  const token = await neededToken(context, choice);
  const noProxy = noProxyFor(choice.url, environment.variables);
  const set = {
    [TRACKING_URI]: trackingUri(choice.url, globals.project ?? environment.project),
    ...(token !== undefined && { [TRACKING_TOKEN]: token }),
    ...(noProxy !== undefined && { NO_PROXY: noProxy, no_proxy: noProxy }),
  };
  const stale = shadows.map(({ name }) => name).filter((name) => environment.variables[name] !== undefined);
  const ownToken = token === undefined && environment.variables[TRACKING_TOKEN] !== undefined ? [TRACKING_TOKEN] : [];
  return { set, unset: [...ownToken, ...stale] };
}

/**
 * Undefined when the server identifies the local user: a token that is not in the environment cannot leak from it.
 * @throws DaisError `unauthenticated` when a token is needed and none is known, `server_unreachable`.
 */
async function neededToken(context: Context, choice: ServerChoice): Promise<string | undefined> {
  const { environment, globals } = context;
  const given = globals.token ?? environment.token;
  const accepts = async (token: string | undefined) => {
    const client = await connect(environment, globals, { url: choice.url, token });
    const { actor } = await client.perform(currentSessionOperation, {});
    return actor !== undefined;
  };
  if (given === undefined && (await accepts(undefined))) return undefined;
  if (choice.token !== undefined && (await accepts(choice.token))) return choice.token;
  const why = choice.token === undefined ? 'requires authentication' : 'does not accept that token';
  const remedy = `sign in with \`dais login ${choice.url}\`, or give --token`;
  throw new DaisError('unauthenticated', `${choice.url} ${why}: ${remedy}.`);
}

/** The arguments of this command, to call it again. The token stays in the environment. */
function ownWords({ url, project }: Context['globals'], { shell, unset }: EnvOptions): string {
  const words = [
    ...(url === undefined ? [] : ['--url', url]),
    ...(project === undefined ? [] : ['--project', project]),
    ...(shell === undefined ? [] : ['--shell', shell]),
    ...(unset === true ? ['--unset'] : []),
  ];
  return ['dais', 'env', ...words.map((word) => (/^[\w.:/@%+-]+$/.test(word) ? word : JSON.stringify(word)))].join(' ');
}
