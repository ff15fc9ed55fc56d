/** Before tests that run commands: they isolate them, and fail where nothing can. */
import { ensureProgram } from './debian-packages.mjs';

export async function setup(): Promise<void> {
  await ensureProgram('Tests of commands need bubblewrap, and it is not on the PATH.', ['bwrap'], 'bubblewrap');
}
