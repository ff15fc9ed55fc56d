/** The container image: built on a base that is created here, and started without root permissions as docs/guide/install.md says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './command.mjs';
import { buildImage, type TestImage } from './image.testing.ts';

let image: TestImage;
beforeAll(async () => {
  image = await buildImage();
}, 1_800_000);
afterAll(async () => await image?.remove(), 300_000);

test('the image contains the command in the version of the repository, and no root permissions', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  expect(await image.run([], '--version')).toMatchObject({ code: 0, output: `${version}\n` });
  expect(await image.run(['--entrypoint=id'], '-u')).toMatchObject({ code: 0, output: '7070\n' });
});

test('rootless, it starts, isolates user code, serves requests, and keeps its data over a restart', async () => {
  const first = await image.start('data', ['--security-opt=unmask=ALL']);
  try {
    const ready = (await (await fetch(`${first.url}/readyz`)).json()) as object;
    expect(JSON.stringify(ready)).toContain('bubblewrap');
    const created = await fetch(`${first.url}/api/2.0/mlflow/experiments/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'in the container' }),
    });
    expect(created.status).toBe(200);
  } finally {
    expect(await first.stop()).toBe(0);
  }
  const second = await image.start('data', ['--security-opt=unmask=ALL']);
  try {
    const name = encodeURIComponent('in the container');
    const found = await fetch(`${second.url}/api/2.0/mlflow/experiments/get-by-name?experiment_name=${name}`);
    expect(found.status).toBe(200);
  } finally {
    expect(await second.stop()).toBe(0);
  }
});
