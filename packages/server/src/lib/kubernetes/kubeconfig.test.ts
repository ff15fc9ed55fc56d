import { beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { DaisError } from '@dais/api';
import { makeCertificates, type TestCertificates } from '#lib/crypto/certificates.testing.ts';
import { readInClusterConfig } from './in-cluster.ts';
import { readKubeconfig, type KubeconfigOptions } from './kubeconfig.ts';

const fail = (detail: string, cause?: unknown) => new DaisError('invalid_config', detail, { cause });
const base64 = (text: string) => Buffer.from(text).toString('base64');
let tls: TestCertificates;
let other: TestCertificates;
beforeAll(async () => {
  [tls, other] = await Promise.all([makeCertificates(), makeCertificates()]);
});

interface Fields {
  readonly cluster?: object;
  readonly user?: object;
  readonly context?: object;
  readonly root?: object;
}

function kubeconfig({ cluster, user, context, root }: Fields = {}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'prod',
    clusters: [{ name: 'c1', cluster: { server: 'https://api.example:6443', ...cluster } }],
    users: [{ name: 'u1', user: user ?? { token: 'secret-token' } }],
    contexts: [
      { name: 'prod', context: { cluster: 'c1', user: 'u1', ...context } },
      { name: 'test', context: { cluster: 'c1', user: 'u1', namespace: 'training' } },
    ],
    ...root,
  });
}

async function read(text: string, options: Partial<KubeconfigOptions> = {}) {
  return await readKubeconfig(text, { fail, ...options });
}

/** Returns the detail of the error. */
async function problem(text: string, options: Partial<KubeconfigOptions> = {}): Promise<string> {
  const error: unknown = await read(text, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DaisError)) throw new Error('it was accepted, or failed with another error', { cause: error });
  expect(error.code).toBe('invalid_config');
  expect(error.message).not.toContain('secret-token');
  return error.message;
}

