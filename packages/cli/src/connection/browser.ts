import { startDetached } from '#processes.ts';

/** Opens a URL in the user's browser; false where none can be started. */
export async function openBrowser(
  address: string,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const wsl = variables['WSL_DISTRO_NAME'] !== undefined;
  const desktop = variables['DISPLAY'] ?? variables['WAYLAND_DISPLAY'];
  if (variables['BROWSER'] !== undefined && variables['BROWSER'] !== '') {
    return await startDetached(variables['BROWSER'], [address], variables);
  }
  if (process.platform === 'darwin') return await startDetached('open', [address], variables);
  if (wsl) return await startDetached('explorer.exe', [address], variables);
  return desktop === undefined ? false : await startDetached('xdg-open', [address], variables);
}
