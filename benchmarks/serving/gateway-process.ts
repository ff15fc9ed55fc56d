/** A gateway with one endpoint, as a process of its own. Arguments: folder, file of the model. Prints its port. */
import { basename, dirname } from 'node:path';
import { servingDoors, servingRpcs } from '../../packages/server/src/compose-serving.ts';
import { OnnxInference } from '../../packages/server/src/engines/inference/onnx/onnx-engine.ts';
import { startGateway } from '../../packages/server/src/gateway/index.ts';
import { systemClock } from '../../packages/server/src/lib/clock.ts';

const [folder = '', file = ''] = process.argv.slice(2);
const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent, child: () => log };
const gateway = await startGateway({
  engines: [new OnnxInference({ clock: systemClock, log })],
  doors: servingDoors(),
  rpcs: servingRpcs(),
  files: async () => ({ folder: dirname(file), path: basename(file) }),
  listen: { port: 0, grpcPort: 0 },
  folder,
  number: 0,
  version: '0',
  clock: systemClock,
  log,
});
const { failed } = await gateway.swap({
  v: 1,
  revision: 1,
  at: '2026-01-01T00:00:00Z',
  access: { mode: 'solo' },
  models: [
    {
      key: 'm',
      project: 'default',
      name: 'm',
      version: '1',
      aliases: [],
      files: [],
      trust: 'trusted',
      workers: { min: 1, max: 1, idleMs: 0 },
    },
  ],
  endpoints: [
    {
      project: 'default',
      name: 'm',
      uid: 'uid-m',
      generation: 1,
      variants: [{ name: 'stable', model: 'm', weight: 10_000 }],
      pins: [],
      shadow: [],
      timeoutMs: 30_000,
      bodyBytes: 4 << 20,
      queue: { rows: 1000, bytes: 64 << 20 },
      batching: { rows: 64, delayMs: 0 },
      capture: { policy: 'off', share: 1, overflow: 'drop', omit: [] },
      enforce: true,
    },
  ],
});
for (const reason of failed.values()) console.error(reason);
console.log(JSON.stringify({ port: gateway.port }));
// Until it is killed.
setInterval(() => {}, 60_000);
