/** Event files of TensorBoard: each folder with event files is one run. */
import { basename, dirname } from 'node:path';
import { bytesText } from '#output/amounts.ts';
import { DaisError } from '@dais/api';
import { findFiles, logFile, type LogFile } from '../run-logs/log-file.ts';
import { seriesOf, type LogPoint } from '../run-logs/log-metrics.ts';
import { runIdOf } from '../run-logs/log-text.ts';
import type { LoggedRun, ReadLog, RunLog, RunLogFormat } from '../run-logs/run-log-source.ts';
import { eventFilesOf, mediaFilesOf } from './artifacts.ts';
import { EventLog } from './event-log.ts';
import { RunContent } from './run-content.ts';

export interface TensorboardOptions {
  /** A folder or one event file, without links in its path. */
  readonly from: string;
  readonly isFolder: boolean;
  readonly experiment: string | undefined;
  readonly progress: (text: string) => void;
}

const EVENT_FILE = /(^|\/)[^/]*tfevents[^/]*$/;
/** Larger than what most readers need to see progress for. */
const PROGRESS_BYTES = 32 << 20;

export class TensorboardFormat implements RunLogFormat {
  readonly name = 'tensorboard';
  readonly #options: TensorboardOptions;

  constructor(options: TensorboardOptions) {
    this.#options = options;
  }

  async find(): Promise<readonly RunLog[]> {
    const { from, isFolder } = this.#options;
    const files = isFolder
      ? await findFiles(from, (path) => EVENT_FILE.test(path))
      : [await logFile(from, basename(from))];
    if (files.length === 0) {
      const detail = `${from} contains no TensorBoard event files. Their names contain "tfevents".`;
      throw new DaisError('file_not_found', detail);
    }
    const folders = Map.groupBy(files, ({ path }) => dirname(path));
    return [...folders].map(([name, members]) => ({ name, files: members }));
  }

  async read(log: RunLog): Promise<ReadLog> {
    const files = log.files.filter(({ size }) => size > 0);
    const first = files[0];
    if (first === undefined) return { runs: [], problems: [], notes: [] };
    const events = new EventLog(files, this.#progressOf(log));
    const content = await RunContent.read(events);
    const { problems, notes } = content.report(log.name);
    if (events.records === 0) return { runs: [], problems, notes };
    const run = this.#runOf(log, first, events, content);
    return { runs: [run], problems, notes };
  }

  #runOf({ name, files }: RunLog, first: LogFile, events: EventLog, content: RunContent): LoggedRun {
    const experiment = this.#experiment();
    const shown = name === '.' ? experiment : name;
    const { startedAt, endedAt, latest } = content;
    const points = () => seriesOf(pointsOf(events, content));
    return {
      experiment,
      run: {
        // A training that starts again in an emptied folder is another run: its first file has another name.
        id: runIdOf('tensorboard', experiment, name, basename(first.path)),
        name: shown.slice(0, 250),
        user: '',
        status: content.status,
        startedAt,
        ...(content.status !== 'RUNNING' && { endedAt }),
        deleted: false,
        artifactUri: '',
        params: content.params,
        tags: { 'mlflow.runName': shown.slice(0, 250), 'tensorboard.run': name },
        metrics: latest.all(),
        datasets: [],
        modelInputs: [],
        modelOutputs: [],
        contentState: JSON.stringify(files.map(({ path, size }) => [path, size])),
      },
      files: [...eventFilesOf(files), ...mediaFilesOf(content.media)],
      histories: points,
    };
  }

  #experiment(): string {
    const { from, isFolder, experiment } = this.#options;
    return experiment ?? (basename(isFolder ? from : dirname(from)) || 'tensorboard');
  }

  #progressOf({ name, files }: RunLog): (bytes: number) => void {
    const total = files.reduce((sum, { size }) => sum + size, 0);
    let shown = 0;
    return (bytes) => {
      if (bytes - shown < PROGRESS_BYTES) return;
      shown = bytes;
      this.#options.progress(`reading ${name}: ${bytesText(bytes)} of ${bytesText(total)}`);
    };
  }
}

async function* pointsOf(events: EventLog, content: RunContent): AsyncGenerator<LogPoint> {
  for await (const event of events.read()) yield* content.pointsOf(event);
}
