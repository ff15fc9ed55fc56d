/** The container image: built on a base that is created here, and started without root permissions as docs/guide/install.md says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './command.mjs';
import { buildImage, type TestImage } from './image.testing.ts';
import { tellStory } from './story/story.mjs';
import { uvEnvironment } from './uv.mjs';

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

test('the demo of the quickstart runs against the rootless container', { timeout: 3_600_000 }, async () => {
  // The container fetches packages for training from the index of this machine.
  const { UV_DEFAULT_INDEX, SSL_CERT_FILE } = await uvEnvironment();
  const options = [
    '--security-opt=unmask=ALL',
    ...(UV_DEFAULT_INDEX === undefined ? [] : [`--env=DAIS_ENVIRONMENTS_INDEX=${UV_DEFAULT_INDEX}`]),
    ...(SSL_CERT_FILE === undefined
      ? []
      : [`--volume=${SSL_CERT_FILE}:/etc/index-ca.pem:ro`, '--env=DAIS_OUTBOUND_EXTRA_CA=/etc/index-ca.pem']),
  ];
  const dais = await image.start('story', options, '--accounts');
  let output = '';
  try {
    const reported = await tellStory({
      url: dais.url,
      data: dais.data,
      work: join(dais.data, 'story'),
      slice: true,
      speed: undefined,
      before: undefined,
      keep: () => {},
      out: { isTTY: false, write: (text: string) => (output += text) },
    });
    expect(reported.firstDecision.approved).toBe(true);
    expect(reported.finding.columns).toEqual(['temp']);
    expect(reported.rollout).toMatchObject({ state: 'promoted' });
    expect(reported.champion).toBe('2');
    expect(reported.counted).toMatchObject({ failed: 0 });
  } catch (error) {
    throw new Error(`The demo printed:\n${output}`, { cause: error });
  } finally {
    await dais.stop();
  }
});
