/** NVIDIA's own clients (HTTP, asyncio, gRPC and its streams), unmodified, in a separate Python environment. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endpoint, model, snapshot, startWorld, type GatewayWorld } from '#gateway/testing/gateway-world.ts';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';

const folder = fileURLToPath(new URL('../../../../../conformance/serving/', import.meta.url));
/** In ms; excludes building the environment. */
const PATIENCE = 200_000;
const DATATYPES = 'BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 BF16 FP32 FP64 BYTES'.split(' ');

let world: GatewayWorld;
beforeAll(async () => {
  world = await startWorld();
  const names = ['sum', ...DATATYPES.map((datatype) => `identity-${datatype}`)];
  await world.gateway.swap(
    snapshot(
      1,
      names.map((name) => model(name)),
      names.map((name) => endpoint(name, [['stable', name, 10_000]])),
    ),
  );
});
afterAll(async () => {
  await world.stop();
});

async function client(environment: string, requirements: string, script: string): Promise<unknown> {
  const python = await pythonEnvironment(environment, `${folder}${requirements}`);
  const { code, stdout, stderr } = await run(
    `${python}/bin/python`,
    ['-W', 'ignore', `${folder}${script}`, `127.0.0.1:${world.gateway.port}`, `127.0.0.1:${world.gateway.grpcPort}`],
    {
      env: { PATH: '/usr/bin:/bin', HOME: world.folder, LANG: 'C.UTF-8' },
      cwd: world.folder,
      timeoutMs: PATIENCE,
      maxOutputBytes: 1 << 20,
    },
  );
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout.toString('utf8'));
}

test('tritonclient: 14 datatypes in JSON and in binary, plain and compressed, over HTTP and gRPC', async () => {
  expect(await client('serving', 'requirements.txt', 'triton_client.py')).toEqual({
    // 12 datatypes in 4 forms and 2 in one, each in 3 compressions.
    http: 150,
    'http-large': 6,
    'http-async': 20,
    'http-refused': 2,
    aio: 50,
    grpc: 42,
    'grpc-refused': 2,
    'grpc-stream': 10,
    'grpc-typed': 12,
    classes: 5,
  });
});

test('kserve: its clients of both protocols', async () => {
  expect(await client('serving-kserve', 'requirements-kserve.txt', 'kserve_client.py')).toEqual({
    'v1-http': 1,
    'v2-http': 3,
    'v2-grpc': 2,
  });
});
