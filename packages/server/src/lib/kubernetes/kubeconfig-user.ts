/** Reads the user entry of a kubeconfig: how Dais authenticates. */
import { isBearerToken } from './bearer-token.ts';
import { EXEC_API_VERSIONS, type Credential, type ExecApiVersion, type ExecPlugin } from './cluster-config.ts';
import type { KubeconfigEntry } from './kubeconfig-entry.ts';

/**
 * Programs that a kubeconfig may start. They run as the server, with arguments of the kubeconfig: permit them only where
 * the author of the kubeconfig may use the server's cloud identity.
 */
export interface ExecPermission {
  /** Exact values of `command`: `aws`, `gke-gcloud-auth-plugin`, `kubelogin`. */
  readonly commands: readonly string[];
  /** Names of variables that the kubeconfig may set in addition to `EXEC_VARIABLES`. */
  readonly variables?: readonly string[];
}

/** Variables of the usual plug-ins. Others can make a program load foreign code: PATH, LD_PRELOAD, CLOUDSDK_PYTHON, AWS_PAGER. */
const EXEC_VARIABLES: readonly string[] = [
  'AWS_PROFILE',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_STS_REGIONAL_ENDPOINTS',
  'AZURE_CLIENT_ID',
  'AZURE_TENANT_ID',
  'AAD_LOGIN_METHOD',
  'AAD_SERVICE_PRINCIPAL_CLIENT_ID',
  'USE_GKE_GCLOUD_AUTH_PLUGIN',
];

/** Fields that `kubectl` accepts and Dais does not, with what to write instead. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  username: 'Kubernetes has no basic authentication any more. Use a token or a client certificate.',
  password: 'Kubernetes has no basic authentication any more. Use a token or a client certificate.',
  'auth-provider': 'Kubernetes removed authentication providers. Use `exec` with the plug-in of the cloud.',
  as: 'Dais does not impersonate users. Use credentials of the service account itself.',
  'as-uid': 'Dais does not impersonate users. Use credentials of the service account itself.',
  'as-groups': 'Dais does not impersonate users. Use credentials of the service account itself.',
  'as-user-extra': 'Dais does not impersonate users. Use credentials of the service account itself.',
};

/** `clusterInfo`: what a plug-in with `provideClusterInfo` receives. */
export async function readUser(
  entry: KubeconfigEntry,
  clusterInfo: unknown,
  permission: ExecPermission | undefined,
): Promise<Credential> {
  for (const [field, remedy] of Object.entries(UNSUPPORTED)) {
    if (entry.value(field) !== undefined) throw entry.error(`\`${field}\` is not supported. ${remedy}`);
  }
  const found: Record<string, Credential> = {};
  const certificate = await entry.clientCertificate();
  if (certificate !== undefined) found['client-certificate'] = { type: 'certificate', certificate };
  const token = entry.text('token');
  if (token !== undefined) found['token'] = { type: 'token', token: checkToken(entry, token) };
  const tokenFile = entry.text('tokenFile');
  if (tokenFile !== undefined) {
    found['tokenFile'] = { type: 'token-file', path: tokenFile, read: entry.fileReader('tokenFile', 'token') };
  }
  const exec = entry.entry('exec');
  if (exec !== undefined) found['exec'] = { type: 'exec', plugin: readExec(exec, clusterInfo, permission) };
  const fields = Object.keys(found);
  if (fields.length > 1) {
    throw entry.error(`it has ${fields.length} credentials: ${fields.join(', ')}. Keep one of them.`);
  }
  const [credential] = Object.values(found);
  if (credential === undefined) {
    throw entry.error('it has no credential. Add `client-certificate-data` with `client-key-data`, `token` or `exec`.');
  }
  return credential;
}

/** A line break would end the header, and a JSON text in this field is a common mistake. */
function checkToken(entry: KubeconfigEntry, token: string): string {
  const trimmed = token.trim();
  if (!isBearerToken(trimmed)) {
    throw entry.error('`token` contains spaces or characters that a header cannot contain. Write the token alone.');
  }
  return trimmed;
}

function readExec(entry: KubeconfigEntry, clusterInfo: unknown, permission: ExecPermission | undefined): ExecPlugin {
  const command = entry.text('command');
  if (command === undefined) throw entry.error('`command` is missing. Add the name of the program.');
  if (permission === undefined || !permission.commands.includes(command)) {
    const allowed = permission?.commands ?? [];
    const which = allowed.length === 0 ? 'none is permitted' : `permitted: ${allowed.join(', ')}`;
    const remedy = 'Use a token or a client certificate, or let an administrator permit the command.';
    throw entry.error(`it starts the program ${JSON.stringify(command.slice(0, 100))}, but ${which}. ${remedy}`);
  }
  if (entry.text('interactiveMode') === 'Always') {
    throw entry.error('`interactiveMode: Always` needs a terminal, which a server has not. Write `Never`.');
  }
  const installHint = entry.text('installHint');
  return {
    command,
    args: entry.list('args').map((value) => {
      if (typeof value !== 'string')
        throw entry.error('`args` contains a value that is not a text. Write it in quotes.');
      return value;
    }),
    variables: readVariables(entry, [...EXEC_VARIABLES, ...(permission.variables ?? [])]),
    apiVersion: readApiVersion(entry),
    clusterInfo: entry.flag('provideClusterInfo') ? clusterInfo : undefined,
    ...(installHint !== undefined && { installHint: installHint.slice(0, 300) }),
  };
}

function readApiVersion(entry: KubeconfigEntry): ExecApiVersion {
  const text = entry.text('apiVersion');
  const version = EXEC_API_VERSIONS.find((one) => one === text);
  if (version === undefined) {
    throw entry.error(`its \`apiVersion\` is not supported. Write ${EXEC_API_VERSIONS.join(' or ')}.`);
  }
  return version;
}

function readVariables(entry: KubeconfigEntry, permitted: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entry.items('env').map((item) => {
      const name = item.text('name');
      if (name === undefined) throw item.error('`name` is missing.');
      if (!permitted.includes(name)) {
        const remedy = 'Remove it, or let an administrator permit the variable.';
        throw item.error(`the variable ${JSON.stringify(name.slice(0, 100))} is not permitted. ${remedy}`);
      }
      return [name, item.text('value') ?? ''];
    }),
  );
}
