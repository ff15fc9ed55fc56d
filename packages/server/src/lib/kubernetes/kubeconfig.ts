/**
 * Reads a kubeconfig. Its text can come from a user (a Secret), so it may neither name files nor start programs unless the
 * caller permits that.
 */
import { Lexer } from 'yaml';
import { readYamlDocuments, YamlError } from '#lib/formats/yaml-documents.ts';
import type { ClusterConfig, FailConfig, FileReader } from './cluster-config.ts';
import { KubeconfigEntry } from './kubeconfig-entry.ts';
import { readUser, type ExecPermission } from './kubeconfig-user.ts';

export interface KubeconfigOptions {
  /** Default: `current-context`. */
  readonly context?: string;
  /** Absent: the kubeconfig may not refer to files. */
  readonly readFile?: FileReader;
  /** Absent: the kubeconfig may not start programs. */
  readonly exec?: ExecPermission;
  /** Accepts `http://` servers. For tests only: credentials would be readable on the network. */
  readonly allowHttp?: boolean;
  readonly fail: FailConfig;
}

const MAX_BYTES = 1 << 20;
/** About 350 contexts. Parsing takes about 10 µs for each token. */
const MAX_TOKENS = 50_000;
const MAX_DEPTH = 24;
/** `kubectl` writes this kubeconfig: one context, with the content of all files. */
const MINIFY = 'kubectl config view --minify --flatten --raw';

/** @throws the error of `fail` with the entry that is not valid. */
export async function readKubeconfig(text: string, options: KubeconfigOptions): Promise<ClusterConfig> {
  const { fail } = options;
  const root = new KubeconfigEntry('', parseText(text, fail), options);
  if (root.value('kind') !== undefined && root.value('kind') !== 'Config') {
    throw root.error('its `kind` is not `Config`. Use the output of `kubectl config view --flatten --raw`.');
  }
  const name = options.context ?? root.text('current-context');
  if (name === undefined) {
    throw root.error(`it has no \`current-context\`. Choose a context: ${names(root, 'contexts')}.`);
  }
  const context = find(root, 'contexts', 'context', name, options.context === undefined ? '`current-context`' : '');
  const clusterName = context.text('cluster');
  if (clusterName === undefined) throw context.error(`\`cluster\` is missing. Add one of ${names(root, 'clusters')}.`);
  const userName = context.text('user');
  if (userName === undefined) throw context.error(`\`user\` is missing. Add one of ${names(root, 'users')}.`);
  const cluster = await readCluster(find(root, 'clusters', 'cluster', clusterName, `context ${quote(name)}`), options);
  const user = find(root, 'users', 'user', userName, `context ${quote(name)}`);
  const credential = await readUser(user, cluster.info, options.exec);
  return { ...cluster.connection, namespace: readNamespace(context), credential };
}

/** The cluster entry: its connection, and what a plug-in with `provideClusterInfo` receives. */
interface ClusterEntry {
  readonly connection: Omit<ClusterConfig, 'namespace' | 'credential'>;
  readonly info: unknown;
}

