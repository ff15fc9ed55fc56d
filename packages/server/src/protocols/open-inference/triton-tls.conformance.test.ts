/** NVIDIA's own clients over TLS, HTTP and gRPC, before and after the certificate is renewed. */
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endpoint, model, snapshot, startWorld, type GatewayWorld } from '#gateway/testing/gateway-world.ts';
import { makeCertificates } from '#lib/crypto/certificates.testing.ts';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';

const folder = fileURLToPath(new URL('../../../../../conformance/serving/', import.meta.url));
/** In ms; excludes building the environment. */
const PATIENCE = 200_000;

let world: GatewayWorld;
/** As the supervisor hands connections over. */
let broker: Server;
let first: Awaited<ReturnType<typeof makeCertificates>>;
beforeAll(async () => {
  first = await makeCertificates();
  world = await startWorld({ listen: { grpcPort: 0, tls: first } });
  await world.gateway.swap(snapshot(1, [model('sum')], [endpoint('sum', [['stable', 'sum', 10_000]])]));
  broker = createServer((socket) => world.gateway.accept(socket));
  await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  broker.close();
  await world.stop();
});

async function ask(ca: string): Promise<{ readonly code: number; readonly stderr: string; readonly output: string }> {
  const python = await pythonEnvironment('serving', join(folder, 'requirements.txt'));
  const authority = join(world.folder, 'ca.pem');
  await writeFile(authority, ca);
  const ports = [(broker.address() as AddressInfo).port, world.gateway.grpcPort].map((port) => `localhost:${port}`);
  const { code, stdout, stderr } = await run(
    join(python, 'bin', 'python'),
    ['-W', 'ignore', join(folder, 'triton_tls.py'), ...ports, authority],
    { env: { PATH: '/usr/bin:/bin', HOME: world.folder, LANG: 'C.UTF-8' }, cwd: world.folder, timeoutMs: PATIENCE },
  );
  return { code, stderr, output: stdout.toString('utf8').trim() };
}

test('HTTP and gRPC use TLS, plain gRPC is rejected, and a renewed certificate is used from then on', async () => {
  const answered = '{"https": 1, "grpcs": 1, "refused": 1}';
  expect(await ask(first.ca)).toMatchObject({ code: 0, output: answered });
  const second = await makeCertificates();
  world.gateway.setTls(second);
  expect(await ask(second.ca)).toMatchObject({ code: 0, output: answered });
  expect((await ask(first.ca)).code).not.toBe(0);
});
