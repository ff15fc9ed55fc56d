/** Transfers files between stored content and the working folder of a step: its inputs, outputs and log. */
import { createHash } from 'node:crypto';
import { addAbortSignal, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { DaisError, storableIssues } from '@dais/api';
import type { Compute, OutputFile, TaskInput } from '#engines/compute/contract.ts';
import type { Content, UploadLease } from '#kernel/content/content.ts';
import type { Artifact, Json, Step, Value, Values } from '../machine/plan.ts';
import { ValueError } from '../machine/values.ts';
import { listOutputs, requireRoom, type StorageRoom } from './step-storage.ts';
import type { StepResults, StepText } from './step-dialect.ts';
import type { PlacedArtifact } from './step-spec.ts';

/** Largest file of a parameter, in bytes. */
const LARGEST_PARAMETER = 1024 * 1024;
const PAGE = 1000;

/** Returns the input with a stream that ends when `signal` aborts. */
export function abortable(input: TaskInput, signal: AbortSignal): TaskInput {
  return {
    ...input,
    open: async () => {
      signal.throwIfAborted();
      return addAbortSignal(signal, await input.open());
    },
  };
}

/** Returns a text as an input file. */
export function inputOfText({ path, text }: StepText): TaskInput {
  return { path, text, open: async () => await Promise.resolve(Readable.from([Buffer.from(text)])) };
}

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

/** A file at an external URL, or one of the files of a folder there. */
export interface AddressedFile {
  /** Relative to the folder; empty for a single file. */
  readonly path: string;
  readonly open: () => Promise<Readable>;
}

export interface AddressIo {
  /** Variables of the reading step, including those of Secrets: they contain credentials. */
  readonly variables: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export type ReadAddress = (url: string, io: AddressIo) => Promise<readonly AddressedFile[]>;

/** Returns whether the files are fetched: at web URLs and in buckets. For other schemes the step only gets the URL. */
export function isFetched({ uri }: Artifact): boolean {
  return uri !== undefined && /^(?:https?|s3):\/\//i.test(uri);
}

/** Returns the external inputs. They are fetched when opened, and a failure fails the step. @throws ValueError */
export async function externalInputs(
  placed: readonly PlacedArtifact[],
  read: ReadAddress | undefined,
  io: AddressIo,
): Promise<readonly TaskInput[]> {
  const inputs: TaskInput[] = [];
  for (const { artifact, path } of placed) {
    if (!isFetched(artifact)) continue;
    const url = artifact.uri ?? '';
    if (read === undefined) throw new ValueError(`${url} cannot be fetched: this server does not fetch external files`);
    for (const file of await orValueError(url, async () => await read(url, io))) {
      const at = file.path === '' ? path : `${path}/${file.path}`;
      inputs.push({ path: at, open: async () => await orValueError(url, file.open) });
    }
  }
  return inputs;
}

async function orValueError<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DaisError)
      throw new ValueError(`${url} cannot be fetched: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Yields every file of a folder, ordered by name. */
async function* filesBelow(content: Content, owner: { projectId: string; uid: string }, folder: string) {
  for (let after = ''; ;) {
    const page = await content.list(owner, { prefix: `${folder}/`, after, limit: PAGE });
    yield* page;
    const last = page.at(-1);
    if (page.length < PAGE || last === undefined) return;
    after = last.name;
  }
}

/** An uploaded file without an owner: it is attached in the transaction that commits the step, or released. */
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
  /** Storage quota of the project in bytes. */
  readonly quota: () => Promise<number | null>;
  /** Storage limits, checked before anything is copied. */
  readonly room: () => Promise<StorageRoom>;
  /** Stops the collection and releases the files stored until then. */
  readonly signal: AbortSignal;
  /** Converts the results of a step of a dialect to its outputs. */
  readonly dialect?: ((left: StepResults) => Values) | undefined;
}

/**
 * Stores the outputs of a step. @throws ValueError when an output is missing, has the wrong type, or is too large; DaisError
 *   as `Content.upload`; an `AbortError` when `signal` aborts.
 */
export async function collectOutputs(from: Collection): Promise<Collected> {
  const { compute, attempt, step, signal } = from;
  const uploads: Uploaded[] = [];
  const found = new Map<string, StoredFile[]>();
  const parameters = new Map<string, Json>();
  const texts = new Map<string, string>();
  const isRequested = (output: string) => from.dialect !== undefined || step.outputs[output] !== undefined;
  const listed = await listOutputs(compute.outputs(attempt), isRequested, signal);
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
        const stored = await storeFile(from, file);
        uploads.push(stored.upload);
        found.set(file.output, [...(found.get(file.output) ?? []), stored]);
      }
    }
    if (from.dialect !== undefined) return { outputs: dialectOutputs(from, from.dialect, texts, found), uploads };
    const outputs = Object.entries(step.outputs).flatMap(([name, spec]): [string, Value][] => {
      const files = found.get(name);
      if (files !== undefined) return [[name, { artifact: artifactOf(from, name, files) }]];
      const parameter = parameters.get(name);
      if (parameter !== undefined) return [[name, { parameter }]];
      if (spec.optional === true) return [];
      throw new ValueError(`output ${name} is missing: the step did not write ${spec.path}`);
    });
    return { outputs: Object.fromEntries(outputs), uploads };
  } catch (error) {
    await releaseAll(from.content, uploads);
    throw error;
  }
}

/** Stores the `always` outputs of a failed step, as far as they exist. Errors do not replace the error of the step. */
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
    if (error instanceof ValueError || error instanceof DaisError) return [];
    throw error;
  }
}

function dialectOutputs(
  from: Collection,
  outputsOf: (left: StepResults) => Values,
  texts: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, readonly StoredFile[]>,
): Values {
  const artifacts = [...found].map(([name, files]) => [name, artifactOf(from, name, files)] as const);
  const nothing = { ...artifactOf(from, '', []), folder: false };
  const outputs = outputsOf({ texts: Object.fromEntries(texts), artifacts: Object.fromEntries(artifacts), nothing });
  for (const value of Object.values(outputs))
    requireStorable('parameter' in value ? value.parameter : metadataOf(value));
  return outputs;
}

function metadataOf(value: Value): Json {
  return 'artifact' in value ? (value.artifact.metadata ?? {}) : {};
}

export async function releaseAll(content: Content, uploads: readonly Uploaded[]): Promise<void> {
  // A file that cannot be released now expires with its lease.
  for (const { lease } of uploads) await content.release(lease).catch(() => {});
}

interface StoredFile {
  readonly upload: Uploaded;
  readonly path: string;
  readonly executable: boolean;
}

async function storeFile(from: Collection, file: OutputFile): Promise<StoredFile> {
  const { content, projectId, attempt, quota, signal } = from;
  const { output, path, executable } = file;
  const name = [prefixOf(attempt, output), path].filter((part) => part !== '').join('/');
  const request = { projectId, quota: await quota(), origin: attempt, signal };
  const lease = await content.upload(await file.open(), request);
  return { upload: { lease, name }, path, executable };
}

/** Returns the prefix of the file names of an output. */
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

/** Returns a digest of names, modes and contents, independent of the location. */
export function filesDigest(
  files: readonly { readonly path: string; readonly sha256: string; readonly executable: boolean }[],
): string {
  const hash = createHash('sha256');
  const ordered = files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  for (const { path, sha256, executable } of ordered) hash.update(`${sha256} ${executable ? 'x' : '-'} ${path}\n`);
  return hash.digest('hex');
}

/** @throws ValueError */
async function readText(file: OutputFile): Promise<string> {
  if (file.path !== '') throw new ValueError(`output ${file.output} is a folder, but a parameter is read from a file`);
  if (file.size > LARGEST_PARAMETER) {
    throw new ValueError(
      `output ${file.output} has ${file.size} bytes, and the limit of a parameter is ${LARGEST_PARAMETER}`,
    );
  }
  return (await buffer(await file.open())).toString('utf8');
}

/** @throws ValueError */
async function readParameter(file: OutputFile, as: 'text' | 'json'): Promise<Json> {
  const text = await readText(file);
  if (as === 'text') return requireStorable(text.replace(/\r?\n$/, ''));
  try {
    return requireStorable(JSON.parse(text) as Json);
  } catch (error) {
    if (error instanceof ValueError) throw error;
    throw new ValueError(`output ${file.output} is not valid JSON`, { cause: error });
  }
}

/** @throws ValueError for values that PostgreSQL cannot store. */
function requireStorable(value: Json): Json {
  const [issue] = storableIssues(value);
  if (issue !== undefined) throw new ValueError(`an output cannot be stored: ${issue.path} ${issue.message}`);
  return value;
}

interface StoredLog extends Uploaded {
  /** Its last lines. */
  readonly tail: string;
}

const TAIL_BYTES = 2000;
const TAIL_LINES = 10;

/** Stores the log of an attempt. Undefined: the log is empty, or exceeds the storage quota. */
export async function storeLog({
  compute,
  content,
  projectId,
  attempt,
  quota,
}: Pick<Collection, 'compute' | 'content' | 'projectId' | 'attempt' | 'quota'>): Promise<StoredLog | undefined> {
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
    // If the storage quota is full, the step still ends with its own result.
    if (error instanceof DaisError && error.code === 'quota_exceeded') return undefined;
    throw error;
  }
}

function lastLines(tail: Buffer): string {
  // The first line may be cut, also within a character.
  const lines = tail.toString('utf8').replaceAll('\0', '').trimEnd().split('\n');
  return (tail.length < TAIL_BYTES ? lines : lines.slice(1)).slice(-TAIL_LINES).join('\n');
}

export function logName(attempt: string): string {
  return `logs/${attempt}`;
}
