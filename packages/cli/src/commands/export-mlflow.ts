/** `dais export mlflow`: exports a project as a store of MLflow, or into a running server. */
import { countNoun } from '@dais/api';
import { resolve } from 'node:path';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { exportProject } from '#export/exporter.ts';
import { exportToServer } from '#export/server-export.ts';
import { restOf } from '#import/open-source.ts';
import type { Tally } from '#import/tally.ts';
import { bytesText } from '#output/amounts.ts';
import { printProblems } from '#output/problems.ts';
import { printedForPrograms, remark } from '#output/result.ts';

interface ExportOptions {
  readonly to: string;
  readonly tokenEnv: string;
}

export const run: Run<ExportOptions> = async (context, _args, options) => {
  if (/^https?:/i.test(options.to)) return await toServer(context, options);
  return await toFolder(context, options.to);
};

async function toServer(context: Context, { to, tokenEnv }: ExportOptions) {
  const { terminal, signal } = context;
  const client = await context.connect();
  const rest = await restOf(context, to, tokenEnv);
  let tally: Tally;
  try {
    tally = await exportToServer({ client, rest, signal, progress: (text) => terminal.progress(text) });
  } catch (error) {
    terminal.progress('');
    if (signal.aborted) remark(context, 'Stopped. Run the same command again to resume.');
    throw error;
  }
  terminal.progress('');
  if (!(await printedForPrograms(context, tally.report()))) print(context, rest.url, tally);
  return tally.problems.length > 0 ? exitCodes.failed.code : exitCodes.ok.code;
}

function print({ terminal }: Context, url: string, { found, written, amounts, problems }: Tally): void {
  const line = (noun: string, here: number, now: number) =>
    `  ${countNoun(here, noun)}${now === 0 ? ', none new or changed' : `, ${now} new or changed`}\n`;
  terminal.out(
    `Exported to ${url}:
${line('experiment', found.experiments, written.experiments)}${line('run', found.runs, written.runs)}${line('logged model', found.loggedModels, written.loggedModels)}${line('trace', found.traces, written.traces)}${line('registered model', found.models, written.models)}${line('version', found.versions, written.versions)}${line('evaluation dataset', found.evaluationDatasets, written.evaluationDatasets)}${line('scorer version', found.scorers, written.scorers)}`,
  );
  const { points, spans, records, files, bytes } = amounts;
  if (points + spans + records + files > 0) {
    terminal.out(
      `With ${countNoun(points, 'point')}, ${countNoun(spans, 'span')}, ${countNoun(records, 'record')}, ${countNoun(files, 'file')} (${bytesText(bytes)}).\n`,
    );
  }
  printProblems(terminal, problems, 'exported');
}

async function toFolder(context: Context, to: string) {
  const { terminal, signal, now } = context;
  const client = await context.connect();
  const folder = resolve(context.workingFolder, to);
  const counts = await exportProject({ client, folder, signal, now, progress: (text) => terminal.progress(text) });
  terminal.progress('');
  if (await printedForPrograms(context, counts)) return exitCodes.ok.code;
  const { experiments, runs, points, loggedModels, traces, spans, models, versions, files, bytes } = counts;
  terminal.out(
    `${folder} holds ${countNoun(experiments, 'experiment')}, ${countNoun(runs, 'run')} with ${countNoun(points, 'point')}, ${countNoun(loggedModels, 'logged model')}, ${countNoun(traces, 'trace')} with ${countNoun(spans, 'span')}, ${countNoun(models, 'registered model')} with ${countNoun(versions, 'version')}, ${countNoun(counts.evaluationDatasets, 'evaluation dataset')} with ${countNoun(counts.records, 'record')}, ${countNoun(counts.scorers, 'version')} of scorers, ${countNoun(files, 'file')} (${bytesText(bytes)}).
mlflow server --backend-store-uri sqlite:///${folder}/mlflow.db --artifacts-destination ${folder}/artifacts
`,
  );
  return exitCodes.ok.code;
}