async function readCluster(entry: KubeconfigEntry, { allowHttp = false }: KubeconfigOptions): Promise<ClusterEntry> {
  const server = readServer(entry, allowHttp);
  const ca = await entry.authority('certificate-authority');
  const isInsecure = entry.flag('insecure-skip-tls-verify');
  if (isInsecure && ca !== undefined) {
    throw entry.error('`certificate-authority` has no effect with `insecure-skip-tls-verify`. Remove the latter.');
  }
  const serverName = entry.text('tls-server-name');
  const proxy = readProxy(entry);
  const info = {
    server: server.href.replace(/\/$/, ''),
    ...(serverName !== undefined && { 'tls-server-name': serverName }),
    ...(isInsecure && { 'insecure-skip-tls-verify': true }),
    ...(ca !== undefined && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
    ...(proxy !== undefined && { 'proxy-url': proxy }),
    config: execConfig(entry),
  };
  const connection = {
    server,
    isInsecure,
    ...(ca !== undefined && { ca }),
    ...(serverName !== undefined && { serverName }),
    ...(proxy !== undefined && { proxy }),
  };
  return { connection, info };
}

/** Plug-ins receive this extension of the cluster entry. */
function execConfig(entry: KubeconfigEntry): unknown {
  const extensions = entry.items('extensions');
  return extensions.find((one) => one.text('name') === 'client.authentication.k8s.io/exec')?.value('extension') ?? null;
}

function readServer(entry: KubeconfigEntry, allowHttp: boolean): URL {
  const text = entry.text('server');
  if (text === undefined) throw entry.error('`server` is missing. Add the URL of the API server: https://HOST:6443.');
  if (!URL.canParse(text)) throw entry.error('`server` is not a URL. Write https://HOST:6443.');
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:')) {
    throw entry.error(`\`server\` starts with ${url.protocol}//, which is not supported. Write https://HOST:PORT.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw entry.error('`server` contains credentials. Remove them, and authenticate in the user entry.');
  }
  if (url.search !== '' || url.hash !== '') {
    throw entry.error('`server` contains a query or a fragment. Write scheme, host, port and path only.');
  }
  return url;
}

function readProxy(entry: KubeconfigEntry): string | undefined {
  const text = entry.text('proxy-url');
  if (text === undefined) return undefined;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw entry.error('`proxy-url` is not the URL of an HTTP proxy. Write http://HOST:PORT or https://HOST:PORT.');
  }
  return text;
}

function readNamespace(context: KubeconfigEntry): string {
  const namespace = context.text('namespace') ?? 'default';
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace)) {
    throw context.error('`namespace` is not a name of a namespace: lower-case letters, digits and `-`, at most 63.');
  }
  return namespace;
}

/** The fields of the item with this name: `contexts[name=x].context`. `from`: what contains the name. */
function find(root: KubeconfigEntry, list: string, field: string, name: string, from: string): KubeconfigEntry {
  const found = root.items(list).filter((item) => item.text('name') === name);
  const [item] = found;
  if (item === undefined) {
    const source = from === '' ? '' : `, to which ${from} refers,`;
    throw root.error(`the ${field} ${quote(name)}${source} does not exist. Use ${names(root, list)}.`);
  }
  if (found.length > 1) throw root.error(`the ${field} ${quote(name)} exists ${found.length} times. Keep one of them.`);
  const label = `${field} ${quote(name)}`;
  const fields = item.labeled(label).entry(field);
  if (fields === undefined) throw item.labeled(label).error(`\`${field}\` is missing.`);
  return fields.labeled(label);
}

const MAX_LISTED = 20;

function names(root: KubeconfigEntry, list: string): string {
  const all = root.items(list).flatMap((item) => item.text('name') ?? []);
  if (all.length === 0) return `an entry of \`${list}\`, which is empty now`;
  const more = all.length > MAX_LISTED ? ` or one of ${all.length - MAX_LISTED} more` : '';
  return `${all.slice(0, MAX_LISTED).map(quote).join(', ')}${more}`;
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

function parseText(text: string, fail: FailConfig): unknown {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw fail(`The kubeconfig has more than ${MAX_BYTES} bytes. Reduce it to one context with \`${MINIFY}\`.`);
  }
  let tokens = 0;
  for (const _ of new Lexer().lex(text)) {
    tokens += 1;
    if (tokens > MAX_TOKENS) {
      throw fail(`The kubeconfig has too many entries. Reduce it to one context with \`${MINIFY}\`.`);
    }
  }
  try {
    const limits = { documents: 1, depth: MAX_DEPTH, formatPath: (path: readonly PropertyKey[]) => path.join('.') };
    const [document] = readYamlDocuments(text, limits);
    if (document !== undefined) return document.value;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    // Messages of issues contain no value: a secret may be what cannot be read.
    const [issue] = error.issues;
    const position = issue === undefined ? '' : ` Line ${issue.line}, column ${issue.column}: ${issue.message}.`;
    throw fail(`The kubeconfig ${error.message}.${position} Write it with \`${MINIFY}\`.`, error);
  }
  throw fail(`The kubeconfig is empty. Write it with \`${MINIFY}\`.`);
}
