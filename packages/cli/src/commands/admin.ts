/** What an administrator does with a whole installation; @dais/server does the work, here it is told about. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DaisError } from '@dais/api';
import type { AdminOptions, BackupSummary } from '@dais/server';
import { configFlags, type ConfigOptions } from '#connection/config-flags.ts';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { bytesText, countText } from '#output/amounts.ts';
import { printedForPrograms } from '#output/result.ts';
import { loadServer } from '#server-package.ts';

export const backup: Run<ConfigOptions> = async (context, [folder = ''], options) => {
  const { backupInstallation } = await loadServer();
  const to = resolve(context.workingFolder, folder);
  const summary = await backupInstallation({ ...adminOptions(context, options), to });
  if (await printedForPrograms(context, summary)) return exitCodes.ok.code;
  context.terminal.out(`${to} holds ${summaryText(summary)}. The keys are not in it: keep them apart.\n`);
  return exitCodes.ok.code;
};

export const restore: Run<ConfigOptions> = async (context, [folder = ''], options) => {
  const { restoreInstallation } = await loadServer();
  const from = resolve(context.workingFolder, folder);
  await mustExist(from);
  const summary = await restoreInstallation({ ...adminOptions(context, options), from });
  if (await printedForPrograms(context, summary)) return exitCodes.ok.code;
  context.terminal.out(`Brought back ${summaryText(summary)}. \`dais up\` starts it.\n`);
  return exitCodes.ok.code;
};

export const exportDatabase: Run<ConfigOptions> = async (context, [file = ''], options) => {
  const { exportInstallation } = await loadServer();
  const to = resolve(context.workingFolder, file);
  if (
    await stat(to).then(
      () => true,
      () => false,
    )
  ) {
    throw new DaisError('invalid_state', `${to} is there already: name a new file.`);
  }
  const summary = await exportInstallation({ ...adminOptions(context, options), to });
  if (await printedForPrograms(context, summary)) return exitCodes.ok.code;
  const { rows, tables } = summary;
  context.terminal.out(`${to} holds ${countText(rows, 'row')} of ${countText(tables, 'table')}.\n`);
  return exitCodes.ok.code;
};

export const importDatabase: Run<ConfigOptions> = async (context, [file = ''], options) => {
  const { importInstallation } = await loadServer();
  const from = resolve(context.workingFolder, file);
  await mustExist(from);
  const summary = await importInstallation({ ...adminOptions(context, options), from });
  if (await printedForPrograms(context, summary)) return exitCodes.ok.code;
  const { rows, tables } = summary;
  context.terminal.out(`Took in ${countText(rows, 'row')} of ${countText(tables, 'table')}. \`dais up\` starts it.\n`);
  return exitCodes.ok.code;
};

/** With a line of progress on a terminal. */
function adminOptions(context: Context, options: ConfigOptions): AdminOptions {
  return {
    file: options.config,
    flags: configFlags(options),
    progress: (phase, done, total, unit) => {
      const amount = (count: number) => (unit === 'bytes' ? bytesText(count) : countText(count, 'row'));
      const of = total === undefined ? '' : ` of ${amount(total)}, ${Math.floor((100 * done) / Math.max(total, 1))} %`;
      context.terminal.progress(`${phase}: ${amount(done)}${of}`);
    },
  };
}

function summaryText({ database, blobs }: BackupSummary): string {
  const rows = `${countText(database.rows, 'row')} of ${countText(database.tables, 'table')} (${bytesText(database.bytes)})`;
  return `${rows} and ${countText(blobs.count, 'blob')} (${bytesText(blobs.bytes)})`;
}

async function mustExist(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  if (!(found instanceof Error)) return;
  const reason = found.code === 'ENOENT' ? 'does not exist' : `cannot be read (${found.code})`;
  throw new DaisError('not_found', `${path} ${reason}.`);
}
