/** One run in its `.wandb` files and the folders `files` beside them. */
import { countNoun } from '@dais/api';
import { basename, dirname } from 'node:path';
import { bytesText } from '#output/amounts.ts';
import { FileReader, streamFile, type LogFile } from '../run-logs/log-file.ts';
import { MOST_METRICS, seriesOf, type LogPoint } from '../run-logs/log-metrics.ts';
import { runIdOf } from '../run-logs/log-text.ts';
import { MalformedMessage } from '../run-logs/proto-reader.ts';
import type { LoggedFile, ReadLog } from '../run-logs/run-log-source.ts';
import type { Problem } from '../tally.ts';
import { hasWandbHeader, LARGEST_RECORD, readRecords } from './record-log.ts';
import { RecordState } from './record-state.ts';
import { readRecord, type WandbRecord } from './record.ts';

interface RunFiles {
  readonly file: LogFile;
  readonly media: readonly LogFile[];
  /** Links to files elsewhere, which are not imported. */
  readonly links: number;
}

export interface RunFolderOptions {
  readonly experiment: string | undefined;
  readonly now: () => number;
  readonly progress: (text: string) => void;
}

/** A run without an exit record whose file changed since then is in progress. */
const RECENT_MS = 10 * 60_000;
const PROGRESS_RECORDS = 100_000;

interface Reading {
  records: number;
  readonly problems: Problem[];
  readonly notes: string[];
}

export async function readRunFolder(
  name: string,
  folders: readonly RunFiles[],
  { experiment: experimentName, now, progress }: RunFolderOptions,
): Promise<ReadLog> {
  const state = new RecordState();
  const reading: Reading = { records: 0, problems: [], notes: [] };
  const files = folders.map(({ file }) => file);
  for await (const record of recordsOf(name, files, reading)) {
    state.add(record);
    if (reading.records % PROGRESS_RECORDS === 0) progress(`reading ${name}: ${countNoun(reading.records, 'record')}`);
  }
  const { problems, notes } = reading;
  const links = folders.reduce((total, one) => total + one.links, 0);
  if (links > 0) {
    notes.push(
      `${name}: ${countNoun(links, 'link')} in the folder files not imported. Links can lead out of the folder: copy the files in their place to import them.`,
    );
  }
  const { run } = state;
  if (run === undefined) {
    const why = `no record describes the run; ${countNoun(reading.records, 'record')} could be read. The run is not imported.`;
    return { runs: [], problems: [...problems, { what: name, why }], notes };
  }
  const status = state.status(files.some(({ modifiedAt }) => now() - modifiedAt < RECENT_MS));
  // A summary of a run in progress changes, and each change would become another point.
  const isEnded = status !== 'RUNNING';
  if (isEnded) for (const point of state.summaryPoints()) state.latest.add(point);
  const params = state.params();
  reportLimits(name, state, problems);
  const experiment = experimentName ?? (run.project.slice(0, 500) || 'uncategorized');
  const id = runIdOf('wandb', experiment, run.project, run.id);
  const artifacts = artifactsOf(folders);
  return {
    runs: [
      {
        experiment,
        run: {
          id,
          name: (run.name || run.id).slice(0, 250),
          user: state.user.slice(0, 256),
          status,
          startedAt: state.startedAt,
          ...(isEnded && { endedAt: state.endedAt }),
          deleted: false,
          artifactUri: '',
          params,
          tags: state.tags(),
          metrics: state.latest.all(),
          datasets: [],
          modelInputs: [],
          modelOutputs: [],
          contentState: JSON.stringify(artifacts.map(({ path, size }) => [path, size])),
        },
        files: artifacts,
        histories: () => seriesOf(allPoints(name, files, isEnded)),
      },
    ],
    problems,
    notes,
  };
}

/** Reads the files again, so that no point stays in memory. */
async function* allPoints(name: string, files: readonly LogFile[], isEnded: boolean): AsyncGenerator<LogPoint> {
  const state = new RecordState();
  for await (const record of recordsOf(name, files, { records: 0, problems: [], notes: [] })) {
    yield* state.add(record);
  }
  if (isEnded) yield* state.summaryPoints();
}

async function* recordsOf(name: string, files: readonly LogFile[], reading: Reading): AsyncGenerator<WandbRecord> {
  for (const file of files) {
    const before = reading.records;
    let [damaged, firstAt, tooLarge, isIncomplete] = [0, 0, 0, false];
    const reader = await FileReader.open(file);
    try {
      if (!(await hasWandbHeader(reader))) {
        if (file.size > 0) reading.problems.push({ what: name, why: `${file.path} is not a W&B run file.` });
        continue;
      }
      for await (const record of readRecords(reader)) {
        if (record.kind === 'incomplete') isIncomplete = true;
        else if (record.kind === 'too large') tooLarge += 1;
        else {
          const read = record.kind === 'record' ? decoded(record.data) : 'malformed';
          if (read === 'malformed') {
            if (damaged === 0) firstAt = record.kind === 'damaged' ? record.at : reader.position;
            damaged += 1;
            continue;
          }
          reading.records += 1;
          if (read !== undefined) yield read;
        }
      }
    } finally {
      await reader.close();
    }
    if (isIncomplete) {
      reading.notes.push(
        `${file.path}: the last record is incomplete, because the training stopped or continues to write.`,
      );
    }
    if (tooLarge > 0) {
      const records = countNoun(tooLarge, 'record');
      reading.notes.push(`${file.path}: ${records} larger than ${bytesText(LARGEST_RECORD)} not imported.`);
    }
    if (damaged === 0) continue;
    const intact = reading.records - before;
    const why = `${file.path} is damaged in ${countNoun(damaged, 'place')}, the first at byte ${firstAt}. ${countNoun(intact, 'readable record')} of it ${intact === 1 ? 'is' : 'are'} imported.`;
    reading.problems.push({ what: name, why });
  }
}

function decoded(data: Buffer): WandbRecord | 'malformed' | undefined {
  try {
    return readRecord(data);
  } catch (error) {
    if (error instanceof MalformedMessage || error instanceof RangeError) return 'malformed';
    throw error;
  }
}

function reportLimits(what: string, state: RecordState, problems: Problem[]): void {
  const { omitted } = state.latest;
  if (omitted > 0) {
    const why = `${countNoun(omitted, 'point')} not imported: the name has more than 250 characters, the step is not a whole number, or the run has more than ${MOST_METRICS} metrics.`;
    problems.push({ what, why });
  }
  if (state.omittedParams > 0) {
    const why = `${countNoun(state.omittedParams, 'parameter')} not imported: too long, or more than 10,000.`;
    problems.push({ what, why });
  }
}

/** The `.wandb` files contain what has no place in a run: console output, histograms, tables. */
function artifactsOf(folders: readonly RunFiles[]): LoggedFile[] {
  const found = new Map<string, LogFile>();
  for (const { file, media } of folders) {
    found.set(`wandb/${basename(dirname(file.absolute))}/${basename(file.path)}`, file);
    for (const one of media) found.set(one.path, one);
  }
  return [...found].map(([path, file]) => ({ path, size: file.size, open: async () => streamFile(file) }));
}
