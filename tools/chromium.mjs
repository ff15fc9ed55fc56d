/** The browser of the journeys: Debian's Chromium, since Playwright's own download is out of reach for many. */
import { ensureProgram } from './debian-packages.mjs';

/**
 * The path of a Chromium; installs Debian's when there is none and this user may.
 * @returns {Promise<string>}
 * @throws Error that says what to install
 */
export async function ensureChromium() {
  const missing = 'The browser journeys need Chromium, and there is none on the PATH.';
  return await ensureProgram(missing, ['chromium', 'chromium-browser', 'google-chrome'], 'chromium');
}
