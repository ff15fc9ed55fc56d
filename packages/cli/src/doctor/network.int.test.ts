import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkTargets, configTargets, packageTargets } from '#doctor/network.ts';

let server: Server;
let port: number;
let closedPort: number;

async function listen(one: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    one.listen(0, '127.0.0.1', resolve);
  });
  return (one.address() as AddressInfo).port;
}

beforeAll(async () => {
  server = createServer((_request, response) => response.writeHead(403).end());
  port = await listen(server);
  const other = createServer();
  closedPort = await listen(other);
  other.close();
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('the registries are those of the local tool settings', async () => {
  const variables = {
    PATH: process.env['PATH'],
    npm_config_registry: `http://127.0.0.1:${port}/npm/`,
    PIP_INDEX_URL: `http://127.0.0.1:${port}/simple/`,
  };
  expect((await packageTargets(variables)).map((target) => [target.name, target.url])).toEqual([
    ['npm registry', variables.npm_config_registry],
    ['Python index', variables.PIP_INDEX_URL],
  ]);
});

test('hosts of the configuration', () => {
  const targets = configTargets({
    database: { url: 'postgres://db:5433/dais' },
    blobs: { type: 's3', region: 'eu-central-1' },
    keys: { type: 'vault', address: 'https://vault.internal:8200' },
    otlp: { endpoint: 'http://127.0.0.1:4318' },
  });
  expect(targets.map((target) => target.url)).toEqual([
    'postgres://db:5433/dais',
    'https://s3.eu-central-1.amazonaws.com',
    'https://vault.internal:8200',
    'http://127.0.0.1:4318',
  ]);
  const of = (blobs: { type: string; account?: string }, keys: { type: string; keys?: string[] }) =>
    configTargets({ database: {}, blobs, keys, otlp: {} }).map((target) => target.url);
  expect(
    of({ type: 'azure', account: 'a' }, { type: 'azure-key-vault', keys: ['https://v.vault.azure.net/keys/k'] }),
  ).toEqual(['https://a.blob.core.windows.net', 'https://v.vault.azure.net/keys/k']);
  expect(of({ type: 'gcs' }, { type: 'google-kms' })).toEqual([
    'https://storage.googleapis.com',
    'https://cloudkms.googleapis.com',
  ]);
  expect(configTargets({ database: {}, blobs: { type: 'fs' }, keys: { type: 'file' }, otlp: {} })).toEqual([]);
});

test('a host that responds, even with an error; one that only accepts connections; one that nothing listens on', async () => {
  const change = 'a setting';
  const targets = [
    { name: 'web', url: `http://user:secret@127.0.0.1:${port}/path?token=x`, change },
    { name: 'database', url: `postgres://u:secret@127.0.0.1:${port}/dais`, change },
    { name: 'closed', url: `http://127.0.0.1:${closedPort}/`, change },
    { name: 'no database', url: `postgres://u:secret@127.0.0.1:${closedPort}/dais`, change },
  ];
  const findings = await checkTargets(targets, {}, () => 0);
  expect(findings).toMatchObject([
    { state: 'ok', detail: `http://127.0.0.1:${port}/path responds (403) after 0 ms` },
    { state: 'ok', detail: `postgres://127.0.0.1:${port} accepts connections after 0 ms` },
    { state: 'problem', detail: `http://127.0.0.1:${closedPort}/: connection refused (ECONNREFUSED)` },
    { state: 'problem', remedy: expect.stringContaining(change) as string },
  ]);
  expect(JSON.stringify(findings)).not.toContain('secret');
});
