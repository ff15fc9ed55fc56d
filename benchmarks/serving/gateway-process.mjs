/**
 * A gateway with one endpoint, as a process of its own, of the built packages: what is run from sources writes the name of each
 * function anew at each call. Arguments: folder, file of the model. Prints its port.
 */
import { basename, dirname } from 'node:path';
const built = async (/** @type {string} */ file) =>
  await import(new URL(`../../packages/server/dist/${file}`, import.meta.url).href);
const { servingDoors, servingRpcs } = await built('compose-serving.js');
const { OnnxInference } = await built('engines/inference/onnx/onnx-engine.js');
const { startGateway } = await built('gateway/index.js');
const { systemClock } = await built('lib/clock.js');

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
