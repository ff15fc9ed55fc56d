/** `dais export mlflow`: a project as a store of MLflow. */
import { resolve } from 'node:path';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { exportProject } from '#export/exporter.ts';
import { bytesText, countText } from '#output/amounts.ts';
import { printedForPrograms } from '#output/result.ts';

export const run: Run<{ readonly to: string }> = async (context, _args, options) => {
  const { terminal, signal, now } = context;
  const client = await context.connect();
  const folder = resolve(context.workingFolder, options.to);
  const counts = await exportProject({ client, folder, signal, now, progress: (text) => terminal.progress(text) });
  terminal.progress('');
  if (await printedForPrograms(context, counts)) return exitCodes.ok.code;
  const { experiments, runs, points, loggedModels, models, versions, files, bytes } = counts;
  terminal.out(
    `${folder} holds ${countText(experiments, 'experiment')}, ${countText(runs, 'run')} with ${countText(points, 'point')}, ${countText(loggedModels, 'logged model')}, ${countText(models, 'registered model')} with ${countText(versions, 'version')}, ${countText(files, 'file')} (${bytesText(bytes)}).
mlflow server --backend-store-uri sqlite:///${folder}/mlflow.db --artifacts-destination ${folder}/artifacts
`,
  );
  return exitCodes.ok.code;
};
