/** The container image: built on a base that is created here, and started without root permissions as docs/guide/install.md says. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isServing, servingClient } from '../packages/server/src/testing/serving-client.ts';
import { root } from './command.mjs';
import { environment } from './environment.mjs';
import { packageIndex } from './package-index.mjs';
import { findPython } from './python.mjs';
import { runStory } from './story/story.mjs';
import { TestImage, type StartedImage } from './image.testing.ts';

let image: TestImage;
let data: string;
let dais: StartedImage | undefined;
/** Other tests of this machine may use the ports of the documentation. */
const PORTS = ['--env=DAIS_PORTS_GRPC=0', '--env=DAIS_PORTS_INFERENCE=0'];
/** The file of certificate authorities in the container, as docs/guide/install.md describes it. */
const AUTHORITIES = '/etc/authorities.pem';
const OPTIONS = ['--security-opt=unmask=ALL', ...PORTS];

beforeAll(async () => {
  image = await TestImage.build();
  data = image.createData();
}, 1_800_000);
afterAll(async () => {
  await dais?.stop();
  await image?.remove();
}, 300_000);

function running(): StartedImage {
  if (dais === undefined) throw new Error('The container did not start, see the test before this one.');
  return dais;
}

test('the image contains the command in the version of the repository, and no root permissions', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  expect(await image.run([], '--version')).toMatchObject({ code: 0, output: `${version}\n` });
  expect(await image.run(['--entrypoint=id'], '-u')).toMatchObject({ code: 0, output: '7070\n' });
});

test('rootless, it starts and isolates user code with bubblewrap', async () => {
  const example = image.copyFolder('examples/hello');
  dais = await image.start(data, [...OPTIONS, `--volume=${example}:/examples:ro`]);
  const { url } = dais;
  // Dais probes the isolation after its start.
  await expect.poll(async () => await (await fetch(`${url}/readyz`)).text()).toContain('bubblewrap');
  const job = await dais.exec('dais', 'run', '--no-code', '--name', 'hello', '--', 'sh', '-c', 'echo from the job');
  expect(job).toContain('from the job');
});

test('in the container, a user applies resources, deploys a model, and gets a prediction and a page', async () => {
  const { url, exec } = running();
  expect(await exec('dais', 'apply', '-f', '/examples')).toContain('Project hello created');
  const client = servingClient(url, asOwner());
  const version = await client.register('doubled', 2);
  await exec('dais', 'deploy', `doubled/${version}`, '--to', 'doubled');
  await client.settled('doubled', isServing);
  expect(await predict(url)).toEqual([42]);
  const page = await fetch(`${url}/projects/default/endpoints/doubled`, {
    headers: { accept: 'text/html', ...asOwner() },
  });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<title>');
});

test('it stops in order, and after a restart it has its resources and serves the model', async () => {
  expect(await running().stop()).toBe(0);
  dais = undefined;
  dais = await image.start(data, OPTIONS);
  expect(await dais.exec('dais', 'get', 'projects')).toMatch(/^hello\b/m);
  await servingClient(dais.url, asOwner()).settled('doubled', isServing);
  const { url } = dais;
  await expect.poll(async () => await predict(url)).toEqual([42]);
  expect(await dais.stop()).toBe(0);
  dais = undefined;
});

test('the demo of the quickstart runs in the container: training, approval, serving, drift, retraining, rollout', async () => {
  const empty = image.createData();
  const work = mkdtempSync(join(tmpdir(), 'image-story-'));
  const options = [...(await ofPackageIndex()), '--env=DAIS_AUTHENTICATION_MODE=accounts'];
  try {
    dais = await image.start(empty, [...OPTIONS, ...options]);
    const parts = { url: dais.url, data: empty, work, slice: true, speed: undefined, before: undefined };
    const story = await runStory({ ...parts, keep: () => {}, out: process.stderr });
    expect(story.traffic.failed).toBe(0);
    expect(story.firstDecision.approved).toBe(true);
    expect(story.secondDecision.approved).toBe(true);
    expect(story.champion).toBe(story.second.version);
    expect(await running().stop()).toBe(0);
    dais = undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}, 1_800_000);

/** Passes the package index, the proxy and the certificate authorities of this machine: the demo installs Python packages. */
async function ofPackageIndex(): Promise<readonly string[]> {
  const { configured, url } = await packageIndex((await findPython()).path, environment);
  const proxies = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'https_proxy', 'http_proxy', 'no_proxy'];
  const authorities = environment.NODE_EXTRA_CA_CERTS;
  return [
    ...(configured ? [`--env=DAIS_ENVIRONMENTS_INDEX=${url}`] : []),
    ...proxies.filter((name) => environment[name]).map((name) => `--env=${name}=${environment[name]}`),
    ...(authorities ? [`--volume=${authorities}:${AUTHORITIES}:ro`, `--env=NODE_EXTRA_CA_CERTS=${AUTHORITIES}`] : []),
  ];
}

/** Returns the header of the owner. Outside the container, this test is a user whom the server does not know. */
function asOwner(): { authorization: string } {
  return { authorization: `Bearer ${readFileSync(join(data, 'owner-token'), 'utf8').trim()}` };
}

/** Returns the prediction for 21 through the main port. */
async function predict(url: string): Promise<unknown> {
  const response = await fetch(`${url}/v2/models/doubled/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...asOwner() },
    body: JSON.stringify({ inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [21] }] }),
  });
  const text = await response.text();
  if (!response.ok) return `${response.status}: ${text}`;
  return (JSON.parse(text) as { outputs: { data: unknown }[] }).outputs[0]?.data;
}
