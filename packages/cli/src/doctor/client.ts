/** `--client`: checks the Python environment of a training, its clients, and how they find this server. */
import { testedClients } from '#clients/tested-clients.ts';
import { TRACKING_URI, trackingUri } from '#clients/mlflow-variables.ts';
import type { ServerChoice } from '#connection/connect.ts';
import { inspectPython, pythonProgram, type PythonCall } from '#doctor/client-python.ts';
import { checkClientVariables } from '#doctor/client-variables.ts';
import { checkClientVersions } from '#doctor/client-versions.ts';
import { ok, problem, skipped, type Finding } from '#doctor/finding.ts';
import { checkProxyAddresses } from '#doctor/proxies.ts';
import { clockFinding } from '#doctor/server.ts';

export interface ClientQuestion {
  /** The value of --python. */
  readonly python: string | undefined;
  readonly choice: ServerChoice;
  readonly project: string | undefined;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

export async function checkClient({ python, choice, project, variables }: ClientQuestion): Promise<Finding[]> {
  // The default URL is a guess: the setting of the clients is better.
  const expected = choice.from === 'default' ? undefined : { url: choice.url, project };
  const url = callable(variables[TRACKING_URI]) ?? trackingUri(choice.url, project);
  const program = pythonProgram(python);
  const packages = testedClients.flatMap(({ name, also }) => [name, ...(also ?? [])]);
  const facts = await inspectPython(program, { url, packages }, variables);
  if ('reason' in facts) {
    const remedy = 'Name the Python that you train with: dais doctor --client --python PATH.';
    const files = { mlflowCredentials: false, netrc: false };
    return [problem('python', facts.reason, remedy), ...checkClientVariables({ variables, files, expected, url })];
  }
  const { executable, version, installed, call } = facts;
  return [
    ok('python', `${version} at ${executable}`),
    ...checkClientVersions(testedClients, installed, executable),
    ...checkProxyAddresses(variables),
    ...checkClientVariables({ variables, files: facts, expected, url }),
    ...(call === undefined ? [] : callFindings(call, url, choice)),
  ];
}

/** Returns undefined for an invalid URL, which another check reports. */
function callable(given: string | undefined): string | undefined {
  return given !== undefined && /^https?:\/\//.test(given) && URL.canParse(given) ? given : undefined;
}

function callFindings(call: PythonCall, url: string, choice: Pick<ServerChoice, 'from'>): Finding[] {
  const { protocol, host, hostname, pathname } = new URL(url);
  const shown = `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
  const { error, status, date, now } = call;
  if (error !== undefined) {
    if (choice.from === 'default' && error.kind === 'refused') {
      return [skipped('server', `no server at ${shown}; start one with \`dais up\``)];
    }
    return [problem('server', `this Python cannot reach ${shown}: ${failures[error.kind].text}`, remedy(error, host))];
  }
  return [answerFinding(call, shown, status ?? 0, hostname), ...clockFinding(date ?? null, now ?? Number.NaN)];
}

function answerFinding(call: PythonCall, shown: string, status: number, host: string): Finding {
  if (call.isTracking !== true) {
    return problem(
      'server',
      `the server at ${shown} is not Dais (status ${status})`,
      `Correct ${TRACKING_URI}; if a proxy answers: ${around(host)}`,
    );
  }
  if (status === 401) {
    return problem('server', `${shown} requires authentication`, 'eval "$(dais env)" gives it a token.');
  }
  const path = /\/p\/([^/]+)$/.exec(shown)?.[1];
  if (status === 404 && path !== undefined) {
    const project = decodeURIComponent(path);
    return problem('server', `there is no project "${project}" at ${shown}`, `List projects with: dais get projects`);
  }
  if (status >= 500)
    return problem('server', `${shown} is unavailable (status ${status})`, 'Run `dais doctor` for the reason.');
  return ok('server', `this Python reaches ${shown}`);
}

type Failure = NonNullable<PythonCall['error']>;

const failures: Readonly<Record<Failure['kind'], { readonly text: string; readonly remedy: string }>> = {
  name: { text: 'host name not found', remedy: `Correct ${TRACKING_URI}.` },
  refused: { text: 'connection refused', remedy: 'Start the server there, or eval "$(dais env)" for another.' },
  timeout: { text: 'no answer within 15 s', remedy: 'Is a firewall in between? It must let that port through.' },
  tls: {
    text: 'its certificate is not trusted',
    remedy: 'export MLFLOW_TRACKING_SERVER_CERT_PATH=FILE, a PEM file with the authority that made it',
  },
  proxy: { text: 'the proxy does not let it through', remedy: '' },
  other: { text: 'the call fails', remedy: '`dais doctor --network` tries it from here.' },
};

function remedy({ kind, text }: Failure, host: string): string {
  if (kind === 'proxy') return `Correct HTTPS_PROXY, or go around it: ${around(host)}`;
  return kind === 'other' ? `${text}: ${failures.other.remedy}` : failures[kind].remedy;
}

function around(host: string): string {
  return `export NO_PROXY="$NO_PROXY,${host}" no_proxy="$no_proxy,${host}"`;
}