describe('a kubeconfig', () => {
  test('gives the connection and the credential of its current context', async () => {
    const cluster = { 'certificate-authority-data': base64(tls.ca), 'tls-server-name': 'kubernetes' };
    const config = await read(kubeconfig({ cluster: { ...cluster, 'proxy-url': 'http://proxy.example:3128' } }));
    expect(config).toEqual({
      server: new URL('https://api.example:6443'),
      ca: tls.ca,
      serverName: 'kubernetes',
      isInsecure: false,
      proxy: 'http://proxy.example:3128',
      namespace: 'default',
      credential: { type: 'token', token: 'secret-token' },
    });
  });

  test('gives another context by name, and may be JSON', async () => {
    expect((await read(kubeconfig(), { context: 'test' })).namespace).toBe('training');
    const json = JSON.stringify({
      'current-context': 'x',
      contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
      clusters: [
        { name: 'x', cluster: { server: 'https://[::1]:6443/k8s/clusters/c-1', 'insecure-skip-tls-verify': true } },
      ],
      users: [{ name: 'x', user: { token: ' t\n' } }],
    });
    const config = await read(json);
    expect(config.server.href).toBe('https://[::1]:6443/k8s/clusters/c-1');
    expect(config.isInsecure).toBe(true);
    expect(config.credential).toEqual({ type: 'token', token: 't' });
  });

  test('has a client certificate inline or in files', async () => {
    const user = { 'client-certificate-data': base64(tls.cert), 'client-key-data': base64(tls.key) };
    const certificate = { cert: tls.cert, key: tls.key };
    expect((await read(kubeconfig({ user }))).credential).toEqual({ type: 'certificate', certificate });
    const files: Record<string, string> = { 'a.crt': tls.cert, 'a.key': tls.key, 'ca.crt': tls.ca };
    const config = await read(
      kubeconfig({
        user: { 'client-certificate': 'a.crt', 'client-key': 'a.key' },
        cluster: { 'certificate-authority': 'ca.crt' },
      }),
      { readFile: async (path) => await Promise.resolve(files[path] ?? '') },
    );
    expect(config.ca).toBe(tls.ca);
    expect(config.credential).toEqual({ type: 'certificate', certificate });
  });

  test('names existing contexts, clusters and users when one is unknown', async () => {
    expect(await problem(kubeconfig(), { context: 'stage' })).toMatchInlineSnapshot(
      `"The kubeconfig is not valid: the context "stage" does not exist. Use "prod", "test"."`,
    );
    expect(await problem(kubeconfig({ root: { 'current-context': '' } }))).toContain(
      'Choose a context: "prod", "test".',
    );
    expect(await problem(kubeconfig({ context: { user: 'u2' } }))).toMatchInlineSnapshot(
      `"The kubeconfig is not valid: the user "u2", to which context "prod" refers, does not exist. Use "u1"."`,
    );
    expect(await problem(kubeconfig({ context: { cluster: 'c2' } }))).toContain('the cluster "c2"');
    expect(await problem(kubeconfig({ context: { user: '' } }))).toContain('context "prod": `user` is missing');
    expect(await problem(kubeconfig({ root: { users: [] } }))).toContain('an entry of `users`, which is empty now');
    const twice = () => ({ name: 'u1', user: { token: 'a' } });
    expect(await problem(kubeconfig({ root: { users: [twice(), twice()] } }))).toContain('exists 2 times');
  });

  test.each([
    ['bad base64', { 'client-certificate-data': '%%%', 'client-key-data': 'eA==' }, 'is not valid base64'],
    ['no PEM', { 'client-certificate-data': 'eA==', 'client-key-data': 'eA==' }, 'contains no PEM certificate'],
    ['two credentials', { token: 'secret-token', tokenFile: '/t' }, 'it has 2 credentials: token, tokenFile'],
    ['no credential', {}, 'it has no credential'],
    ['a token with a line break', { token: 'secret-token\r\nx: y' }, '`token` contains spaces'],
    ['a token that is a number', { token: 12 }, '`token` is not a text'],
    ['basic authentication', { username: 'admin', password: 'secret-token' }, '`username` is not supported'],
    ['a removed provider', { 'auth-provider': { name: 'gcp' } }, 'Use `exec`'],
    ['impersonation', { token: 'secret-token', as: 'root' }, '`as` is not supported'],
    ['a user that is a list', [], 'user "u1": user is not a mapping'],
  ])('refuses %s', async (_, user, expected) => {
    const detail = await problem(kubeconfig({ user }), { readFile: async () => await Promise.resolve('x') });
    expect(detail).toContain('user "u1"');
    expect(detail).toContain(expected);
  });

  test('refuses a key that does not belong to the certificate, and one without the other', async () => {
    const cert = { 'client-certificate-data': base64(tls.cert) };
    expect(await problem(kubeconfig({ user: { ...cert, 'client-key-data': base64(other.key) } }))).toContain(
      '`client-key` does not belong to `client-certificate`',
    );
    expect(await problem(kubeconfig({ user: cert }))).toContain('Add `client-key-data`');
    expect(await problem(kubeconfig({ user: { ...cert, 'client-key-data': base64('x') } }))).toContain('is not a PEM');
  });

  test.each([
    [{ server: 'http://api.example' }, 'starts with http://'],
    [{ server: 'file:///etc/passwd' }, 'starts with file://'],
    [{ server: 'https://u:secret-token@api.example' }, 'contains credentials'],
    [{ server: 'https://api.example/?x=1' }, 'contains a query'],
    [{ server: 'api.example:6443' }, 'starts with api.example://'],
    [{ server: '' }, '`server` is missing'],
    [{ 'proxy-url': 'socks5://proxy' }, '`proxy-url` is not the URL of an HTTP proxy'],
    [{ 'certificate-authority-data': 'eA==' }, 'contains no PEM certificate'],
    [{ 'insecure-skip-tls-verify': 'yes' }, 'must be true or false'],
  ])('refuses the cluster %j', async (cluster, expected) => {
    const detail = await problem(kubeconfig({ cluster }));
    expect(detail).toContain('cluster "c1"');
    expect(detail).toContain(expected);
  });

  test('refuses an authority together with insecure-skip-tls-verify, and accepts http only with the option', async () => {
    const cluster = { 'certificate-authority-data': base64(tls.ca), 'insecure-skip-tls-verify': true };
    expect(await problem(kubeconfig({ cluster }))).toContain('has no effect with');
    const config = await read(kubeconfig({ cluster: { server: 'http://127.0.0.1:1' } }), { allowHttp: true });
    expect(config.server.protocol).toBe('http:');
  });

  test('of a Secret refers to no file', async () => {
    const expected = 'refers to a file, which only a kubeconfig on the server may do';
    for (const user of [{ tokenFile: '/etc/passwd' }, { 'client-certificate': '/a', 'client-key': '/b' }]) {
      expect(await problem(kubeconfig({ user }))).toContain(expected);
    }
    expect(await problem(kubeconfig({ cluster: { 'certificate-authority': '/etc/ca' } }))).toContain(expected);
    const user = { tokenFile: 'missing' };
    const readFile = async () => await Promise.reject(Object.assign(new Error('no'), { code: 'ENOENT' }));
    const config = await read(kubeconfig({ user }), { readFile });
    if (config.credential.type !== 'token-file') throw new Error('expected a token file');
    await expect(config.credential.read('missing')).rejects.toThrow('the file of `tokenFile` cannot be read (ENOENT)');
  });
});

