import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLocalKubeconfig } from '#targets/local-kubeconfig.ts';

let folder: string;

const config = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'test',
  preferences: {},
  clusters: [
    { name: 'one', cluster: { server: 'https://one.example.com:6443', 'certificate-authority': 'pki/ca.crt' } },
    { name: 'two', cluster: { server: 'https://two.example.com', 'certificate-authority-data': 'QUJD' } },
  ],
  contexts: [
    { name: 'test', context: { cluster: 'one', user: 'ada', namespace: 'ml' } },
    { name: 'cloud', context: { cluster: 'two', user: 'plug-in' } },
    { name: 'rotated', context: { cluster: 'two', user: 'robot' } },
    { name: 'broken', context: { cluster: 'two', user: 'nobody' } },
  ],
  users: [
    { name: 'ada', user: { 'client-certificate': 'pki/ada.crt', 'client-key': 'pki/ada.key' } },
    {
      name: 'plug-in',
      user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'aws', args: ['eks'] } },
    },
    { name: 'robot', user: { tokenFile: 'pki/token' } },
  ],
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-kubeconfig-'));
  await mkdir(join(folder, 'kube', 'pki'), { recursive: true });
  await writeFile(join(folder, 'kube', 'config'), stringify(config));
  for (const name of ['ca.crt', 'ada.crt', 'ada.key', 'token']) {
    await writeFile(join(folder, 'kube', 'pki', name), `content of ${name}\n`);
  }
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const read = async (context?: string, file = 'kube/config') =>
  await readLocalKubeconfig(file, { context, workingFolder: folder });
const base64 = (text: string) => Buffer.from(text).toString('base64');

test('the current context, with the content of its files, which are relative to the kubeconfig', async () => {
  const { text, ...about } = await read();
  expect(parse(text)).toEqual({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [
      {
        name: 'one',
        cluster: {
          server: 'https://one.example.com:6443',
          'certificate-authority-data': base64('content of ca.crt\n'),
        },
      },
    ],
    contexts: [{ name: 'test', context: { cluster: 'one', user: 'ada', namespace: 'ml' } }],
    users: [
      {
        name: 'ada',
        user: {
          'client-certificate-data': base64('content of ada.crt\n'),
          'client-key-data': base64('content of ada.key\n'),
        },
      },
    ],
  });
  expect(about).toEqual({
    context: 'test',
    server: 'https://one.example.com:6443',
    program: undefined,
    hasCopiedToken: false,
  });
});

test('another context, with a program or with a token in a file', async () => {
  expect(await read('cloud')).toMatchObject({ context: 'cloud', program: 'aws', hasCopiedToken: false });
  const { text, hasCopiedToken } = await read('rotated');
  expect(parse(text)).toMatchObject({ users: [{ user: { token: 'content of token' } }] });
  expect(text).not.toContain('tokenFile');
  expect(hasCopiedToken).toBe(true);
});

test.each([
  ['no such file', undefined, 'missing', 'The kubeconfig missing does not exist.'],
  ['no such context', 'prod', 'kube/config', 'has no context "prod". Choose one with --context: "test", "cloud"'],
  ['no such user', 'broken', 'kube/config', 'the context "broken" names the user "nobody", which is missing'],
])('%s', async (_name, context, file, message) => {
  await expect(read(context, file)).rejects.toThrow(message);
});

test('errors contain no credential', async () => {
  const token = 'top-secret-token';
  await writeFile(join(folder, 'broken.yaml'), `kind: Config\nusers: [{ user: { token: ${token} }\nx: "${token}\n`);
  const broken = await read(undefined, 'broken.yaml').catch((error: unknown) => error);
  expect(String(broken)).toMatch(/broken\.yaml is not valid: line \d+ is not valid YAML/);
  expect(JSON.stringify(broken) + String(broken)).not.toContain(token);
  await writeFile(join(folder, 'note.txt'), token);
  await expect(read(undefined, 'note.txt')).rejects.toThrow('it has no `kind: Config`');
  const gone = { ...config, users: [{ name: 'ada', user: { token: '', tokenFile: 'gone' } }] };
  await writeFile(
    join(folder, 'gone.yaml'),
    stringify({ ...gone, clusters: config.clusters.slice(1).map((one) => ({ ...one, name: 'one' })) }),
  );
  await expect(read(undefined, 'gone.yaml')).rejects.toThrow('the file of `tokenFile`, gone, cannot be read (ENOENT)');
});
