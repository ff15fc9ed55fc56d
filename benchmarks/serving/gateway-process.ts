/**
 * A gateway with one endpoint, as a process of its own. Arguments: folder, file of the model, `process` where the model must
 * run in an isolated process. Prints its ports.
 */
import { basename, dirname } from 'node:path';
import { servingDoors, servingRpcs } from '../../packages/server/src/compose/serving.ts';
import { OnnxInference } from '../../packages/server/src/engines/inference/onnx/onnx-engine.ts';
import { startGateway } from '../../packages/server/src/gateway/index.ts';
import { endpoint, model, snapshot } from '../../packages/server/src/gateway/testing/gateway-world.ts';
import { systemClock } from '../../packages/server/src/lib/clock.ts';
import { silentLog as log } from '../../packages/server/src/lib/log.ts';

const [folder = '', file = '', path = 'gateway'] = process.argv.slice(2);
const gateway = await startGateway({
  engines: [new OnnxInference({ clock: systemClock, log, onlyProcesses: path === 'process' })],
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
const { failed } = await gateway.swap(snapshot(1, [model('m')], [endpoint('m', [['stable', 'm', 10_000]])]));
for (const reason of failed.values()) throw new Error(reason);
console.log(JSON.stringify({ port: gateway.port, grpcPort: gateway.grpcPort }));
// Until it is killed.
setInterval(() => {}, 60_000);
