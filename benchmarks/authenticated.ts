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
import { COMPARISON_FLAGS, type CallServer } from './lib/call-comparison.ts';
import { HttpLoads } from './lib/http-loads.ts';
import { runCalls, type LoadFigures } from './lib/load.ts';
import { startOwnServer, type OwnServer } from './lib/own-server.ts';
import { describeInterval, ratioOf } from './lib/paired-ratio.ts';
import { ServerComparison } from './lib/server-comparison.ts';

const { values: flags } = parseArgs({ options: { reads: { type: 'string', default: '1000' }, ...COMPARISON_FLAGS } });
const READS = Number(flags.reads);
const LIMIT = 1.15;
const WARM_MS = 3000;

const comparison = new ServerComparison('authenticated', { unit: 'ms', warmMs: WARM_MS, flags });
await comparison.run(async () => {
  const [solo, accounts] = [await start('solo'), await start('accounts')];
  const reader = await viewerToken({ url: accounts.url, ownerToken: accounts.token });
  for (const connections of [1, 16]) {
    const loads = new HttpLoads();
    const reads = ({ name, url, pids }: OwnServer, token: string): CallServer => ({
      name,
      pids,
      loads: loads.of(
        url,
        { connections, token },
        (client) => async () =>
          await runCalls(READS, connections, async () => await client.send({ path: '/api/v1/secrets/read' })),
      ),
    });
    const call = `read of a resource, ${connections} connection${connections === 1 ? '' : 's'}`;
    const samples = await comparison.calls.measure(call, reads(solo, solo.token), [reads(accounts, reader)]);
    await loads.close();
    const [without, withToken] = [samples.get(solo.name), samples.get(accounts.name)];
    if (without === undefined || withToken === undefined) continue;
    const p50 = (figures: readonly LoadFigures[]) => figures.map((one) => one.p50);
    report(`${call}, CPU`, withToken.kept, without.kept);
    report(`${call}, median time`, p50(withToken.figures), p50(without.figures));
  }
});

async function start(mode: string): Promise<OwnServer> {
  const home = join(comparison.folder, mode);
  await mkdir(home);
  const server = comparison.add(await startOwnServer(home, { 'authentication.mode': mode }, `Dais, ${mode}`));
  await apply({ url: server.url, ownerToken: server.token }, [{ kind: 'Secret', name: 'read', spec: {} }]);
  return server;
}

function report(what: string, withToken: readonly number[], without: readonly number[]): void {
  const measured = ratioOf(withToken, without);
  const shown = describeInterval(measured, ' ×');
  const claim = `${what}: a token costs at most ${LIMIT} times as much`;
  console.log(`${claim}: ${shown}: ${comparison.claims.judge(claim, measured.mean <= LIMIT, shown)}`);
}
