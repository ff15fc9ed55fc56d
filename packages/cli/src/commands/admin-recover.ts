/** `dais admin recover`; @dais/server performs it, and this prints the result. */
import { countNoun, DaisError } from '@dais/api';
import type { ArchiveSummary, RecoverySummary } from '@dais/server';
import type { ConfigOptions } from '#connection/config-flags.ts';
import { adminOptions, dataFolderOf } from '#commands/admin.ts';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { bytesText } from '#output/amounts.ts';
import { printedForPrograms } from '#output/result.ts';
import { loadServer } from '#server-package.ts';

interface RecoverOptions extends ConfigOptions {
  readonly until?: string;
  readonly installation?: string;
  readonly list?: true;
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/;

export const recover: Run<RecoverOptions> = async (context, _arguments, options) => {
  const { listArchives, recoverInstallation } = await loadServer();
  const data = await dataFolderOf(context, 'recover', options);
  const common = adminOptions(context, options);
  if (options.list === true) return await printArchives(context, await listArchives(common));
  const until = options.until === undefined ? undefined : parseTime(options.until);
  const summary = await recoverInstallation({ ...common, until, installation: options.installation });
  if (await printedForPrograms(context, { data, ...summary })) return exitCodes.ok.code;
  context.terminal.out(recoveredText(data, summary));
  const { missing, objects } = summary.content;
  if (missing > 0) {
    context.terminal.err(
      `The blob store of the configuration lacks ${missing} of ${countNoun(objects, 'object')} that the database references. ` +
        'Set `blobs` to the store of the original, or move its content there, before you start Dais.\n',
    );
  }
  return exitCodes.ok.code;
};

function recoveredText(data: string, { baseBackup, segments, lastTransaction, content }: RecoverySummary): string {
  const last = lastTransaction === undefined ? '' : `, until the transaction of ${lastTransaction}`;
  const objects = content.missing === 0 ? ` All ${countNoun(content.objects, 'object')} of its content exist.` : '';
  return (
    `Recovered the database into ${data}: the base backup of ${baseBackup} and ` +
    `${countNoun(segments, 'segment')} of the write-ahead log${last}.${objects} \`dais up\` starts it.\n`
  );
}

async function printArchives(context: Context, archives: readonly ArchiveSummary[]): Promise<number> {
  if (await printedForPrograms(context, archives)) return exitCodes.ok.code;
  if (archives.length === 0) context.terminal.out('The archive is empty.\n');
  for (const { installation, from, to, baseBackups, baseBytes } of archives) {
    const range =
      from === undefined || to === undefined
        ? 'nothing can be recovered yet'
        : `can be recovered from ${from} to ${to}`;
    context.terminal.out(
      `${installation}: ${range}; ${countNoun(baseBackups, 'base backup')} (${bytesText(baseBytes)})\n`,
    );
  }
  return exitCodes.ok.code;
}

/** @throws DaisError `invalid_request`. */
function parseTime(text: string): number {
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new DaisError('invalid_request', `--until ${text} is not a time with a zone, such as 2026-12-01T19:20:00Z.`);
}
