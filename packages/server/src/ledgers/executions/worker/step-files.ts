/** Files between content and the working folder of a step: what it is given, and what is kept of what it leaves. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { DaisError, storableIssues } from '@dais/api';
import type { Compute, OutputFile, TaskInput } from '#engines/compute/contract.ts';
import type { Content, UploadLease } from '#kernel/content/content.ts';
import type { Artifact, Json, Step, Value, Values } from '../machine/plan.ts';
import { ValueFault } from '../machine/values.ts';
import { listOutputs, requireRoom, type StorageRoom } from './output-check.ts';
import type { Left } from './step-dialect.ts';
import type { PlacedArtifact } from './step-spec.ts';

/** Of a parameter that is read from a file. */
const LARGEST_PARAMETER = 1024 * 1024;
const PAGE = 1000;

export async function inputsOf(
  content: Content,
  projectId: string,
  placed: readonly PlacedArtifact[],
): Promise<TaskInput[]> {
  const inputs: TaskInput[] = [];
  for (const { artifact, path } of placed) {
    const owner = { projectId, uid: artifact.run, label: `run ${artifact.run}` };
    const executable = new Set(artifact.executable);
    const add = (name: string, below: string) => {
      const at = [path, below].filter((part) => part !== '' && part !== '.').join('/');
      const open = async () => (await content.open(owner, name)).bytes;
      inputs.push({ path: at, executable: executable.has(below), open });
    };
    if (artifact.files === 0) continue;
    if (!artifact.folder) add(artifact.prefix, '');
    for await (const { name } of artifact.folder ? filesBelow(content, owner, artifact.prefix) : []) {
      add(name, name.slice(artifact.prefix.length + 1));
    }
  }
  return inputs;
}

/** A file, or one of the files of a folder, at an address outside. */
export interface AddressedFile {
  /** Below the folder; empty for what is a file itself. */
  readonly path: string;
  readonly open: () => Promise<Readable>;
}

