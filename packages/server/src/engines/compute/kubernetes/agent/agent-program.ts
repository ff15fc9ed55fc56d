/** The program of the container `agent`. */
import { systemClock } from '#lib/clock.ts';
import { createLineLog } from '#lib/telemetry/line-log.ts';
import { Agent } from './agent.ts';
import { readAgentOptions } from './agent-options.ts';

/** Timers of the clock do not keep the process alive. */
const KEEP_ALIVE_MS = 2 ** 30;

async function main(args: readonly string[]): Promise<number> {
  const options = readAgentOptions(args, process.env);
  const log = createLineLog({
    format: 'json',
    level: 'info',
    write: (line) => void process.stderr.write(line),
    now: () => systemClock.now(),
    version: '1',
    role: 'agent',
    pid: process.pid,
  });
  const terminated = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => terminated.abort());
  const timer = setInterval(() => {}, KEEP_ALIVE_MS);
  try {
    const agent = new Agent(options, { clock: systemClock, random: Math.random, log, terminated: terminated.signal });
    return await agent.run();
  } finally {
    clearInterval(timer);
  }
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
