/**
 * A claim about accounts: reading one resource with a token costs at most 15 % more than reading it as the owner of a
 * server without accounts, in time at one and at 16 connections and in processor time of the whole.
 *
 * Both servers run beside each other and are asked in turn, so that both see the same machine.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { loadavg } from 'node:os';
import { Writable } from 'node:stream';
import { startDais, type RunningDais } from '@dais/server';
import { Claims } from './lib/claims.mjs';

const claims = new Claims();
const ROUNDS = 8;
const ROUND_MS = 1500;
/** USER_HZ: what /proc counts in. */
const TICK_MS = 10;

interface Subject {
  readonly dais: RunningDais;
  readonly headers: Readonly<Record<string, string>>;
  readonly times: Map<number, number[]>;
  cpuMs: number;
  requests: number;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function ask(
  url: string,
  options: { readonly method?: string; readonly headers: object; readonly body?: string; readonly agent?: Agent },
): Promise<Answer> {
  const { method = 'GET', headers, body, agent } = options;
  return await new Promise((resolve, reject) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request(url, { method, headers: { ...json, ...headers }, ...(agent && { agent }) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.once('error', reject).end(body);
  });
}

async function must(answer: Promise<Answer>): Promise<Record<string, string>> {
  const { status, text } = await answer;
  if (status >= 300) throw new Error(`${status} ${text}`);
  return JSON.parse(text) as Record<string, string>;
}

async function start(mode: 'solo' | 'accounts'): Promise<RunningDais> {
  const stdout = new Writable({ write: (_chunk, _encoding, done) => done() });
  const flags = { port: 0, 'log.format': 'json', 'authentication.mode': mode };
  const dais = await startDais({ flags, ephemeral: true, stdout, color: false });
  const headers = owner(dais);
  const manifest = { apiVersion: 'dais.dev/v1', kind: 'Secret', metadata: { name: 'read' }, spec: {} };
  await must(ask(`${dais.url}/api/v1/secrets`, { method: 'POST', headers, body: JSON.stringify(manifest) }));
  return dais;
}

function owner(dais: RunningDais): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${readFileSync(dais.tokenFile, 'utf8').trim()}` };
}

/** A token of a service account that may read one project. */
async function tokenOf(dais: RunningDais): Promise<Readonly<Record<string, string>>> {
  const headers = owner(dais);
  const make = async (path: string, body: object) =>
    await must(ask(`${dais.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) }));
  const manifest = (kind: string, spec: object) => ({ apiVersion: 'dais.dev/v1', kind, metadata: { name: 'b' }, spec });
  await make('/api/v1/serviceaccounts', manifest('ServiceAccount', {}));
  await make('/api/v1/rolebindings', manifest('RoleBinding', { role: 'viewer', serviceAccounts: ['b'] }));
  return { authorization: `Bearer ${(await make('/api/v1/serviceaccounts/b/tokens', { title: 'bench' }))['token']}` };
}

function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

async function round(subject: Subject, connections: number): Promise<void> {
  const { dais, headers } = subject;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const until = performance.now() + ROUND_MS;
  const times = subject.times.get(connections) ?? [];
  subject.times.set(connections, times);
  const before = cpuMs(dais.controlPid ?? 0);
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < until) {
        const from = performance.now();
        const { status } = await ask(`${dais.url}/api/v1/secrets/read`, { headers, agent });
        if (status !== 200) throw new Error(`a read answered ${status}`);
        times.push(performance.now() - from);
        subject.requests++;
      }
    }),
  );
  subject.cpuMs += cpuMs(dais.controlPid ?? 0) - before;
  agent.destroy();
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

function report(name: string, solo: number, accounts: number, unit: string): void {
  const ratio = accounts / solo;
  const kept = claims.judge(name, ratio <= 1.15);
  console.log(
    `${name.padEnd(28)} solo ${solo.toFixed(3)} ${unit}   token ${accounts.toFixed(3)} ${unit}   ratio ${ratio.toFixed(2)}   limit 1.15   ${kept}`,
  );
}

const [solo, accounts] = await Promise.all([start('solo'), start('accounts')]);
const subject = (dais: RunningDais, headers: Subject['headers']): Subject => ({
  dais,
  headers,
  times: new Map(),
  cpuMs: 0,
  requests: 0,
});
console.log(
  `load before ${loadavg()
    .map((n) => n.toFixed(2))
    .join(' ')}`,
);
try {
  // As a program of the owner calls a server without accounts: with its token.
  const both = [subject(solo, owner(solo)), subject(accounts, await tokenOf(accounts))] as const;
  for (const one of both) await round(one, 16);
  for (const one of both) Object.assign(one, { times: new Map(), cpuMs: 0, requests: 0 });
  for (let n = 0; n < ROUNDS; n++) {
    for (const connections of [1, 16]) {
      for (const one of n % 2 === 0 ? both : both.toReversed()) await round(one, connections);
    }
  }
  const [a, b] = both;
  for (const connections of [1, 16]) {
    report(
      `median, ${connections} connections`,
      median(a.times.get(connections) ?? []),
      median(b.times.get(connections) ?? []),
      'ms',
    );
  }
  report('processor time of a request', a.cpuMs / a.requests, b.cpuMs / b.requests, 'ms');
} finally {
  await Promise.all([solo.stop(), accounts.stop()]);
}
console.log(
  `load after ${loadavg()
    .map((n) => n.toFixed(2))
    .join(' ')}`,
);
claims.end();
