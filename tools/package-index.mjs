/**
 * The index of Python packages. This repository contains no index URL: a mirror is a setting, and the default is
 * Python's own. The URL is read from, in this order: the variables of uv and pip, pip's configuration files, pip's own
 * default (where pip is installed), and finally the standard library, which links to its index.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The variables to name when the index cannot be reached. */
export const INDEX_HELP = 'set UV_INDEX_URL or PIP_INDEX_URL to a mirror, HTTPS_PROXY to a proxy';

/**
 * unittest.mock opens with a link to the package it is also published as: the one mention of the index that every
 * Python has, also one without pip (Debian installs none).
 */
const ASK_PYTHON = `
import re
try:
    from pip._internal.models.index import PyPI
    print(PyPI.simple_url)
except Exception:
    import importlib.util
    source = open(importlib.util.find_spec("unittest.mock").origin, encoding="utf-8").read()
    print(re.search(r"(https://[a-z.]+)/project/mock", source).group(1) + "/simple")
`;

/**
 * @typedef {object} PackageIndex
 * @property {string} url the index's simple API, without a slash at its end
 * @property {boolean} configured true when a variable or a file names it
 * @property {string} from what named it
 * @property {readonly string[]} findLinks folders of wheels that may replace the index (air-gapped machines)
 */

/**
 * @param {string} python
 * @param {Readonly<Record<string, string | undefined>>} variables
 * @returns {Promise<PackageIndex>}
 */
export async function packageIndex(python, variables) {
  const files = pipConfigurationFiles(variables)
    .filter((file) => existsSync(file))
    .map((file) => ({ file, text: readFileSync(file, 'utf8') }));
  const findLinks = localFolders(
    variables.UV_FIND_LINKS ?? variables.PIP_FIND_LINKS ?? lastSetting(files, 'find-links')?.value,
  );
  const named = namedIndex(variables, files);
  if (named) return { url: named.url.replace(/\/+$/, ''), configured: true, from: named.from, findLinks };
  const { stdout } = await execute(python, ['-c', ASK_PYTHON], { timeout: 20_000, env: variables });
  return { url: stdout.trim().replace(/\/+$/, ''), configured: false, from: 'the default of Python', findLinks };
}

/**
 * The index that variables or pip's files name, if any. pip reads its files in order and the last one wins.
 * @param {Readonly<Record<string, string | undefined>>} variables
 * @param {readonly { file: string, text: string }[]} files
 */
export function namedIndex(variables, files) {
  for (const name of ['UV_DEFAULT_INDEX', 'UV_INDEX_URL', 'PIP_INDEX_URL']) {
    const url = variables[name];
    if (url) return { url, from: name };
  }
  const setting = lastSetting(files, 'index-url');
  return setting && { url: setting.value, from: setting.file };
}

/**
 * @param {readonly { file: string, text: string }[]} files
 * @param {string} key
 */
function lastSetting(files, key) {
  let found;
  for (const { file, text } of files) {
    const value = iniValue(text, key);
    if (value) found = { file, value };
  }
  return found;
}

/**
 * The value of a key in the sections of pip.conf that count for downloads; pip takes `_` and `-` alike.
 * @param {string} text
 * @param {string} key
 */
function iniValue(text, key) {
  let section = '';
  let found;
  let reading = false;
  for (const line of text.split('\n')) {
    const header = /^\[(.+?)\]/.exec(line)?.[1];
    if (header) section = header.trim();
    const pair = /^([\w-]+)\s*[=:]\s*(.*)$/.exec(line);
    if (pair) {
      reading = (section === 'global' || section === 'install') && pair[1]?.replaceAll('_', '-') === key;
      if (reading) found = pair[2]?.trim();
    } else if (reading && /^\s+\S/.test(line)) found = `${found} ${line.trim()}`.trim();
  }
  return found;
}

/**
 * @param {Readonly<Record<string, string | undefined>>} variables
 * @returns {string[]}
 */
function pipConfigurationFiles(variables) {
  if (variables.PIP_CONFIG_FILE) return [variables.PIP_CONFIG_FILE];
  const home = variables.HOME ?? homedir();
  const personal = variables.XDG_CONFIG_HOME ?? join(home, '.config');
  return ['/etc/pip.conf', '/etc/xdg/pip/pip.conf', join(home, '.pip', 'pip.conf'), join(personal, 'pip', 'pip.conf')];
}

/** @param {string | undefined} setting */
function localFolders(setting) {
  const locations = (setting ?? '').split(/[\s,]+/).filter(Boolean);
  return locations
    .map((path) => (path.startsWith('file:') ? fileURLToPath(path) : path))
    .filter((path) => path.startsWith('/') && existsSync(path));
}

/**
 * A file of that name in the wheel folders.
 * @param {PackageIndex} index
 * @param {string} file
 */
export function findInFolders(index, file) {
  return index.findLinks.filter((folder) => readdirSync(folder).includes(file)).map((folder) => join(folder, file))[0];
}
