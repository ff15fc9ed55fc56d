import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { makeCertificates } from '#lib/crypto/certificates.testing.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { hasOpenBao, startOpenBao, type OpenBao } from '../../../../../../conformance/vault/openbao.ts';
import { testOutbound } from '#testing/dais-outbound.ts';
import { openEnvKeys } from '../env/env-keys.ts';
import { keyStoreSuite } from '../suite.ts';
import type { VaultSignIn } from './vault-access.ts';
import { openVaultKeys } from './vault-keys.ts';
import { readVaultSecret } from './vault-secret.ts';

const POLICY =
  'path "transit/encrypt/*" { capabilities = ["update"] }\npath "transit/decrypt/*" { capabilities = ["update"] }';

// The checksum of the wheel is for this platform only. Elsewhere, these tests are reported as skipped.
describe.skipIf(!hasOpenBao)('with OpenBao', () => {
  let server: OpenBao;
  let outbound: Outbound;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dais-vault-'));
    server = await startOpenBao();
    outbound = testOutbound();
    await server.call('POST', 'sys/mounts/transit', { type: 'transit' });
    await server.call('PUT', 'sys/policies/acl/dais', { policy: POLICY });
  }, 600_000);
  afterAll(async () => {
    await outbound.close();
    await server.stop();
    await rm(folder, { recursive: true });
  });

  let made = 0;
  const createKey = async (type = 'aes256-gcm96') => {
    const name = `key-${(made += 1)}`;
    await server.call('POST', `transit/keys/${name}`, { type });
    return name;
  };
  const around = (signIn: VaultSignIn) => ({
    outbound,
    clock: systemClock,
    address: server.url,
    signIn,
    timeoutMs: 20_000,
  });
  const openKeys = (
    keys: readonly [string, ...string[]],
    signIn: VaultSignIn = { token: server.token },
    mount = 'transit',
  ) => openVaultKeys({ ...around(signIn), mount, keys });

  keyStoreSuite('vault', true, async () => {
    const first = await createKey();
    const keys = openKeys([first]);
    return {
      keys,
      addKey: async () => openKeys([await createKey(), first]),
      otherStore: async () => openKeys([await createKey()]),
      end: async () => await keys.close(),
    };
  });

  test('unwraps after a rotation in Vault, until the version is disallowed', async () => {
    const name = await createKey();
    const keys = openKeys([name]);
    const wrapped = await keys.wrap(Buffer.alloc(32, 5), 'c');
    await server.call('POST', `transit/keys/${name}/rotate`, {});
    expect(await keys.unwrap(wrapped, 'c')).toEqual(Buffer.alloc(32, 5));
    await server.call('POST', `transit/keys/${name}/config`, { min_decryption_version: 2 });
    await expect(keys.unwrap(wrapped, 'c')).rejects.toMatchObject({ code: 'key_missing' });
  });

  test('signs in with an AppRole, and anew when its token was revoked', async () => {
    await server.call('POST', 'sys/auth/approle', { type: 'approle' });
    await server.call('POST', 'auth/approle/role/dais', { token_policies: ['dais'], token_ttl: '1h' });
    const { role_id } = await server.call('GET', 'auth/approle/role/dais/role-id');
    const { secret_id } = await server.call('POST', 'auth/approle/role/dais/secret-id', {});
    const signIn = { roleId: String(role_id), secretId: String(secret_id), mount: 'approle' };
    const keys = openKeys([await createKey()], signIn);
    const wrapped = await keys.wrap(Buffer.alloc(32, 6), 'c');
    await server.call('POST', 'sys/leases/revoke-prefix/auth/approle', {});
    expect(await keys.unwrap(wrapped, 'c')).toEqual(Buffer.alloc(32, 6));

    const wrong = openKeys([await createKey()], { ...signIn, secretId: 'SECRETNEVERSHOWN' });
    const error = await failure(wrong.wrap(Buffer.alloc(32), 'c'));
    expect(error).toMatchObject({ code: 'keys_unavailable', message: expect.stringContaining('check the role') });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('SECRETNEVERSHOWN');
  });

  test('signs in with the service account of a pod', async () => {
    // The API of Kubernetes, which Vault asks whether the token of the pod is valid.
    const requested: unknown[] = [];
    const kubernetes = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        requested.push((JSON.parse(Buffer.concat(chunks).toString()) as { spec: { token: string } }).spec.token);
        response.setHeader('content-type', 'application/json');
        const user = { username: 'system:serviceaccount:ml:dais', uid: 'u', groups: ['system:serviceaccounts'] };
        response.end(
          JSON.stringify({
            apiVersion: 'authentication.k8s.io/v1',
            kind: 'TokenReview',
            status: { authenticated: true, user },
          }),
        );
      });
    }).listen(0, '127.0.0.1');
    await once(kubernetes, 'listening');
    try {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const account = { name: 'dais', uid: 'u' };
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        iat: now - 60,
        nbf: now - 60,
        exp: now + 3600,
        sub: 'system:serviceaccount:ml:dais',
        'kubernetes.io': { namespace: 'ml', serviceaccount: account },
      };
      const jwt = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${Buffer.from('signature').toString('base64url')}`;
      const jwtFile = join(folder, 'token');
      await writeFile(jwtFile, `${jwt}\n`);
      const host = `http://127.0.0.1:${(kubernetes.address() as AddressInfo).port}`;
      await server.call('POST', 'sys/auth/k8s', { type: 'kubernetes' });
      await server.call('POST', 'auth/k8s/config', {
        kubernetes_host: host,
        disable_local_ca_jwt: true,
        // Required, although the address is plain HTTP.
        kubernetes_ca_cert: (await makeCertificates()).ca,
        token_reviewer_jwt: jwt,
      });
      const bound = { bound_service_account_names: ['dais'], bound_service_account_namespaces: ['ml'] };
      await server.call('POST', 'auth/k8s/role/dais', { ...bound, token_policies: ['dais'] });
      const keys = openKeys([await createKey()], { kubernetesRole: 'dais', jwtFile, mount: 'k8s' });
      const wrapped = await keys.wrap(Buffer.alloc(32, 7), 'c');
      expect(await keys.unwrap(wrapped, 'c')).toEqual(Buffer.alloc(32, 7));
      expect(requested).toContain(jwt);
    } finally {
      kubernetes.closeAllConnections();
      kubernetes.close();
    }
  });

  test('reads the token of an agent from its file, and names the file when it is missing', async () => {
    const tokenFile = join(folder, 'sink');
    const keys = openKeys([await createKey()], { tokenFile });
    expect(await failure(keys.wrap(Buffer.alloc(32), 'c'))).toMatchObject({
      code: 'keys_unavailable',
      message: expect.stringContaining(`${tokenFile} cannot be read (ENOENT)`),
    });
    await writeFile(tokenFile, server.token);
    expect((await keys.wrap(Buffer.alloc(32), 'c')).keyId).toMatch(/^vault:transit\/key-/);
  });

  test('reads keys from a secret of the KV engine', async () => {
    const values = `k1:${randomBytes(32).toString('base64')}`;
    await server.call('POST', 'secret/data/dais/keys', { data: { keys: values } });
    const at = { ...around({ token: server.token }), mount: 'secret', path: 'dais/keys', field: 'keys' };
    expect(await readVaultSecret(at)).toBe(values);
    expect((await openEnvKeys(await readVaultSecret(at)).current()).keyId).toMatch(/^k1-/);
    expect(await failure(readVaultSecret({ ...at, path: 'nowhere' }))).toMatchObject({
      code: 'keys_unavailable',
      message: expect.stringContaining('there is no such secret'),
    });
    expect(await failure(readVaultSecret({ ...at, field: 'other' }))).toMatchObject({
      message: expect.stringContaining('has no value other'),
    });
  });

  test('says what to change: mount, key, key type, permission', async () => {
    const name = await createKey();
    const wrong = [
      [openKeys([name], undefined, 'nowhere'), 'enable the transit engine'],
      [openKeys([await createKey('rsa-2048')]), 'aes256-gcm96'],
      [openKeys([name], { token: 'TOKENNEVERSHOWN' }), 'grant `update`'],
    ] as const;
    for (const [keys, remedy] of wrong) {
      const error = await failure(keys.wrap(Buffer.alloc(32, 9), 'c'));
      expect(error).toMatchObject({ code: 'keys_unavailable', message: expect.stringContaining(remedy) });
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('TOKENNEVERSHOWN');
    }
    const keys = openKeys(['never-created']);
    const { keyId, fingerprint } = await keys.current();
    const wrapped = Buffer.from('vault:v1:AAAA');
    expect(await failure(keys.unwrap({ keyId, fingerprint, wrapped }, 'c'))).toMatchObject({
      code: 'key_missing',
      message: expect.stringContaining(fingerprint),
    });
  });

  // The last one: the server stays sealed.
  test('reports a sealed server', async () => {
    const keys = openKeys([await createKey()]);
    await server.call('PUT', 'sys/seal');
    expect(await failure(keys.wrap(Buffer.alloc(32), 'c'))).toMatchObject({
      code: 'keys_unavailable',
      message: expect.stringContaining('unseal'),
    });
  });
});

async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  );
}
