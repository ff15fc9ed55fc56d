import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { boostedTrees } from './onnx-files.testing.ts';

/** Files that the library writes before it sends telemetry: an id of the machine, a database of events, a log. */
test('the runtime sends no telemetry: it stores no machine id and no events', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-telemetry-'));
  const file = join(folder, 'model.onnx');
  await writeFile(file, boostedTrees({ features: 2, trees: 1, depth: 1 }));
  const session = new URL('./onnx-session.ts', import.meta.url).href;
  const program = `const { OnnxSession } = await import(${JSON.stringify(session)});
await OnnxSession.open({ file: ${JSON.stringify(file)}, threads: 1, inputs: [], outputs: [] });`;
  const { code, stderr } = await run(
    process.execPath,
    ['--conditions=dais-source', '--import', 'tsx', '--input-type=module', '-e', program],
    { env: { HOME: folder, TMPDIR: folder }, cwd: fileURLToPath(new URL('.', import.meta.url)) },
  );
  expect([code, stderr]).toEqual([0, '']);
  const left = await readdir(folder);
  expect(left.filter((name) => !name.startsWith('tsx-'))).toEqual(['model.onnx']);
  await rm(folder, { recursive: true });
});
