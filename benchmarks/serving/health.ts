/** Time until a gateway is ready: polled 50 times per second over one connection. */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const EACH_MS = 20;

export interface HealthTimes {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

export async function healthTimes(port: number, seconds: number): Promise<HealthTimes> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  const endsAt = performance.now() + seconds * 1000;
  while (performance.now() < endsAt) {
    const sentAt = performance.now();
    await ask(port, agent);
    times.push(performance.now() - sentAt);
    await delay(EACH_MS);
  }
  agent.destroy();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

async function ask(port: number, agent: Agent): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const requested = request({ host: '127.0.0.1', port, agent, path: '/v2/health/ready' }, (answer) => {
      answer.resume();
      answer.once('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error('it is not ready'))));
    });
    requested.once('error', reject);
    requested.end();
  });
}
