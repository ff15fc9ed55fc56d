/** Commands on a data folder of this machine; @dais/server performs them, and these print the results. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { countNoun, DaisError } from '@dais/api';
import type { AdminOptions, BackupSummary } from '@dais/server';
import { configFlags, type ConfigOptions } from '#connection/config-flags.ts';
import { findLocalServer } from '#connection/local-server.ts';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { damagedText } from '#commands/admin-content.ts';
import { bytesText } from '#output/amounts.ts';
import { printedForPrograms } from '#output/result.ts';
import { loadServer } from '#server-package.ts';

interface BackupOptions extends ConfigOptions {
  readonly skipDamaged?: true;
}

/** Damaged objects that the summary of a backup names; its manifest lists all. */
const NAMED = 20;

export const backup: Run<BackupOptions> = async (context, [folder = ''], options) => {
  const { backupInstallation } = await loadServer();
  const data = await dataFolderOf(context, 'backup', options);
  const to = resolve(context.workingFolder, folder);
  const skipDamaged = options.skipDamaged === true;
  const summary = await backupInstallation({ ...adminOptions(context, options), to, skipDamaged });
  if (await printedForPrograms(context, { data, ...summary })) return exitCodes.ok.code;
  context.terminal.out(
    `${to} contains ${summaryText(summary)} of ${data}. The keys are not in it: store them separately.\n`,
  );
  const { damaged } = summary;
  if (damaged.length === 0) return exitCodes.ok.code;
  context.terminal.err(`It does not contain ${countNoun(damaged.length, 'damaged object')}, listed in backup.json:\n`);
  for (const object of damaged.slice(0, NAMED)) context.terminal.err(`  ${damagedText(object)}\n`);
  if (damaged.length > NAMED) context.terminal.err(`  and ${damaged.length - NAMED} more\n`);
  return exitCodes.ok.code;
};

export const restore: Run<ConfigOptions> = async (context, [folder = ''], options) => {
  const { restoreInstallation } = await loadServer();
  const data = await dataFolderOf(context, 'restore', options);
  const from = resolve(context.workingFolder, folder);
  await mustExist(from);
  const summary = await restoreInstallation({ ...adminOptions(context, options), from });
  if (await printedForPrograms(context, { data, ...summary })) return exitCodes.ok.code;
  context.terminal.out(`Restored ${summaryText(summary)} into ${data}. \`dais up\` starts it.\n`);
  if (summary.damaged.length > 0) {
    const lacks = countNoun(summary.damaged.length, 'object');
    context.terminal.err(
      `The backup lacks ${lacks} that were damaged when it was written; \`dais admin content\` lists them.\n`,
    );
  }
  return exitCodes.ok.code;
};

export const exportDatabase: Run<ConfigOptions> = async (context, [file = ''], options) => {
  const { exportInstallation } = await loadServer();
  const data = await dataFolderOf(context, 'export', options);
  const to = resolve(context.workingFolder, file);
  if (
    await stat(to).then(
      () => true,
      () => false,
    )
  ) {
    throw new DaisError('invalid_state', `${to} already exists. Choose a new file.`);
  }
  const summary = await exportInstallation({ ...adminOptions(context, options), to });
  if (await printedForPrograms(context, { data, ...summary })) return exitCodes.ok.code;
  const { rows, tables } = summary;
  context.terminal.out(`${to} contains ${countNoun(rows, 'row')} of ${countNoun(tables, 'table')} of ${data}.\n`);
  return exitCodes.ok.code;
};

export const importDatabase: Run<ConfigOptions> = async (context, [file = ''], options) => {
  const { importInstallation } = await loadServer();
  const data = await dataFolderOf(context, 'import', options);
  const from = resolve(context.workingFolder, file);
  await mustExist(from);
  const summary = await importInstallation({ ...adminOptions(context, options), from });
  if (await printedForPrograms(context, { data, ...summary })) return exitCodes.ok.code;
  const { rows, tables } = summary;
  context.terminal.out(
    `Imported ${countNoun(rows, 'row')} of ${countNoun(tables, 'table')} into ${data}. \`dais up\` starts it.\n`,
  );
  return exitCodes.ok.code;
};

/**
 * The data folder of a command. @throws DaisError `invalid_request` when `--url`, or `DAIS_URL` without `--data`, names
 * a server that does not run on it.
 */
export async function dataFolderOf(context: Context, command: string, options: ConfigOptions): Promise<string> {
  const { loadConfig } = await loadServer();
  const { data } = await loadConfig({ file: options.config, flags: configFlags(options) });
  const { environment, globals } = context;
  const named = globals.url ?? (options.data === undefined ? environment.url : undefined);
  if (named === undefined) return data;
  const running = await findLocalServer(data);
  if (running !== undefined && sameUrl(running.url, named)) return data;
  const from = globals.url === undefined ? 'DAIS_URL' : '--url';
  const runs = running === undefined ? 'on which no server runs' : `whose server is ${running.url}`;
  throw new DaisError(
    'invalid_request',
    `${from} names ${named}, but \`dais admin ${command}\` works on a data folder of this machine: ${data}, ${runs}. ` +
      `Run it on the machine of that server with --data FOLDER, and without ${from}.`,
  );
}

function sameUrl(one: string, other: string): boolean {
  const plain = (text: string) => (URL.canParse(text) ? new URL(text).href.replace(/\/+$/, '') : text);
  return plain(one) === plain(other);
}

/** With a line of progress on a terminal. */
export function adminOptions(context: Context, options: ConfigOptions): AdminOptions {
  return {
    file: options.config,
    flags: configFlags(options),
    progress: (phase, done, total, unit) => {
      const amount = (count: number) => (unit === 'bytes' ? bytesText(count) : countNoun(count, 'row'));
      const of = total === undefined ? '' : ` of ${amount(total)}, ${Math.floor((100 * done) / Math.max(total, 1))} %`;
      context.terminal.progress(`${phase}: ${amount(done)}${of}`);
    },
  };
}

function summaryText({ database, blobs }: BackupSummary): string {
  const rows = `${countNoun(database.rows, 'row')} of ${countNoun(database.tables, 'table')} (${bytesText(database.bytes)})`;
  return `${rows} and ${countNoun(blobs.count, 'blob')} (${bytesText(blobs.bytes)})`;
}

async function mustExist(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  if (!(found instanceof Error)) return;
  const reason = found.code === 'ENOENT' ? 'does not exist' : `cannot be read (${found.code})`;
  throw new DaisError('file_not_found', `${path} ${reason}.`);
}
