/**
 * The files of one job in the isolated process of the engine. The process of a lane sees two folders: `inputs`, read-only, with
 * a hard link to each file of the running job, and `work` for its output. Outputs are moved to their destination when the job
 * ends.
 *
 * The output and responses of the process are not trusted: only regular files with the expected names are moved.
 */
import { copyFile, link, lstat, mkdir, realpath, rename, rm, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { FileTable, QueryJob, QueryOutput, SourceFile, TableSource, WrittenFile } from '../contract.ts';
import { QueryError } from '../model/query-error.ts';
import { parquetFile, type Answer, type ResultHead, type Work } from './wire.ts';

export interface LaneFolders {
  readonly inputs: string;
  readonly work: string;
}

/** Each mount is an argument of the program that mounts it. Above this number, the folders of the files are mounted instead. */
const MAX_MOUNTS = 1000;
const LINKS_AT_ONCE = 16;
const REJECTS = 'rejects.ndjson';

export class StagedJob {
  /** The work with the paths inside the process. */
  readonly work: Work;
  /** Files without a link, such as those of another file system: the process must see them under their own path. */
  readonly mounts: readonly string[];
  readonly #original: Work;
  readonly #folders: JobFolders;

  private constructor(original: Work, locations: JobFolders, seen: readonly string[]) {
    this.#original = original;
    this.#folders = locations;
    this.work = translate(original, locations, seen);
    const files = new Set(seen.filter((location) => path.dirname(location) !== locations.inputs));
    const mounts = files.size > MAX_MOUNTS ? new Set([...files].map((file) => path.dirname(file))) : files;
    this.mounts = [...mounts].toSorted();
  }

  /** Creates the folders and links of a job. `id` is unique in the lane. */
  static async stage(work: Work, id: string, folders: LaneFolders): Promise<StagedJob> {
    const paths = { inputs: path.join(folders.inputs, id), folder: path.join(folders.work, id) };
    try {
      for (const folder of [paths.inputs, paths.folder]) await mkdir(folder, { mode: 0o700 });
      const seen: string[] = [];
      const files = filesOf(work);
      for (let start = 0; start < files.length; start += LINKS_AT_ONCE) {
        const batch = files.slice(start, start + LINKS_AT_ONCE);
        seen.push(...(await Promise.all(batch.map(async (file, n) => await linkFile(file, start + n, paths)))));
      }
      const staged = new StagedJob(work, paths, seen);
      if (staged.work.type === 'run') {
        for (const folder of outputsOf(staged.work.job).flatMap(folderOf)) await mkdir(folder, { mode: 0o700 });
      }
      return staged;
    } catch (error) {
      await removeAll(paths);
      throw error;
    }
  }

  /** Folder for all output of the process. */
  get folder(): string {
    return this.#folders.folder;
  }

  /** Moves the outputs to their destination. Returns the response with the paths of the caller. */
  async finish(answer: Answer): Promise<Answer> {
    const original = this.#original;
    if (answer.type === 'describe' && original.type === 'describe') {
      const files = answer.description.files.map((file, n) => withPathOf(file, original.table.files[n]));
      return { ...answer, description: { ...answer.description, files } };
    }
    if (answer.type !== 'run' || original.type !== 'run') return answer;
    const outputs = outputsOf(original.job);
    const statements: ResultHead[] = [];
    for (const [n, head] of answer.statements.entries()) {
      const output = outputs[n];
      const files = output === undefined ? [] : await this.#moveOutput(output, n, head.files);
      statements.push({ ...head, files });
    }
    return { ...answer, statements };
  }

  /** Moves the rejected rows, which are also kept when the job fails, and removes everything else. */
  async clear(): Promise<void> {
    try {
      const rejects = this.#original.type === 'run' ? this.#original.job.rejectsPath : undefined;
      if (rejects !== undefined && (await exists(path.join(this.folder, REJECTS)))) {
        await this.#move(path.join(this.folder, REJECTS), rejects);
      }
    } finally {
      await removeAll(this.#folders);
    }
  }

  async #moveOutput(
    output: QueryOutput,
    number: number,
    files: readonly WrittenFile[],
  ): Promise<readonly WrittenFile[]> {
    const [folder] = folderOf(outputInside(output, number, this.folder));
    const moved: WrittenFile[] = [];
    if (folder === undefined) return moved;
    for (const [n, { path: written, rows }] of files.entries()) {
      const to = fileOfOutput(output, n);
      const name = output.type === 'parquet' ? path.basename(to) : 'out';
      if (written !== path.join(folder, name)) throw unexpectedFile();
      moved.push({ path: to, rows, bytes: await this.#move(written, to) });
    }
    return moved;
  }

  /** Moves the file out of reach of the process first, which could replace a checked file with a link. Returns the size. */
  async #move(from: string, to: string): Promise<number> {
    const between = path.join(this.#folders.inputs, 'moved');
    await rename(from, between).catch((error: unknown) => {
      throw codeOf(error) === 'ENOENT' ? unexpectedFile() : error;
    });
    const found = await lstat(between);
    if (!found.isFile() || found.nlink !== 1) throw unexpectedFile();
    try {
      await rename(between, to);
    } catch (error) {
      if (codeOf(error) !== 'EXDEV') throw error;
      await copyFile(between, to);
      await unlink(between);
    }
    return found.size;
  }
}

interface JobFolders {
  readonly inputs: string;
  readonly folder: string;
}

async function removeAll({ inputs, folder }: JobFolders): Promise<void> {
  await Promise.all([inputs, folder].map(async (path) => await rm(path, { recursive: true, force: true })));
}

/** Returns the path of the file in the process; a missing file is missing there, too. */
async function linkFile(
  { path: location, format }: SourceFile,
  number: number,
  { inputs }: JobFolders,
): Promise<string> {
  const seen = path.join(inputs, `${number}.${format}`);
  try {
    await link(await realpath(location), seen);
    return seen;
  } catch {
    // Another file system, no support for links, too many links, or no permission.
    const real = await realpath(location).catch(() => '');
    return (await stat(real).catch(() => undefined))?.isFile() === true ? real : seen;
  }
}

/** `seen`: the paths of the files, in the order of `filesOf`. */
function translate(work: Work, { folder }: JobFolders, seen: readonly string[]): Work {
  const left = seen.values();
  const file = (source: SourceFile): SourceFile => ({
    ...source,
    name: source.name ?? path.basename(source.path),
    path: left.next().value ?? '',
  });
  const table = (source: FileTable): FileTable => ({ ...source, files: source.files.map(file) });
  if (work.type === 'describe') return { ...work, table: table(work.table) };
  if (work.type !== 'run') return work;
  const { job } = work;
  const { more, rejectsPath } = job;
  const tables = Object.entries(job.tables).map(([name, source]): [string, TableSource] => [
    name,
    'files' in source ? table(source) : source,
  ]);
  return {
    ...work,
    job: {
      ...job,
      tables: Object.fromEntries(tables),
      output: outputInside(job.output, 0, folder),
      ...(more !== undefined && {
        more: more.map((one, n) => ({ ...one, output: outputInside(one.output, n + 1, folder) })),
      }),
      ...(rejectsPath !== undefined && { rejectsPath: path.join(folder, REJECTS) }),
    },
  };
}

function outputInside(output: QueryOutput, number: number, folder: string): QueryOutput {
  const own = path.join(folder, `out-${number}`);
  if (output.type === 'parquet') return { ...output, folder: own };
  return 'path' in output ? { ...output, path: path.join(own, 'out') } : output;
}

function filesOf(work: Work): readonly SourceFile[] {
  if (work.type === 'describe') return work.table.files;
  if (work.type !== 'run') return [];
  return Object.values(work.job.tables).flatMap((table) => ('files' in table ? table.files : []));
}

function outputsOf(job: QueryJob): readonly QueryOutput[] {
  return [job.output, ...(job.more ?? []).map(({ output }) => output)];
}

/** The folder of an output that has one. */
function folderOf(output: QueryOutput): readonly string[] {
  if (output.type === 'parquet') return [output.folder];
  return 'path' in output ? [path.dirname(output.path)] : [];
}

function fileOfOutput(output: QueryOutput, number: number): string {
  if (output.type === 'parquet') return parquetFile(output.folder, output.name, number);
  return 'path' in output ? output.path : '';
}

function withPathOf<T extends SourceFile>(file: T, original: SourceFile | undefined): T {
  const { name: _, ...rest } = file;
  const name = original?.name;
  return { ...rest, path: original?.path ?? '', ...(name !== undefined && { name }) } as T;
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

function unexpectedFile(): QueryError {
  return new QueryError('query_failed', 'The query process returned an unexpected file.');
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
