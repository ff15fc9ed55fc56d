/**
 * The browser of the journeys: Debian's Chromium, since Playwright's own download is out of reach for many. The one
 * without windows comes first: it needs no library of a desktop and less CPU time.
 */
import { ensureProgram } from './debian-packages.mjs';

const PROGRAMS = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];

/**
 * The path of a Chromium; installs Debian's when there is none and this user may.
 * @returns {Promise<string>}
 * @throws Error that says what to install
 */
export async function ensureChromium() {
  const missing = 'The browser journeys need Chromium, and there is none on the PATH.';
  return await ensureProgram(missing, PROGRAMS, 'chromium-headless-shell');
}
