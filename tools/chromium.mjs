/**
 * The browser of the end-to-end tests: Debian's Chromium, since Playwright's own download is not reachable everywhere.
 * The headless one has priority: it needs no desktop library and less CPU time.
 */
import { ensureProgram } from './debian-packages.mjs';

const PROGRAMS = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];

/**
 * The path of a Chromium; installs Debian's when there is none and the user has permission.
 * @returns {Promise<string>}
 * @throws Error with what to install
 */
export async function ensureChromium() {
  const missing = 'The browser journeys need Chromium, and there is none on the PATH.';
  return await ensureProgram(missing, PROGRAMS, 'chromium-headless-shell');
}
