import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { detectShell } from '#shell/detect-shell.ts';

test.each([
  ['/usr/bin/fish', 'fish'],
  ['/bin/zsh', 'zsh'],
  ['/bin/tcsh', 'sh'],
  [undefined, 'sh'],
])('without a parent shell, $SHELL is used: %s', async (SHELL, want) => {
  expect(await detectShell(1, { SHELL })).toBe(want);
});

test('the calling shell has priority over the login shell', async () => {
  const shell = spawn('bash', ['-c', 'read -r line'], { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(shell, 'spawn');
  try {
    await expect.poll(() => detectShell(shell.pid ?? 0, { SHELL: '/usr/bin/fish' })).toBe('bash');
  } finally {
    shell.stdin.end();
    await once(shell, 'exit');
  }
});
