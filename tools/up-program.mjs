/** `dais up` of the built packages as a program of its own: options as JSON in the first argument. What tests start. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { DaisError } from '@dais/api/errors';
import { up } from '@dais/server/up';

const {
  flags,
  ephemeral,
  file,
  cluster,
  checkOutputs = true,
} = /** @type {{ flags: Record<string, string>, ephemeral?: boolean, file?: string, cluster?: string, checkOutputs?: boolean }} */ (
  JSON.parse(process.argv[2] ?? '{}')
);

/**
 * Creates a data folder with the database that its first start would create.
 * @param {string} from
 * @param {string} data
 */
function beginWith(from, data) {
  if (existsSync(data)) return;
  const folder = join(data, 'postgres');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { status, stderr } = spawnSync('/bin/cp', ['-a', from, join(folder, 'copied')], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  renameSync(join(folder, 'copied'), join(folder, 'cluster'));
}

try {
  if (cluster !== undefined && flags['data'] !== undefined && flags['database.url'] === undefined) {
    beginWith(cluster, flags['data']);
  }
  process.exitCode = await up({
    file,
    flags,
    ephemeral: ephemeral ?? false,
    stdout: process.stdout,
    color: false,
    checkOutputs,
  });
  process.exit();
} catch (error) {
  process.stderr.write(`${error instanceof DaisError ? error.code : 'unexpected'}: ${String(error)}\n`);
  process.exit(1);
}
