/** The browser of the journeys: Debian's Chromium, since Playwright's own download is out of reach for many. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.mjs';
import { environment } from './environment.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/**
 * The path of a Chromium; installs Debian's when there is none and this user may.
 * @returns {Promise<string>}
 * @throws Error that says what to install
 */
export async function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  const missing = 'The browser journeys need Chromium, and there is none on the PATH.';
  if (process.getuid?.() !== 0) throw new Error(`${missing} Install it: sudo apt-get install chromium`);
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    const { code, output } = await runCommand('apt-get', args, { quiet: true });
    if (code !== 0) throw new Error(`${missing} apt-get ${args.join(' ')} failed:\n${output.slice(-2000)}`);
  }
  const installed = findChromium();
  if (installed === undefined) throw new Error(`${missing} apt-get installed none either.`);
  return installed;
}

/** @returns {string | undefined} */
function findChromium() {
  const folders = (environment.PATH ?? '').split(':').filter(Boolean);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
