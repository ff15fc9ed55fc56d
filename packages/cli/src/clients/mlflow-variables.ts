/** Environment variables of MLflow's clients for the server and the credentials. Pure functions. */

export const TRACKING_URI = 'MLFLOW_TRACKING_URI';
export const TRACKING_TOKEN = 'MLFLOW_TRACKING_TOKEN';
export const EXPERIMENT_NAME = 'MLFLOW_EXPERIMENT_NAME';

/** A variable that overrides TRACKING_URI and TRACKING_TOKEN in a client, with its effect. */
export interface Shadow {
  readonly name: string;
  readonly effect: string;
}

/** Source: `utils/credentials.py`, `utils/rest_utils.py` and `environment_variables.py` of MLflow 3.18. */
export const shadows: readonly Shadow[] = [
  { name: 'MLFLOW_TRACKING_USERNAME', effect: 'a user name and password take precedence over a token' },
  { name: 'MLFLOW_TRACKING_PASSWORD', effect: 'a user name and password take precedence over a token' },
  { name: 'MLFLOW_TRACKING_AUTH', effect: 'a plugin replaces the credentials' },
  { name: 'MLFLOW_TRACKING_AWS_SIGV4', effect: 'an AWS signature replaces the credentials' },
  { name: 'MLFLOW_REGISTRY_URI', effect: 'models go to a different server than runs' },
  { name: 'MLFLOW_RUN_ID', effect: 'training continues a run whose ID may belong to another server' },
  { name: 'MLFLOW_EXPERIMENT_ID', effect: 'runs go to an experiment whose ID may belong to another server' },
];

/** The URL of a server, or of one project on it, in the format of MLflow's clients. */
export function trackingUri(server: string, project: string | undefined): string {
  const address = server.replace(/\/+$/, '');
  return project === undefined ? address : `${address}/p/${encodeURIComponent(project)}`;
}

/**
 * The value of NO_PROXY with which programs call this machine directly; undefined when it is already sufficient.
 * `requests`, which MLflow's clients use, sends requests for localhost to the proxy unless NO_PROXY names it.
 */
export function noProxyFor(
  server: string,
  variables: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const host = URL.canParse(server) ? new URL(server).hostname.replace(/^\[|\]$/g, '') : '';
  if (!(host === 'localhost' || host.startsWith('127.') || host === '::1')) return undefined;
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  if (names.every((name) => !variables[name])) return undefined;
  // Python reads the lowercase variable first.
  const before = variables['no_proxy'] || variables['NO_PROXY'] || '';
  const entries = before.split(',').map((entry) => entry.trim());
  const named = entries.some((entry) => entry === '*' || entry === host || host.endsWith(`.${entry}`));
  return named ? undefined : [...entries.filter((entry) => entry !== ''), host].join(',');
}
