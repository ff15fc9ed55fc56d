/**
 * Which package index the programs of this machine use when neither the configuration nor a variable names one: pip's
 * configuration files, and at last Python itself. `unittest.mock` opens with a link to the package that it is also published
 * as: the one mention of the index that every Python has, also one without pip.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '#lib/process.ts';

/** The index that pip's files name; undefined when none does. */
export async function indexOfPip(home: string | undefined): Promise<string | undefined> {
  const own = home === undefined ? [] : [path.join(home, '.pip/pip.conf'), path.join(home, '.config/pip/pip.conf')];
  let found: string | undefined;
  // In pip's order, where the last one wins.
  for (const file of ['/etc/pip.conf', '/etc/xdg/pip/pip.conf', ...own]) {
    const text = await readFile(file, 'utf8').catch(() => '');
    found = settingOf(text, 'index-url') ?? found;
  }
  return found !== undefined && /^https?:\/\//.test(found) && URL.canParse(found) ? found : undefined;
}

/**
 * Returns the value of a key in the sections of pip's configuration that apply to downloads; pip treats `_` and `-`
 * alike.
 */
export function settingOf(text: string, key: string): string | undefined {
  let counts = false;
  let found: string | undefined;
  for (const line of text.split('\n')) {
    const section = /^\[(.+?)\]/.exec(line)?.[1]?.trim();
    if (section !== undefined) counts = section === 'global' || section === 'install';
    const pair = /^([\w-]+)\s*[=:]\s*(.*)$/.exec(line);
    if (counts && pair?.[1]?.replaceAll('_', '-') === key && pair[2]?.trim() !== '') found = pair[2]?.trim();
  }
  return found;
}

const ASK = `
import importlib.util, re
source = open(importlib.util.find_spec("unittest.mock").origin, encoding="utf-8").read()
print(re.search(r"(https://[a-z.]+)/project/mock", source).group(1) + "/simple")
`;

/** The index from which Python is distributed; undefined if there is no Python or it does not name one. */
export async function indexOfPython(searchPath: string): Promise<string | undefined> {
  const { code, stdout } = await run('python3', ['-I', '-c', ASK], { env: { PATH: searchPath }, timeoutMs: 20_000 });
  const url = stdout.toString().trim();
  return code === 0 && URL.canParse(url) ? url : undefined;
}
