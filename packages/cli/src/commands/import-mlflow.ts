/** `dais import mlflow`: imports the data of an MLflow server, database or local folder. */
import { importSource, type ImportOptions } from '#commands/import-source.ts';
import type { Run } from '#context.ts';
import { openSource } from '#import/open-source.ts';
import { COUNTED } from '#import/tally.ts';

interface MlflowImportOptions extends ImportOptions {
  readonly tokenEnv: string;
  readonly artifactsFolder?: string;
}

export const run: Run<MlflowImportOptions> = async (context, _args, options) => {
  const { from, tokenEnv: tokenVariable, artifactsFolder: artifacts } = options;
  return await importSource(
    context,
    options,
    COUNTED,
    async () => await openSource(context, { from, tokenVariable, artifacts }),
  );
};
