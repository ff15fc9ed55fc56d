/**
 * The cost of isolation and of the network of steps: CPU time to start a step without isolation, an isolated one
 * without network, one that reaches Dais, and one that also has the proxy, in alternating rounds of one run; then CPU
 * time of the proxy for each megabyte that it carries, by tunnel and by requests in absolute form. Everything is on
 * loopback; the client and the server are separate processes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus, loadavg } from 'node:os';
import { createServer, type AddressInfo } from 'node:net';
import { startEngine } from '../packages/server/src/engines/compute/process/engine.testing.ts';
import { shell } from '../packages/server/src/engines/compute/suite.ts';
import { ForwardProxy } from '../packages/server/src/lib/outbound/forward-proxy.ts';
import { TestNet } from '../packages/server/src/lib/outbound/outbound.testing.ts';
import { Claims } from './lib/claims.mjs';
import { killAtEnd } from './lib/cleanup.mjs';
import { cpuOf, ownCpuOf } from './lib/processes.ts';

const ROUNDS = 40;
const MEGABYTES = 1024;
const START_LIMIT_MS = 30;
const CARRY_LIMIT_MS = 2;

// Nothing of the engine keeps a process alive.
const alive = setInterval(() => {}, 60_000);
const claims = new Claims();
const net = new TestNet();
const proxy = new ForwardProxy(net.client());
console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`);

const reach = [{ port: 8470, accept: (socket: { destroy(): void }) => socket.destroy() }];
const taskProxy = { port: 3128, server: proxy };
const kinds = [
  { name: 'is not isolated', isolation: 'none' as const, network: false, engine: await startEngine() },
  { name: 'reaches nothing', network: false, engine: await startEngine() },
  { name: 'reaches Dais', network: false, engine: await startEngine({ reach }) },
  { name: 'reaches Dais and the proxy', network: true, engine: await startEngine({ reach, proxy: taskProxy }) },
];
const spent = kinds.map(() => [] as number[]);
for (let round = -2; round < ROUNDS; round++) {
  for (const [at, { network, engine, isolation = 'required' }] of kinds.entries()) {
    const before = cpuOf([process.pid]);
    const started = performance.now();
    await engine.finish(shell('true', { isolation, network }));
    const wall = performance.now() - started;
    if (round >= 0) spent[at]!.push(cpuOf([process.pid]) - before, wall);
  }
}
const figures = spent.map((pairs) => ({
  cpu: pairs.filter((_, at) => at % 2 === 0).reduce((sum, one) => sum + one, 0) / ROUNDS,
  wall: pairs.filter((_, at) => at % 2 === 1).toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0,
}));
for (const [at, { name }] of kinds.entries()) {
  const { cpu, wall } = figures[at]!;
  console.log(`start and end of a step that ${name}: ${cpu.toFixed(1)} ms of CPU, ${wall.toFixed(0)} ms on the clock`);
}
const isolation = figures[3]!.cpu - figures[0]!.cpu;
const isKept = claims.judge(
  'isolation of a step with network',
  isolation <= START_LIMIT_MS,
  `${isolation.toFixed(1)} ms`,
);
console.log(
  `isolation with network costs ${isolation.toFixed(1)} ms of CPU for each step (at most ${START_LIMIT_MS}: ${isKept})`,
);
for (const { engine } of kinds) await engine.end();

/** Runs a module with an IPC channel in a process of its own. */
const runOther = (body: string, argument: string) => {
  const program = `const argument = ${JSON.stringify(argument)};\n${body}`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  other.once('exit', killAtEnd(other.pid ?? 0));
  return other;
};

const source = runOther(
  `import { createServer } from 'node:http';
   const chunk = Buffer.alloc(2 ** 20);
   const server = createServer((_, response) => {
     let left = ${MEGABYTES};
     const more = () => { while (left > 0) { left -= 1; if (!response.write(chunk)) return response.once('drain', more); } response.end(); };
     more();
   });
   server.listen(0, '127.0.0.1', () => process.send(server.address().port));`,
  '',
);
const [sourcePort] = (await once(source, 'message')) as [number];
const listener = createServer((socket) => proxy.accept(socket, {})).listen(0, '127.0.0.1');
await once(listener, 'listening');
const { port } = listener.address() as AddressInfo;
for (const way of ['tunnel', 'request'] as const) {
  const before = ownCpuOf(process.pid);
  const started = performance.now();
  const client = runOther(
    `import { connect } from 'node:net';
     const socket = connect(${port}, '127.0.0.1');
     const get = 'GET ' + (argument === 'tunnel' ? '/' : 'http://127.0.0.1:${sourcePort}/') + ' HTTP/1.1\\r\\nHost: 127.0.0.1:${sourcePort}\\r\\nConnection: close\\r\\n\\r\\n';
     let bytes = 0;
     socket.on('data', (data) => {
       if (bytes === 0 && argument === 'tunnel') socket.write(get);
       bytes += data.length;
     }).on('close', () => { process.send(bytes); process.disconnect(); });
     socket.write(argument === 'tunnel' ? 'CONNECT 127.0.0.1:${sourcePort} HTTP/1.1\\r\\n\\r\\n' : get);`,
    way,
  );
  const [bytes] = (await once(client, 'message')) as [number];
  if (bytes < MEGABYTES * 2 ** 20) throw new Error(`only ${bytes} bytes came through the ${way}`);
  const perMegabyte = (ownCpuOf(process.pid) - before) / MEGABYTES;
  const rate = MEGABYTES / ((performance.now() - started) / 1000);
  const kept = claims.judge(`proxy by ${way}`, perMegabyte <= CARRY_LIMIT_MS, `${perMegabyte.toFixed(2)} ms per MB`);
  console.log(
    `proxy by ${way}: ${perMegabyte.toFixed(2)} ms of CPU for each MB (at most ${CARRY_LIMIT_MS}: ${kept}), ${rate.toFixed(0)} MB/s`,
  );
}
source.kill();
listener.close();
proxy.close();
await net.end();
clearInterval(alive);
claims.end();
