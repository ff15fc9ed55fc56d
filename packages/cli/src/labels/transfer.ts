/** `dais labels import` and `export`. */
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DaisError, type DaisClient } from '@dais/api';
import {
  exportLabelsOperation,
  importLabelsOperation,
  MOST_IMPORTED_TASKS,
  type ImportedLabels,
  type LabelStudioTask,
} from '@dais/api/data';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';

/** Characters of JSON in one request: far below the limit of a server. */
const CALL_LENGTH = 4_000_000;

interface ImportOptions {
  readonly guideline?: number;
  readonly annotator?: readonly string[];
}

export const importLabels: Run<ImportOptions> = async (
  context,
  [set = '', file = ''],
  { guideline, annotator = [] },
) => {
  const bytes = file === '-' ? await context.readStdin() : await readFile(resolve(context.workingFolder, file));
  const tasks = readTasks(bytes.toString('utf8'), file);
  const annotators = Object.fromEntries(annotator.map(readAnnotator));
  const client = await context.connect();
  const sum = { tasks: 0, annotations: 0, replaced: 0, unchanged: 0 };
  for (const some of inCalls(tasks)) {
    const input = { set, tasks: some, annotators, ...(guideline !== undefined && { guideline }) };
    const result: ImportedLabels = await client.perform(importLabelsOperation, input);
    for (const key of ['tasks', 'annotations', 'replaced', 'unchanged'] as const) sum[key] += result[key];
  }
  if (!(await printedForPrograms(context, sum))) {
    const { tasks: made, annotations, replaced, unchanged } = sum;
    context.terminal.out(
      `${made} new tasks, ${annotations} new labels (${replaced} replaced older ones), ${unchanged} unchanged.\n`,
    );
  }
  return exitCodes.ok.code;
};

/** @throws DaisError `invalid_request`. */
function readTasks(text: string, file: string): LabelStudioTask[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new DaisError(
      'invalid_request',
      `${file} is not valid JSON: ${error instanceof Error ? error.message : 'unreadable'}`,
    );
  }
  const tasks = Array.isArray(parsed) ? (parsed as LabelStudioTask[]) : [parsed as LabelStudioTask];
  // Other exports (JSON-MIN, CSV) omit the annotators.
  const wrong = tasks.findIndex((task) => typeof task !== 'object' || task === null || typeof task.data !== 'object');
  if (wrong < 0) return tasks;
  throw new DaisError(
    'invalid_request',
    `Task ${wrong + 1} of ${file} has no \`data\`: export with the type JSON, not JSON-MIN.`,
  );
}

function readAnnotator(word: string): readonly [string, string] {
  const at = word.indexOf('=');
  if (at > 0 && at < word.length - 1) return [word.slice(0, at), word.slice(at + 1)];
  throw new DaisError('invalid_request', `--annotator ${word}: write ID=USER, as in 10=ada.`);
}

function* inCalls(tasks: readonly LabelStudioTask[]): Generator<LabelStudioTask[]> {
  let some: LabelStudioTask[] = [];
  let length = 0;
  for (const task of tasks) {
    const own = JSON.stringify(task).length;
    if (some.length === MOST_IMPORTED_TASKS || (some.length > 0 && length + own > CALL_LENGTH)) {
      yield some;
      [some, length] = [[], 0];
    }
    some.push(task);
    length += own;
  }
  if (some.length > 0) yield some;
}

export const exportLabels: Run = async (context, [set = '', file]) => {
  const client = await context.connect();
  const text = exported(client, set);
  if (file === undefined) for await (const part of text) context.terminal.out(part);
  else await pipeline(Readable.from(text), createWriteStream(resolve(context.workingFolder, file)));
  return exitCodes.ok.code;
};

async function* exported(client: DaisClient, set: string): AsyncGenerator<string> {
  let before = '[\n';
  for (let cursor: string | undefined, more = true; more;) {
    const page = await client.perform(exportLabelsOperation, {
      set,
      limit: 200,
      ...(cursor !== undefined && { cursor }),
    });
    for (const task of page.items) {
      yield `${before}${JSON.stringify(task)}`;
      before = ',\n';
    }
    cursor = page.nextCursor;
    more = cursor !== undefined;
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}
