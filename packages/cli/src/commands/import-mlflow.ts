/** `dais import mlflow`: what another tracking server holds, brought here, once or for as long as it is wanted. */
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { Importer } from '#import/importer.ts';
import { openSource } from '#import/open-source.ts';
import type { Tally } from '#import/tally.ts';
import { bytesText, countText } from '#output/amounts.ts';
import { printProblems } from '#output/problems.ts';
import { printedForPrograms, remark } from '#output/result.ts';

interface ImportOptions {
  readonly from: string;
  readonly tokenEnv: string;
  readonly artifacts: string | boolean;
  readonly artifactsFolder?: string;
  readonly dryRun?: true;
  readonly all?: true;
  readonly follow?: true;
  readonly every: number;
}

/** Without a terminal, a line in the log says so often that it goes on. */
const PROGRESS_INTERVAL_MS = 10_000;

export const run: Run<ImportOptions> = async (context, _args, options) => {
  const { from, tokenEnv: tokenVariable, artifactsFolder: artifacts, dryRun = false, follow = false } = options;
  const client = await context.connect();
  const source = await openSource(context, { from, tokenVariable, artifacts });
  const round = async (all: boolean) => {
    const dependencies = { source, client, signal: context.signal, now: context.now, progress: progressOf(context) };
    return await new Importer({ ...dependencies, withArtifacts: options.artifacts !== false, dryRun, all }).round();
  };
  try {
    let tally = await round(options.all ?? false);
    context.terminal.progress('');
    if (!(await printedForPrograms(context, tally.report()))) print(context, tally, dryRun);
    const last = () => !follow || context.signal.aborted;
    while (!last()) {
      await pause(options.every, context.signal);
      if (last()) break;
      tally = await round(false);
      context.terminal.progress('');
      if (tally.changed || tally.problems.length > 0) print(context, tally, dryRun);
    }
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
};

function print({ terminal }: Context, tally: Tally, dryRun: boolean): void {
  const { found, written, amounts, problems } = tally;
  const line = (noun: string, there: number, now: number) =>
    `${countText(there, noun)}${now === 0 ? ', none new or changed' : `, ${now} new or changed`}`;
  terminal.out(
    `${dryRun ? 'Would import' : 'Imported'}:
  ${line('experiment', found.experiments, written.experiments)}
  ${line('run', found.runs, written.runs)}
  ${line('logged model', found.loggedModels, written.loggedModels)}
  ${line('trace', found.traces, written.traces)}
  ${line('registered model', found.models, written.models)}
  ${line('version', found.versions, written.versions)}
  ${found.aliases === 1 ? '1 alias' : `${found.aliases} aliases`}, ${written.aliases} moved
  ${line('evaluation dataset', found.evaluationDatasets, written.evaluationDatasets)}
  ${line('scorer version', found.scorers, written.scorers)}\n`,
  );
  if (!dryRun && tally.changed) {
    const { points, params, tags, spans, assessments, records, files, bytes } = amounts;
    const logged = [
      countText(points, 'point'),
      countText(params, 'parameter'),
      countText(tags, 'tag'),
      ...(spans > 0 ? [countText(spans, 'span')] : []),
      ...(assessments > 0 ? [countText(assessments, 'assessment')] : []),
      ...(records > 0 ? [countText(records, 'record')] : []),
    ].join(', ');
    terminal.out(`With ${logged}, ${countText(files, 'file')} (${bytesText(bytes)}); counts and digests agree.\n`);
  }
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
