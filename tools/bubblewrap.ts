/** Before tests that run commands: installs the pinned bubblewrap, as the quickstart does, and names its folder to servers. */
import { bubblewrap, isolationFolder } from './bubblewrap.mjs';
import { environment } from './environment.mjs';

export async function setup(): Promise<void> {
  await bubblewrap();
  environment['DAIS_ISOLATION_FOLDER'] ??= isolationFolder();
}
