/**
 * Gives the shim to the container of the command. The hook `postStart` of the pod does the same, and kubelet starts that container only
 * after the hook: this is for a kubelet that is restarted during the hook and does not repeat it.
 */
import { access, chmod, constants, copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

const NAME = 'shim';

/** Copies the shim once: a restarted agent does not replace a program that runs. */
export async function installShim(program: string, folder: string): Promise<void> {
  const isInstalled = await access(join(folder, NAME), constants.X_OK).then(
    () => true,
    () => false,
  );
  if (isInstalled) return;
  // The hook uses another name.
  const part = join(folder, `${NAME}.agent`);
  await copyFile(program, part);
  await chmod(part, 0o755);
  await rename(part, join(folder, NAME));
}
