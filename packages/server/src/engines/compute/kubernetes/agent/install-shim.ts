/** Gives the shim to the container of the command, which starts when it is there. */
import { access, chmod, constants, copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

const NAME = 'shim';

/** Copies the shim once: a restarted agent does not replace a program that runs. */
export async function installShim(program: string, folder: string): Promise<void> {
  if (await isShimInstalled(folder)) return;
  const part = join(folder, `${NAME}.part`);
  await copyFile(program, part);
  await chmod(part, 0o755);
  await rename(part, join(folder, NAME));
}

export async function isShimInstalled(folder: string): Promise<boolean> {
  return await access(join(folder, NAME), constants.X_OK).then(
    () => true,
    () => false,
  );
}
