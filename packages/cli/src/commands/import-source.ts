/** Imports a tracking source, once or until the user stops it: shared by the `dais import` commands. */
import { countNoun, DaisError } from '@dais/api';
import type { Context } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { Importer } from '#import/importer.ts';
import type { TrackingSource } from '#import/source.ts';
import type { Counted, Tally } from '#import/tally.ts';
import { bytesText } from '#output/amounts.ts';
import { printProblems } from '#output/problems.ts';
import { printedForPrograms, remark } from '#output/result.ts';

export interface ImportOptions {
  readonly from: string;
  readonly artifacts: string | boolean;
  readonly dryRun?: true;
  readonly all?: true;
  readonly follow?: true;
  readonly every: number;
}

/** Without a terminal, a line in the log reports progress this often. */
const PROGRESS_INTERVAL_MS = 10_000;
/** Shown notes; all of them are in the JSON. */
const SHOWN_NOTES = 10;

/**
 * @param shown what the source can have
 */
export async function importSource(
  context: Context,
  options: ImportOptions,
  shown: readonly Counted[],
  open: (progress: (text: string) => void) => Promise<TrackingSource>,
): Promise<number> {
  const { dryRun = false, follow = false } = options;
  const client = await context.connect();
  const source = await open(progressOf(context));
  const round = async (all: boolean) => {
    const dependencies = { source, client, signal: context.signal, now: context.now, progress: progressOf(context) };
    return await new Importer({ ...dependencies, withArtifacts: options.artifacts !== false, dryRun, all }).round();
  };
  const attempt = follow ? untilAvailable(context, options.every, round) : round;
  try {
    let tally = await attempt(options.all ?? false);
    context.terminal.progress('');
    if (!(await printedForPrograms(context, tally.report()))) print(context, tally, shown, dryRun);
    if (follow) tally = await followSource(context, options.every, tally, { attempt, shown });
    return tally.problems.length > 0 ? exitCodes.failed.code : exitCodes.ok.code;
  } catch (error) {
    if (context.signal.aborted) {
      context.terminal.progress('');
      remark(context, follow ? 'Stopped.' : 'Stopped. Run the same command again to resume.');
    }
    throw error;
  } finally {
    await source.close();
  }
}

type Round = (all: boolean) => Promise<Tally>;

/** Repeats a round while the server or the source is away. */
function untilAvailable(context: Context, everyMs: number, round: Round): Round {
  return async (all) => {
    for (;;) {
      try {
        return await round(all);
      } catch (error) {
        if (context.signal.aborted || !(error instanceof DaisError) || !error.retryable) throw error;
        context.terminal.progress('');
        remark(context, `${error.message} The next attempt is in ${everyMs / 1000} s.`);
        await pause(everyMs, context.signal);
        context.signal.throwIfAborted();
      }
    }
  };
}

interface Following {
  readonly attempt: Round;
  readonly shown: readonly Counted[];
}

/** Repeats the import until the user stops it. */
async function followSource(
  context: Context,
  everyMs: number,
  first: Tally,
  { attempt, shown }: Following,
): Promise<Tally> {
  let tally = first;
  while (!context.signal.aborted) {
    await pause(everyMs, context.signal);
    if (context.signal.aborted) break;
    const reported = JSON.stringify(tally.problems);
    tally = await attempt(false);
    context.terminal.progress('');
    const hasNewProblems = tally.problems.length > 0 && JSON.stringify(tally.problems) !== reported;
    if (tally.changed || hasNewProblems) print(context, tally, shown, false);
  }
  return tally;
}

const LINES: readonly (readonly [Counted, string])[] = [
  ['experiments', 'experiment'],
  ['runs', 'run'],
  ['loggedModels', 'logged model'],
  ['traces', 'trace'],
  ['models', 'registered model'],
  ['versions', 'version'],
  ['aliases', 'alias'],
  ['evaluationDatasets', 'evaluation dataset'],
  ['scorers', 'scorer version'],
];

function print(context: Context, tally: Tally, shown: readonly Counted[], dryRun: boolean): void {
  const { terminal } = context;
  const { found, written, amounts, problems, notes } = tally;
  const lines = LINES.filter(([counted]) => shown.includes(counted)).map(([counted, noun]) => {
    const [there, now] = [found[counted], written[counted]];
    if (counted === 'aliases') return `  ${there === 1 ? '1 alias' : `${there} aliases`}, ${now} moved\n`;
    return `  ${countNoun(there, noun)}${now === 0 ? ', none new or changed' : `, ${now} new or changed`}\n`;
  });
  terminal.out(`${dryRun ? 'Would import' : 'Imported'}:\n${lines.join('')}`);
  if (!dryRun && tally.changed) {
    const { points, params, tags, spans, assessments, records, files, bytes } = amounts;
    const logged = [
      countNoun(points, 'point'),
      countNoun(params, 'parameter'),
      countNoun(tags, 'tag'),
      ...(spans > 0 ? [countNoun(spans, 'span')] : []),
      ...(assessments > 0 ? [countNoun(assessments, 'assessment')] : []),
      ...(records > 0 ? [countNoun(records, 'record')] : []),
    ].join(', ');
    terminal.out(`With ${logged}, ${countNoun(files, 'file')} (${bytesText(bytes)}); counts and digests agree.\n`);
  }
  for (const note of notes.slice(0, SHOWN_NOTES)) remark(context, note);
  if (notes.length > SHOWN_NOTES) remark(context, `and ${notes.length - SHOWN_NOTES} more; all of them with -o json`);
  printProblems(terminal, problems, 'imported');
}

function progressOf(context: Context): (text: string) => void {
  const { terminal, now } = context;
  let reportedAt = now();
  return (text) => {
    if (terminal.showsProgress) terminal.progress(text);
    else if (now() - reportedAt >= PROGRESS_INTERVAL_MS) {
      reportedAt = now();
      remark(context, text);
    }
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
  });
}
