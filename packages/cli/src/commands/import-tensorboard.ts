/** `dais import tensorboard`: imports TensorBoard event files. */
import { importSource, type ImportOptions } from '#commands/import-source.ts';
import type { Run } from '#context.ts';
import { openTensorboard } from '#import/open-run-logs.ts';

interface RunLogImportOptions extends ImportOptions {
  readonly experiment?: string;
}

export const run: Run<RunLogImportOptions> = async (context, _args, options) => {
  const { from, experiment } = options;
  return await importSource(
    context,
    options,
    ['experiments', 'runs'],
    async (progress) => await openTensorboard(context, { from, experiment }, progress),
  );
};
