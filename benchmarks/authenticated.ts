/**
 * A claim about accounts: reading one resource with a token costs at most 15 % more than reading it as the owner of a server
 * without accounts, in CPU and in median time, at 1 and at 16 connections. Both servers run at the same time and are measured in
 * alternating rounds, over kept connections and with a new connection for each read.
 *
 * `--reads N` (default 1,000) is the number of reads per round, `--rounds N` the number of rounds, `--only PATTERN` selects lines.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { apply, viewerToken } from './lib/build-server.ts';
import { CallComparison, COMPARISON_FLAGS, type CallServer } from './lib/call-comparison.ts';
import { Claims } from './lib/claims.mjs';
import { HttpClient, type ConnectionMode } from './lib/http-client.ts';
import { runCalls, type LoadFigures } from './lib/load.ts';
import { benchmarkFolder, describeMachine, startOwnServer, type OwnServer } from './lib/own-server.ts';
import { describeInterval, ratioOf } from './lib/paired-ratio.ts';

const { values: flags } = parseArgs({ options: { reads: { type: 'string', default: '1000' }, ...COMPARISON_FLAGS } });
const READS = Number(flags.reads);
const LIMIT = 1.15;
const WARM_MS = 3000;

const folder = await benchmarkFolder('authenticated');
console.log(`${describeMachine()}\n`);
const claims = new Claims();
const comparison = new CallComparison({
  unit: 'ms',
  rounds: Number(flags.rounds),
  warmMs: WARM_MS,
  only: new RegExp(flags.only),
  claims,
});
const servers: OwnServer[] = [];
try {
  for (const mode of ['solo', 'accounts']) servers.push(await start(mode));
  const [solo, accounts] = servers as [OwnServer, OwnServer];
  const reader = await viewerToken({ url: accounts.url, ownerToken: accounts.token });
  for (const connections of [1, 16]) {
    const clients: HttpClient[] = [];
    const reads = ({ name, url, pids }: OwnServer, token: string): CallServer => {
      const load = (mode: ConnectionMode) => {
        const client = new HttpClient(url, { mode, connections, token });
        clients.push(client);
        return async () =>
          await runCalls(READS, connections, async () => await client.send({ path: '/api/v1/secrets/read' }));
      };
      return { name, pids, loads: { kept: load('kept'), new: load('new') } };
    };
    const call = `read of a resource, ${connections} connection${connections === 1 ? '' : 's'}`;
    const samples = await comparison.measure(call, reads(solo, solo.token), [reads(accounts, reader)]);
    for (const client of clients) await client.close();
    const [without, withToken] = [samples.get(solo.name), samples.get(accounts.name)];
    if (without === undefined || withToken === undefined) continue;
    const p50 = (figures: readonly LoadFigures[]) => figures.map((one) => one.p50);
    report(`${call}, CPU`, withToken.kept, without.kept);
    report(`${call}, median time`, p50(withToken.figures), p50(without.figures));
  }
} finally {
  for (const server of servers) await server.stop();
}
comparison.print();
claims.end();

async function start(mode: string): Promise<OwnServer> {
  const home = join(folder, mode);
  await mkdir(home);
  const server = await startOwnServer(home, { 'authentication.mode': mode }, `Dais, ${mode}`);
  await apply({ url: server.url, ownerToken: server.token }, [{ kind: 'Secret', name: 'read', spec: {} }]);
  return server;
}

function report(what: string, withToken: readonly number[], without: readonly number[]): void {
  const ratio = ratioOf(withToken, without);
  const claim = `${what}: a token costs at most ${LIMIT} times as much`;
  console.log(
    `${claim}: ${describeInterval(ratio, ' ×')}: ${claims.judge(claim, ratio.mean <= LIMIT, describeInterval(ratio, ' ×'))}`,
  );
}
