/** Reads the small files of an MLflow file store (`mlruns`): one value per file, and `meta.yaml`. */
import { constants, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import { parseDocument, visit, type Scalar } from 'yaml';
import { storable } from '../exact-json.ts';
import type { Pairs } from '../source.ts';

/** Values and `meta.yaml` are much smaller. */
const LARGEST_FILE = 4 << 20;
const DEEPEST = 20;
const MISSING = new Set(['ENOENT', 'ENOTDIR']);

export type Meta = Readonly<Record<string, unknown>>;

/** Names of the folders in a folder. Follows no links; a missing folder has none. */
export async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(noneWhenMissing);
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

/** Paths of the files below a folder, with `/` between their parts: keys that contain `/` are folders. */
export async function keysIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  const folders = [{ path: '', depth: 0 }];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of await readdir(join(folder, next.path), { withFileTypes: true }).catch(noneWhenMissing)) {
      const path = next.path === '' ? entry.name : `${next.path}/${entry.name}`;
      if (entry.isDirectory() && next.depth < DEEPEST) folders.push({ path, depth: next.depth + 1 });
      else if (entry.isFile()) found.push(path);
    }
  }
  return found.toSorted();
}

export async function pairsIn(folder: string): Promise<Pairs> {
  const pairs: [string, string][] = [];
  for (const key of await keysIn(folder)) pairs.push([storable(key), storable(await textOf(join(folder, key)))]);
  return Object.fromEntries(pairs);
}

/** @throws DaisError `too_large` */
export async function textOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const { size } = await file.stat();
    if (size > LARGEST_FILE) {
      throw new DaisError('too_large', `${path} has ${size} bytes, and the limit is ${LARGEST_FILE}.`);
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Undefined: the folder has no such file. @throws DaisError `invalid_request` */
export async function metaOf(folder: string, name = 'meta.yaml'): Promise<Meta | undefined> {
  const path = join(folder, name);
  const text = await textOf(path).catch((error: NodeJS.ErrnoException) => {
    if (MISSING.has(error.code ?? '')) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const document = parseDocument(text, { schema: 'failsafe', logLevel: 'silent' });
  visit(document, { Scalar: (_key, node) => void (node.value = valueOf(node)) });
  const value: unknown = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 10 });
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Meta;
  // A process that was killed while it wrote leaves an empty file.
  throw new DaisError('invalid_request', `${path} is damaged: it is not a YAML map.`);
}

const INTEGER = /^[-+]?(?:0|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?$/;
const CONSTANTS: Readonly<Record<string, boolean | null>> = {
  null: null,
  '~': null,
  '': null,
  true: true,
  false: false,
};

/** Reads a value as PyYAML wrote it, with YAML 1.1: a run that is named 1e5 has no quotes there, and is a number in YAML 1.2. */
function valueOf({ value, type }: Scalar): unknown {
  if (type !== 'PLAIN' || typeof value !== 'string') return value;
  if (Object.hasOwn(CONSTANTS, value)) return CONSTANTS[value];
  return INTEGER.test(value) || FLOAT.test(value) ? Number(value) : value;
}

export const metaText = (meta: Meta, key: string): string => scalarText(meta[key]);

/** YAML reads numbers and booleans where MLflow wrote texts. */
export function scalarText(value: unknown): string {
  if (typeof value === 'string') return storable(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

export const metaNumber = (meta: Meta, key: string): number => {
  const value = Number(meta[key] ?? 0);
  return Number.isSafeInteger(value) ? value : 0;
};

export const metaMap = (meta: Meta, key: string): Pairs => {
  const value = meta[key];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [storable(name), scalarText(one)]));
};

export const isDeleted = (meta: Meta): boolean => meta['lifecycle_stage'] === 'deleted';

function noneWhenMissing(error: NodeJS.ErrnoException): [] {
  if (MISSING.has(error.code ?? '')) return [];
  throw error;
}
