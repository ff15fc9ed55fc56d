/**
 * Checks the settings of clients in this shell: variables and files that are wrong or override others. Pure functions.
 */
import {
  noProxyFor,
  shadows,
  TRACKING_TOKEN,
  TRACKING_URI,
  trackingUri,
  type Shadow,
} from '#clients/mlflow-variables.ts';
import { ok, problem, warning, type Finding } from '#doctor/finding.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Files in the home folder from which clients take a user and a password. */
export interface LoginFiles {
  /** `~/.mlflow/credentials` has both. */
  readonly mlflowCredentials: boolean;
  /** `~/.netrc` has an entry for the host of the server. */
  readonly netrc: boolean;
}

export interface ClientSettings {
  readonly variables: Variables;
  readonly files: LoginFiles;
  /** The server and project of this command line; undefined without explicit settings. */
  readonly expected: { readonly url: string; readonly project: string | undefined } | undefined;
  /** The URL that clients call, if it can be determined. */
  readonly url: string;
}

/** Values can be secrets: only URLs are printed, without credentials. */
export function checkClientVariables({ variables, files, expected, url }: ClientSettings): Finding[] {
  const noProxy = noProxyFor(url, variables);
  return [
    checkAddress(variables[TRACKING_URI], expected),
    ...shadows.flatMap((shadow) => checkShadow(shadow, variables)),
    ...checkFiles(files, variables),
    ...checkCertificates(variables),
    ...(noProxy === undefined
      ? []
      : [
          problem(
            'NO_PROXY',
            'clients use the proxy for connections to this machine',
            `export NO_PROXY=${noProxy} no_proxy=${noProxy}`,
          ),
        ]),
  ];
}

const EVALUATE = 'eval "$(dais env)" sets it.';

function checkAddress(given: string | undefined, expected: ClientSettings['expected']): Finding {
  const name = TRACKING_URI;
  if (given === undefined || given === '') {
    return problem(name, 'is not set: clients write local files instead', EVALUATE);
  }
  if (!/^https?:\/\//.test(given) || !URL.canParse(given)) {
    const remedy = /^[\w.-]+:\d+/.test(given)
      ? `export ${name}=http://${given}`
      : `Set it to http://HOST:PORT: ${EVALUATE}`;
    return problem(name, 'is not an http:// URL: clients treat it as a local path', remedy);
  }
  const { protocol, host, pathname } = new URL(given);
  const shown = `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
  if (/\/(ajax-)?api(\/|$)/.test(pathname)) {
    const cut = shown.replace(/\/(ajax-)?api(\/.*)?$/, '');
    return problem(name, `${shown} contains a path that clients add themselves`, `export ${name}=${cut}`);
  }
  const expectedUri = expected === undefined ? undefined : trackingUri(expected.url, expected.project);
  const agrees =
    expectedUri === undefined ||
    shown === expectedUri ||
    // Without an explicit project on this command line, clients can use any project.
    (expected?.project === undefined && shown.startsWith(`${expectedUri}/p/`));
  if (agrees) return ok(name, shown);
  return warning(
    name,
    `is ${shown}, but \`dais\` uses ${expectedUri}`,
    `${EVALUATE} Or name the other one with --url.`,
  );
}

function checkShadow({ name, effect }: Shadow, variables: Variables): Finding[] {
  const value = variables[name];
  if (value === undefined || value === '') return [];
  // A user and a password are a valid way to sign in when there is no token.
  const isLogin = name === 'MLFLOW_TRACKING_USERNAME' || name === 'MLFLOW_TRACKING_PASSWORD';
  const counts = isLogin
    ? name === 'MLFLOW_TRACKING_USERNAME' &&
      has(variables, 'MLFLOW_TRACKING_PASSWORD') &&
      has(variables, TRACKING_TOKEN)
    : name === 'MLFLOW_REGISTRY_URI'
      ? value.replace(/\/+$/, '') !== variables[TRACKING_URI]?.replace(/\/+$/, '')
      : name !== 'MLFLOW_TRACKING_AWS_SIGV4' || isTrue(value);
  if (!counts) return [];
  const unset = isLogin ? 'MLFLOW_TRACKING_USERNAME MLFLOW_TRACKING_PASSWORD' : name;
  return [warning(name, `is set: ${effect}`, `unset ${unset}`)];
}

function checkFiles({ mlflowCredentials, netrc }: LoginFiles, variables: Variables): Finding[] {
  const overridden = has(variables, 'MLFLOW_TRACKING_USERNAME') && has(variables, 'MLFLOW_TRACKING_PASSWORD');
  return [
    ...(mlflowCredentials && !overridden
      ? [
          warning(
            '~/.mlflow/credentials',
            'contains a user name and password for every server, which take precedence over a token',
            `mv ~/.mlflow/credentials ~/.mlflow/credentials.off`,
          ),
        ]
      : []),
    ...(netrc
      ? [
          warning(
            '~/.netrc',
            'contains a user for the host of the server, which takes precedence over a token',
            'Remove that entry, or export NETRC=/dev/null',
          ),
        ]
      : []),
  ];
}

function checkCertificates(variables: Variables): Finding[] {
  const insecure = isTrue(variables['MLFLOW_TRACKING_INSECURE_TLS']);
  const path = variables['MLFLOW_TRACKING_SERVER_CERT_PATH'];
  if (insecure && path !== undefined && path !== '') {
    return [
      problem(
        'MLFLOW_TRACKING_INSECURE_TLS',
        'and MLFLOW_TRACKING_SERVER_CERT_PATH are both set: clients refuse to start',
        'unset MLFLOW_TRACKING_INSECURE_TLS',
      ),
    ];
  }
  if (!insecure || variables[TRACKING_URI]?.startsWith('https:') !== true) return [];
  return [
    warning(
      'MLFLOW_TRACKING_INSECURE_TLS',
      'is set: an attacker on the network can read the token',
      'export MLFLOW_TRACKING_SERVER_CERT_PATH=AUTHORITY.pem and unset it',
    ),
  ];
}

function has(variables: Variables, name: string): boolean {
  return variables[name] !== undefined && variables[name] !== '';
}

/** As MLflow reads it. */
function isTrue(value: string | undefined): boolean {
  return ['true', '1'].includes(value?.toLowerCase() ?? '');
}
