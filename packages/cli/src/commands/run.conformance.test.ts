/** `dais run` with packages from an index: a notebook, and a rerun. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';
import { environmentFlags } from '../../../server/src/testing/environment-flags.ts';

/** In ms. Creating the environments takes most of the time. */
const PATIENCE = 600_000;

let dais: CliFixture;

beforeAll(async () => {
  dais = await CliFixture.start(await environmentFlags());
});
afterAll(async () => {
  await dais.stop();
});

const code = (source: string, tags: readonly string[] = []) => ({
  cell_type: 'code',
  source,
  metadata: { tags },
  outputs: [],
  execution_count: null,
});

function notebook(...cells: readonly object[]): string {
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  return JSON.stringify({ nbformat: 4, nbformat_minor: 4, metadata: { kernelspec }, cells });
}

const RUN = ['run', '--isolation', 'none'];

async function readFileOf(run: string, name: RegExp): Promise<string> {
  const files = `${dais.server.url}/api/v1/executions/${run}/files`;
  const { items } = (await (await fetch(files)).json()) as { items: { name: string }[] };
  const found = items.find((file) => name.test(file.name))?.name ?? '';
  return await (await fetch(`${files}/content?name=${encodeURIComponent(found)}`)).text();
}

test('a notebook is executed with its parameters, and stored with its outputs', { timeout: PATIENCE }, async () => {
  const workingFolder = await mkdtemp(join(dais.folder, 'notebook-'));
  const cells = [code('rate = 1\nname = "nobody"', ['parameters']), code('print(name, rate * 2)')];
  await writeFile(join(workingFolder, 'fit.ipynb'), notebook(...cells));
  const run = await dais.run([...RUN, '-o', 'name', '--', 'fit.ipynb', 'rate=20.5', 'name=ada'], { workingFolder });
  expect([run.code, run.err]).toEqual([0, expect.stringContaining('Cell 3 of 3')]);
  const kept = JSON.parse(await readFileOf(run.out.trim(), /^steps\/.*\/notebook/)) as {
    cells: { outputs: { text: string | string[] }[] }[];
  };
  expect([kept.cells[2]?.outputs[0]?.text].flat().join('')).toBe('ada 41.0\n');
});

test(
  'the error of a cell is reported, the run fails, and the executed part is stored',
  { timeout: PATIENCE },
  async () => {
    const workingFolder = await mkdtemp(join(dais.folder, 'notebook-'));
    await writeFile(join(workingFolder, 'bad.ipynb'), notebook(code('1 / 0')));
    const run = await dais.run([...RUN, '-o', 'name', '--', 'bad.ipynb'], { workingFolder });
    expect([run.code, run.err]).toEqual([1, expect.stringContaining('ZeroDivisionError')]);
    const kept = JSON.parse(await readFileOf(run.out.trim(), /^steps\/.*\/notebook/)) as {
      cells: { outputs: { ename: string }[] }[];
    };
    expect(kept.cells[0]?.outputs[0]?.ename).toBe('ZeroDivisionError');
  },
);

test('a rerun has the same packages and the same results', { timeout: PATIENCE }, async () => {
  const workingFolder = await mkdtemp(join(dais.folder, 'again-'));
  await writeFile(join(workingFolder, 'requirements.txt'), 'six\n');
  await writeFile(join(workingFolder, 'go.py'), 'import six\nopen("version", "w").write(six.__version__)\n');
  const words = ['--requirements', 'requirements.txt', '--keep', 'version', '-o', 'name', '--', 'python', 'go.py'];
  const first = await dais.run([...RUN, ...words], { workingFolder });
  expect([first.code, first.err]).toEqual([0, first.err]);
  const again = await dais.run(['reproduce', first.out.trim()]);
  expect([again.code, again.out]).toEqual([
    0,
    'No differences: 1 output and 0 logged values; code, packages and inputs equal those of the original job.\n',
  ]);
});
