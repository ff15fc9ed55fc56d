/** Tasks of a Dais that was started with open descriptors. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { withInherited } from '#lib/system/inherited-descriptors.testing.ts';

test('no task has a descriptor that Dais inherited: isolated or not, with the launcher or with sh', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-inherited-'));
  try {
    const module = JSON.stringify(new URL('inherited-descriptors.testing.ts', import.meta.url).href);
    const program = `import { listDescriptors } from ${module}; await listDescriptors(process.argv[1]);`;
    const node = ['--conditions=dais-source', '--import=tsx', '--input-type=module', '--eval', program];
    const [file, ...args] = withInherited([process.execPath, ...node, join(folder, 'compute')]);
    const { code, stdout, stderr } = await run(file, args, { cwd: import.meta.dirname, timeoutMs: 120_000 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const standard = 'open:';
    expect(JSON.parse(stdout.toString())).toEqual({
      'launcher required': standard,
      'launcher none': standard,
      'none required': standard,
      'none none': standard,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
