import { expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { launcherProgram } from './launcher-program.ts';

// A program that does not compile would go unnoticed, because tasks then start without a launcher.
test.each(['x64', 'arm64'])('the program compiles for %s', async (machine) => {
  const checked = await run('perl', ['-c', '-e', launcherProgram(machine) ?? ''], { env: { PATH: '/usr/bin:/bin' } });
  expect(checked).toMatchObject({ code: 0, stderr: '-e syntax OK\n' });
});

test('returns undefined for other architectures', () => {
  expect(launcherProgram('riscv64')).toBeUndefined();
});