export interface AddressIo {
  /** Those of the step that reads it, those of Secrets too: how it signs where one must. */
  readonly variables: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export type ReadAddress = (url: string, io: AddressIo) => Promise<readonly AddressedFile[]>;

/** What lies at an address of the web or in a bucket is brought; of other places a step gets the address. */
export function isFetched({ uri }: Artifact): boolean {
  return uri !== undefined && /^(?:https?|s3):\/\//i.test(uri);
}

/** Those that are fetched, when they are opened. What cannot be had fails the step. @throws ValueFault */
export async function addressed(
  placed: readonly PlacedArtifact[],
  read: ReadAddress | undefined,
  io: AddressIo,
): Promise<readonly TaskInput[]> {
  const inputs: TaskInput[] = [];
  for (const { artifact, path } of placed) {
    if (!isFetched(artifact)) continue;
    const url = artifact.uri ?? '';
    if (read === undefined) throw new ValueFault(`nothing is fetched from outside here: ${url}`);
    for (const file of await had(url, async () => await read(url, io))) {
      const at = file.path === '' ? path : `${path}/${file.path}`;
      inputs.push({ path: at, open: async () => await had(url, file.open) });
    }
  }
  return inputs;
}

async function had<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DaisError) throw new ValueFault(`${url} cannot be had: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Every file of a folder, in the order of their names. */
async function* filesBelow(content: Content, owner: { projectId: string; uid: string }, folder: string) {
  for (let after = ''; ;) {
    const page = await content.list(owner, { prefix: `${folder}/`, after, limit: PAGE });
    yield* page;
    const last = page.at(-1);
    if (page.length < PAGE || last === undefined) return;
    after = last.name;
  }
}

/** Uploaded, and not yet anybody's: attached in the transaction that commits the step, or given up. */
export interface Uploaded {
  readonly lease: UploadLease;
  readonly name: string;
}

export interface Collected {
  readonly outputs: Readonly<Record<string, Value>>;
  readonly uploads: readonly Uploaded[];
}

export interface Collection {
  readonly compute: Compute;
  readonly content: Content;
  readonly projectId: string;
  readonly run: string;
  readonly attempt: string;
  readonly step: Step;
  /** Bytes that the project may hold. */
  readonly quota: () => Promise<number | null>;
  /** Asked before anything is copied. */
  readonly room: () => Promise<StorageRoom>;
  /** Ends it, and what it has stored until then is given up. */
  readonly signal: AbortSignal;
  /** Makes the outputs, of a step in somebody's own words. */
  readonly dialect?: ((left: Left) => Values) | undefined;
}

/**
 * @throws ValueFault when an output is not there, is not what the step said, or does not fit; DaisError as `Content.upload`; an
 *   `AbortError` when `signal` aborts.
 */
export async function collectOutputs(from: Collection): Promise<Collected> {
  const { compute, attempt, step, signal } = from;
  const uploads: Uploaded[] = [];
  const found = new Map<string, StoredFile[]>();
  const parameters = new Map<string, Json>();
  const texts = new Map<string, string>();
  const isWanted = (output: string) => from.dialect !== undefined || step.outputs[output] !== undefined;
  const listed = await listOutputs(compute.outputs(attempt), isWanted, signal);
  const isStored = ({ output }: OutputFile) => 'artifact' in (step.outputs[output] ?? {});
  if (listed.some(isStored)) requireRoom(listed.filter(isStored), await from.room());
  try {
    for (const file of listed) {
      signal.throwIfAborted();
      const spec = step.outputs[file.output];
      if (from.dialect !== undefined && (spec === undefined || 'parameter' in spec)) {
        texts.set(file.output, await readText(file));
      } else if (spec === undefined) continue;
      else if ('parameter' in spec) parameters.set(file.output, await readParameter(file, spec.parameter));
      else {
        const stored = await keepFile(from, file);
        uploads.push(stored.upload);
        found.set(file.output, [...(found.get(file.output) ?? []), stored]);
      }
    }
    if (from.dialect !== undefined) return { outputs: leftBehind(from, from.dialect, texts, found), uploads };
    const outputs = Object.entries(step.outputs).flatMap(([name, spec]): [string, Value][] => {
      const files = found.get(name);
      if (files !== undefined) return [[name, { artifact: artifactOf(from, name, files) }]];
      const parameter = parameters.get(name);
      if (parameter !== undefined) return [[name, { parameter }]];
      if (spec.optional === true) return [];
      throw new ValueFault(`it left no ${spec.path}, which is its output ${name}`);
    });
    return { outputs: Object.fromEntries(outputs), uploads };
  } catch (error) {
    await releaseAll(from.content, uploads);
    throw error;
  }
}

/** What is kept of a step that failed, as far as it is there. What cannot be kept is no second failure. */
export async function collectAlways(from: Collection): Promise<readonly Uploaded[]> {
  const kept = Object.entries(from.step.outputs).flatMap(([name, output]) =>
    'artifact' in output && output.always === true ? [[name, { ...output, optional: true }] as const] : [],
  );
  if (kept.length === 0) return [];
  const step = { ...from.step, outputs: Object.fromEntries(kept) };
  try {
    return (await collectOutputs({ ...from, step, dialect: undefined })).uploads;
  } catch (error) {
    from.signal.throwIfAborted();
    if (error instanceof ValueFault || error instanceof DaisError) return [];
    throw error;
  }
}

function leftBehind(
  from: Collection,
  outputsOf: (left: Left) => Values,
  texts: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, readonly StoredFile[]>,
): Values {
  const artifacts = [...found].map(([name, files]) => [name, artifactOf(from, name, files)] as const);
  const nothing = { ...artifactOf(from, '', []), folder: false };
  const outputs = outputsOf({ texts: Object.fromEntries(texts), artifacts: Object.fromEntries(artifacts), nothing });
  for (const value of Object.values(outputs)) storable('parameter' in value ? value.parameter : metadataOf(value));
  return outputs;
}

function metadataOf(value: Value): Json {
  return 'artifact' in value ? (value.artifact.metadata ?? {}) : {};
}

export async function releaseAll(content: Content, uploads: readonly Uploaded[]): Promise<void> {
  // What cannot be given up now ends with its lease.
  for (const { lease } of uploads) await content.release(lease).catch(() => {});
}

interface StoredFile {
  readonly upload: Uploaded;
  readonly path: string;
  readonly executable: boolean;
}

async function keepFile(from: Collection, file: OutputFile): Promise<StoredFile> {
  const { content, projectId, attempt, quota, signal } = from;
  const { output, path, executable } = file;
  const name = [prefixOf(attempt, output), path].filter((part) => part !== '').join('/');
  const request = { projectId, quota: await quota(), origin: attempt, signal };
  const lease = await content.upload(await file.open(), request);
  return { upload: { lease, name }, path, executable };
}

/** What the names of an output's files begin with. */
export function prefixOf(attempt: string, output: string): string {
  return `steps/${attempt}/${output}`;
}

function artifactOf({ run, attempt }: Collection, output: string, files: readonly StoredFile[]): Artifact {
  const executable = files.filter((file) => file.executable).map(({ path }) => path);
  return {
    run,
    prefix: prefixOf(attempt, output),
    folder: files[0]?.path !== '',
    files: files.length,
    bytes: files.reduce((sum, { upload }) => sum + upload.lease.size, 0),
    digest: filesDigest(
      files.map(({ path, upload }) => ({ path, sha256: upload.lease.sha256, executable: executable.includes(path) })),
    ),
    ...(executable.length > 0 && { executable }),
  };
}

/** Equal for equal files, wherever they lie. */
export function filesDigest(
  files: readonly { readonly path: string; readonly sha256: string; readonly executable: boolean }[],
): string {
  const hash = createHash('sha256');
  const ordered = files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  for (const { path, sha256, executable } of ordered) hash.update(`${sha256} ${executable ? 'x' : '-'} ${path}\n`);
  return hash.digest('hex');
}

/** @throws ValueFault */
async function readText(file: OutputFile): Promise<string> {
  if (file.path !== '') throw new ValueFault(`the output ${file.output} is a folder; a parameter is read from a file`);
  if (file.size > LARGEST_PARAMETER) {
    throw new ValueFault(
      `the output ${file.output} has ${file.size} bytes; a parameter has at most ${LARGEST_PARAMETER}`,
    );
  }
  return (await buffer(await file.open())).toString('utf8');
}

/** @throws ValueFault */
async function readParameter(file: OutputFile, as: 'text' | 'json'): Promise<Json> {
  const text = await readText(file);
  if (as === 'text') return storable(text.replace(/\r?\n$/, ''));
  try {
    return storable(JSON.parse(text) as Json);
  } catch (error) {
    if (error instanceof ValueFault) throw error;
    throw new ValueFault(`the output ${file.output} is not JSON`, { cause: error });
  }
}

/** @throws ValueFault for what PostgreSQL cannot keep. */
function storable(value: Json): Json {
  const [issue] = storableIssues(value);
  if (issue !== undefined) throw new ValueFault(`an output cannot be kept: ${issue.path} ${issue.message}`);
  return value;
}

interface KeptLog extends Uploaded {
  /** Its last lines. */
  readonly tail: string;
}

const TAIL_BYTES = 2000;
const TAIL_LINES = 10;

/** The whole output of an attempt, kept; undefined when it wrote nothing. */
export async function keepLog({
  compute,
  content,
  projectId,
  attempt,
  quota,
}: Pick<Collection, 'compute' | 'content' | 'projectId' | 'attempt' | 'quota'>): Promise<KeptLog | undefined> {
  let tail: Buffer = Buffer.alloc(0);
  const chunks = compute.logs(attempt)[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) return undefined;
  const bytes = async function* () {
    for (let next: IteratorResult<{ readonly bytes: Buffer }> = first; next.done !== true; next = await chunks.next()) {
      tail = Buffer.concat([tail, next.value.bytes]).subarray(-TAIL_BYTES);
      yield next.value.bytes;
    }
  };
  try {
    const lease = await content.upload(Readable.from(bytes()), { projectId, quota: await quota(), origin: attempt });
    return { lease, name: logName(attempt), tail: lastLines(tail) };
  } catch (error) {
    // A project that may hold no more bytes still learns how its step ended.
    if (error instanceof DaisError && error.code === 'quota_exceeded') return undefined;
    throw error;
  }
}

function lastLines(tail: Buffer): string {
  // A cut may go through a character, and then through a line.
  const lines = tail.toString('utf8').replaceAll('\0', '').trimEnd().split('\n');
  return (tail.length < TAIL_BYTES ? lines : lines.slice(1)).slice(-TAIL_LINES).join('\n');
}

export function logName(attempt: string): string {
  return `logs/${attempt}`;
}
