/** Runs of Weights & Biases: folders of runs that were logged offline or synced, and exported histories. */
import { basename, dirname, join } from 'node:path';
import { DaisError } from '@dais/api';
import { findFiles, logFile, type LogFile } from '../run-logs/log-file.ts';
import type { ReadLog, RunLog, RunLogFormat } from '../run-logs/run-log-source.ts';
import { readExport } from './history-export.ts';
import { readRunFolder } from './run-folder.ts';

export interface WandbOptions {
  /** A folder or one file, without links in its path. */
  readonly from: string;
  readonly isFolder: boolean;
  readonly experiment: string | undefined;
  readonly now: () => number;
  readonly progress: (text: string) => void;
}

const RUN_FILE = /(?:^|\/)run-([^/]+)\.wandb$/;
const EXPORT_FILE = /\.(?:csv|jsonl|ndjson)$/i;
/** Files of users in the folder of a run are not searched. */
const USER_FILES = /(?:^|\/)(?:offline-)?run-[^/]*\/(?:files|logs|tmp)\//;

export class WandbFormat implements RunLogFormat {
  readonly name = 'wandb';
  readonly #options: WandbOptions;

  constructor(options: WandbOptions) {
    this.#options = options;
  }

  async find(): Promise<readonly RunLog[]> {
    const { from, isFolder } = this.#options;
    const files = isFolder
      ? await findFiles(from, (path) => RUN_FILE.test(path) && !USER_FILES.test(path))
      : [await logFile(from, basename(from))];
    const exported = files.filter(({ path }) => EXPORT_FILE.test(path));
    const runs = files.filter(({ path }) => !EXPORT_FILE.test(path));
    if (files.length === 0) {
      const detail = `${from} contains no W&B runs. Give a folder with run-ID.wandb files, such as wandb, or an exported history with --from FILE.csv.`;
      throw new DaisError('file_not_found', detail);
    }
    // A run that was resumed offline has several folders.
    const byRun = Map.groupBy(runs, ({ path }) => RUN_FILE.exec(path)?.[1] ?? path);
    return [
      ...[...byRun].map(([name, members]) => ({ name: `run ${name}`, files: withoutCopies(members) })),
      ...exported.map((file) => ({ name: file.path, files: [file] })),
    ];
  }

  async read(log: RunLog): Promise<ReadLog> {
    const { experiment, now, progress } = this.#options;
    const first = log.files[0]!;
    if (EXPORT_FILE.test(first.path)) {
      return await readExport(first, experiment ?? (basename(dirname(first.absolute)) || 'wandb'));
    }
    const withFiles = await Promise.all(log.files.map(async (file) => ({ file, ...(await mediaBeside(file)) })));
    return await readRunFolder(log.name, withFiles, { experiment, now, progress });
  }
}

/** Of several copies of the folder of a run, the one with the largest file is the newest. */
function withoutCopies(files: readonly LogFile[]): LogFile[] {
  const byFolder = Map.groupBy(files, ({ absolute }) => basename(dirname(absolute)));
  return [...byFolder.values()].map((copies) => copies.reduce((a, b) => (b.size > a.size ? b : a)));
}

/** Files that the run saved. Links to files elsewhere are only counted. */
async function mediaBeside({ absolute }: LogFile): Promise<{ readonly media: LogFile[]; readonly links: number }> {
  let links = 0;
  const folder = join(dirname(absolute), 'files');
  const options = { onLink: () => (links += 1) };
  const media = await findFiles(folder, () => true, options).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  return { media, links };
}
