/** A whole Dais with content in Azure and keys in Vault, and its move to Google Cloud Storage. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AzureAccess } from '#engines/blobs/azure/azure-access.ts';
import { systemClock } from '#lib/clock.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import { testOutbound } from '#testing/dais-outbound.ts';
import { startAzurite, type Azurite } from '../../../conformance/azure/azurite.ts';
import { startFakeGcs, type FakeGcs } from '../../../conformance/gcs/fake-gcs-server.ts';
import { hasOpenBao, startOpenBao, type OpenBao } from '../../../conformance/vault/openbao.ts';
import { backupInstallation, restoreInstallation } from './admin.ts';
import { startDais, type RunningDais } from './up.ts';

const SECRET = `
apiVersion: dais.dev/v1
kind: Secret
metadata: { name: chat }
spec: { data: { url: 'https://chat.example.com/hooks/x' } }
`;

// OpenBao is pinned for Linux on x64 only. Elsewhere, this test is reported as skipped.
describe.skipIf(!hasOpenBao)('in clouds', () => {
  let base: string;
  let azurite: Azurite;
  let gcs: FakeGcs;
  let vault: OpenBao;
  let running: RunningDais | undefined;
  const net = new TestNet();
  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), 'dais-clouds-'));
    [azurite, gcs, vault] = await Promise.all([startAzurite(), startFakeGcs(), startOpenBao()]);
    const { account, accountKey, url } = azurite;
    const outbound = testOutbound();
    const place = { account, container: 'content', endpoint: url, credentials: { accountKey }, outbound };
    const access = new AzureAccess({ ...place, clock: systemClock });
    await access.http.send({ method: 'PUT', url: access.containerUrl({ restype: 'container' }), doing: 'creating' });
    await outbound.close();
    await fetch(`${gcs.url}/storage/v1/b`, { method: 'POST', body: JSON.stringify({ name: 'content' }) });
    await vault.call('POST', 'sys/mounts/transit', { type: 'transit' });
    await vault.call('POST', 'transit/keys/dais', {});
  }, 900_000);
  afterAll(async () => {
    await running?.stop();
    for (const server of [azurite, gcs, vault]) await server.stop();
    await net.end();
    await rm(base, { recursive: true, force: true });
  });

  const keys = () => ({
    'keys.type': 'vault',
    'keys.address': vault.url,
    'keys.keys': ['dais'],
    'keys.token': vault.token,
    port: 0,
  });
  type Flags = Record<string, string | number | string[]>;
  async function start(flags: Flags): Promise<void> {
    const stdout = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), { isTTY: false });
    running = await startDais({ flags, stdout, color: false });
  }
  async function call(path: string, init: RequestInit = {}): Promise<Response> {
    const token = (await readFile(running!.tokenFile, 'utf8')).trim();
    return await fetch(`${running!.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/yaml' },
    });
  }
  const artifact = '/api/2.0/mlflow-artifacts/artifacts/model.bin';
  const bytes = randomBytes(33 * 2 ** 20);

  test('stores content and secrets, survives a restart, and moves to another store', async () => {
    const azure = {
      ...keys(),
      data: join(base, 'azure'),
      'blobs.type': 'azure',
      'blobs.account': azurite.account,
      'blobs.accountKey': azurite.accountKey,
      'blobs.container': 'content',
      'blobs.endpoint': azurite.url,
      'blobs.prefix': 'of/dais',
    };
    await start(azure);
    expect((await call('/api/v1/apply', { method: 'POST', body: SECRET })).status).toBe(200);
    expect((await call(artifact, { method: 'PUT', body: new Uint8Array(bytes) })).status).toBe(200);
    await running!.stop();

    await start(azure);
    expect(await (await call('/readyz')).json()).toMatchObject({
      checks: expect.arrayContaining([expect.objectContaining({ name: 'blobs', ok: true })]),
    });
    expect(Buffer.from(await (await call(artifact)).arrayBuffer()).equals(bytes)).toBe(true);
    expect(await (await call('/api/v1/keys')).json()).toMatchObject({
      items: [{ keyId: 'vault:transit/dais', current: true, held: true }],
    });
    await backupInstallation({ flags: azure, to: join(base, 'backup') });
    await running!.stop();

    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const tokens = await net.serve((request, response) => {
      request.resume();
      response.end(JSON.stringify({ access_token: 'token', expires_in: 3600 }));
    });
    const file = join(base, 'account.json');
    const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const client_email = 'dais@project.iam.gserviceaccount.com';
    await writeFile(file, JSON.stringify({ type: 'service_account', client_email, private_key, token_uri: tokens }));
    const google = {
      ...keys(),
      data: join(base, 'google'),
      'blobs.type': 'gcs',
      'blobs.bucket': 'content',
      'blobs.endpoint': gcs.url,
      'blobs.credentialsFile': file,
    };
    await restoreInstallation({ flags: google, from: join(base, 'backup') });
    await start(google);
    expect(Buffer.from(await (await call(artifact)).arrayBuffer()).equals(bytes)).toBe(true);
    expect(await (await call('/api/v1/keys')).json()).toMatchObject({
      items: [{ keyId: 'vault:transit/dais', current: true, held: true }],
    });
  });
});