describe('a credential program', () => {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'aws', args: ['eks', 'get-token'] };

  test('starts only when its command is permitted', async () => {
    expect(await problem(kubeconfig({ user: { exec } }))).toContain(
      'it starts the program "aws", but none is permitted',
    );
    const permitted = { exec: { commands: ['kubelogin'] } };
    expect(await problem(kubeconfig({ user: { exec } }), permitted)).toContain('but permitted: kubelogin');
    const path = { exec: { ...exec, command: '/tmp/aws' } };
    expect(await problem(kubeconfig({ user: path }), { exec: { commands: ['aws'] } })).toContain('"/tmp/aws"');
  });

  test('gets its arguments, variables and the cluster', async () => {
    const cluster = { extensions: [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'a' } }] };
    const env = [{ name: 'AWS_PROFILE', value: 'prod' }];
    const user = {
      exec: { ...exec, env, provideClusterInfo: true, interactiveMode: 'Never', installHint: 'Install it.' },
    };
    const { credential } = await read(kubeconfig({ user, cluster }), { exec: { commands: ['aws'] } });
    expect(credential).toEqual({
      type: 'exec',
      plugin: {
        command: 'aws',
        args: ['eks', 'get-token'],
        variables: { AWS_PROFILE: 'prod' },
        apiVersion: 'client.authentication.k8s.io/v1',
        clusterInfo: { server: 'https://api.example:6443', config: { audience: 'a' } },
        installHint: 'Install it.',
      },
    });
  });

  test.each([
    [{ env: [{ name: 'LD_PRELOAD', value: 'x' }] }, 'the variable "LD_PRELOAD" is not permitted'],
    [{ env: [{ name: 'PATH', value: 'x' }] }, 'the variable "PATH" is not permitted'],
    [{ apiVersion: 'client.authentication.k8s.io/v1alpha1' }, 'Write client.authentication.k8s.io/v1 or'],
    [{ interactiveMode: 'Always' }, 'needs a terminal'],
    [{ args: [1] }, '`args` contains a value that is not a text'],
    [{ command: '' }, '`command` is missing'],
  ])('is refused with %j', async (fields, expected) => {
    const detail = await problem(kubeconfig({ user: { exec: { ...exec, ...fields } } }), {
      exec: { commands: ['aws'] },
    });
    expect(detail).toContain(expected);
  });
});

describe('hostile text', () => {
  test('is refused in bounded time', async () => {
    expect(await problem('x'.repeat((1 << 20) + 1))).toContain('has more than 1048576 bytes');
    expect(await problem('[a,'.repeat(100_000))).toContain('too many entries');
    expect(await problem('['.repeat(10_000))).toContain('is nested deeper than 24 levels');
    const bomb = `a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n`;
    expect(await problem(bomb)).toContain('uses a YAML');
    expect(await problem('')).toContain('is empty');
    expect(await problem('secret-token')).toContain('the document is not a mapping');
    expect(await problem('token: "secret-token\n')).toContain('is not valid YAML. Line');
    expect(await problem('a: 1\na: secret-token\n')).toContain('used twice');
  });

  test('cannot set inherited fields', async () => {
    const inherited = `{"__proto__": {"current-context": "prod", "contexts": []}, "kind": "Config"}`;
    expect(await problem(inherited)).toContain('it has no `current-context`');
    expect(await problem(kubeconfig({ root: { 'current-context': '__proto__' } }))).toContain('"__proto__"');
    expect(Object.hasOwn(Object.prototype, 'current-context')).toBe(false);
  });
});

describe('the configuration of a pod', () => {
  const files: Record<string, string> = { '/sa/ca.crt': 'CA', '/sa/token': 'one\n', '/sa/namespace': 'dais' };
  const readFile = async (path: string) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('missing'), { code: 'ENOENT' });
    return await Promise.resolve(text);
  };
  const pod = { host: '10.96.0.1', port: '443', readFile, folder: '/sa', fail };

  test('has the server, the authority and the mounted token', async () => {
    const config = await readInClusterConfig(pod);
    expect(config).toMatchObject({
      server: new URL('https://10.96.0.1'),
      ca: 'CA',
      namespace: 'dais',
      isInsecure: false,
    });
    if (config.credential.type !== 'token-file') throw new Error('expected a token file');
    expect(await config.credential.read(config.credential.path)).toBe('one');
    const v6 = await readInClusterConfig({ ...pod, host: 'fd00::1' });
    expect(v6.server.host).toBe('[fd00::1]');
  });

  test('is refused outside of a pod, and without a service account', async () => {
    await expect(readInClusterConfig({ ...pod, host: undefined })).rejects.toThrow('does not run in a pod');
    await expect(readInClusterConfig({ ...pod, port: 'x/y' })).rejects.toThrow('does not run in a pod');
    await expect(readInClusterConfig({ ...pod, folder: '/none' })).rejects.toThrow('/none/ca.crt (ENOENT)');
  });
});
