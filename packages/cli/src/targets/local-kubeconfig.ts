/** Reads a kubeconfig of this machine for the server, which has neither its files nor its other contexts. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DaisError } from '@dais/api';
import { parseDocument } from 'yaml';
import { yamlText } from '#output/documents.ts';

export interface LocalKubeconfig {
  /** One context with the content of its files. It contains credentials. */
  readonly text: string;
  readonly context: string;
  /** URL of the API server, if the kubeconfig names one. */
  readonly server: string | undefined;
  /** Program that gives Dais the credential. It would run on the server. */
  readonly program: string | undefined;
  /** The token was copied from a file, so that a later token in that file is not used. */
  readonly hasCopiedToken: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that name a file, and the field that has its content instead, in base64 except for the token. */
const FILES: Readonly<Record<string, string>> = {
  'certificate-authority': 'certificate-authority-data',
  'client-certificate': 'client-certificate-data',
  'client-key': 'client-key-data',
  tokenFile: 'token',
};

/**
 * Returns what `kubectl config view --minify --flatten --raw` writes: one context, with the content of all files.
 * Errors name entries and fields, never a value: a value can be a credential.
 * @throws DaisError `file_not_found`, `invalid_request`
 */
export async function readLocalKubeconfig(
  file: string,
  { context: chosen, workingFolder }: { readonly context: string | undefined; readonly workingFolder: string },
): Promise<LocalKubeconfig> {
  const path = resolve(workingFolder, file);
  const root = parse(file, await readText(path, file));
  const name = chosen ?? textOf(root['current-context']);
  if (name === undefined) {
    throw invalid(file, `it has no \`current-context\`. Choose one with --context: ${names(root, 'contexts')}`);
  }
  const remedy = `Choose one with --context: ${names(root, 'contexts')}`;
  const context = find(root, 'contexts', 'context', name);
  if (context === undefined) throw invalid(file, `it has no context ${quote(name)}. ${remedy}`);
  const of = (list: string, field: 'cluster' | 'user') => {
    const requested = textOf(context[field]);
    const found = requested === undefined ? undefined : find(root, list, field, requested);
    if (requested !== undefined && found !== undefined) return { name: requested, fields: found };
    const missing =
      requested === undefined ? `names no ${field}` : `names the ${field} ${quote(requested)}, which is missing`;
    throw invalid(file, `the context ${quote(name)} ${missing}. ${remedy}`);
  };
  const [cluster, user] = [of('clusters', 'cluster'), of('users', 'user')];
  const embed = async (fields: Fields) => await embedFiles(fields, { file, folder: dirname(path) });
  const reduced = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name: cluster.name, cluster: await embed(cluster.fields) }],
    contexts: [{ name, context }],
    users: [{ name: user.name, user: await embed(user.fields) }],
  };
  const exec = user.fields['exec'];
  return {
    text: await yamlText(reduced),
    context: name,
    server: textOf(cluster.fields['server']),
    program: isFields(exec) ? textOf(exec['command']) : undefined,
    hasCopiedToken: textOf(user.fields['tokenFile']) !== undefined && textOf(user.fields['token']) === undefined,
  };
}

async function readText(path: string, file: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new DaisError('file_not_found', `The kubeconfig ${file} does not exist.`);
    throw invalid(file, `it cannot be read (${code}). Check its path and permissions`);
  }
}

function parse(file: string, text: string): Fields {
  // Pretty errors contain the line, which can be a token.
  const document = parseDocument(text, { prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = text.slice(0, error.pos[0]).split('\n').length;
    throw invalid(file, `line ${line} is not valid YAML. Use a file as \`kubectl config view --raw\` writes it`);
  }
  const root: unknown = document.toJS();
  if (isFields(root) && (root['kind'] === 'Config' || Array.isArray(root['clusters']))) return root;
  throw invalid(file, 'it has no `kind: Config`. Use a file as `kubectl config view --raw` writes it');
}

async function embedFiles(
  fields: Fields,
  { file, folder }: { readonly file: string; readonly folder: string },
): Promise<Fields> {
  const embedded: Record<string, unknown> = { ...fields };
  for (const [field, content] of Object.entries(FILES)) {
    const path = textOf(fields[field]);
    delete embedded[field];
    // As for `kubectl`, the content has priority.
    if (path === undefined || textOf(fields[content]) !== undefined) continue;
    try {
      // Paths are relative to the kubeconfig.
      const bytes = await readFile(resolve(folder, path));
      embedded[content] = content === 'token' ? bytes.toString('utf8').trim() : bytes.toString('base64');
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      throw invalid(
        file,
        `the file of \`${field}\`, ${path}, cannot be read (${code}). Check its path and permissions`,
      );
    }
  }
  return embedded;
}

function find(root: Fields, list: string, field: string, name: string): Fields | undefined {
  const items: unknown = root[list];
  const item = Array.isArray(items) ? items.find((one: unknown) => isFields(one) && one['name'] === name) : undefined;
  const fields = isFields(item) ? item[field] : undefined;
  return isFields(fields) ? fields : undefined;
}

function names(root: Fields, list: string): string {
  const items: unknown = root[list];
  const found = Array.isArray(items)
    ? items.flatMap((item: unknown) => (isFields(item) ? (textOf(item['name']) ?? []) : []))
    : [];
  return found.length === 0 ? 'it has none now' : found.map(quote).join(', ');
}

function invalid(file: string, problem: string): DaisError {
  return new DaisError('invalid_request', `The kubeconfig ${file} is not valid: ${problem}.`);
}

/** An empty text counts as missing: `kubectl config set` writes such texts. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function quote(name: string): string {
  return JSON.stringify(name);
}
