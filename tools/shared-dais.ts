/** After the tests of a project: stops the Dais that its workers shared, and removes their folders. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A limit against hanging: it ends what it runs first. */
const STOP_MS = 60_000;

export function setup(project: { provide(key: 'sharedDais', value: string): void }) {
  // Short: sockets are below it.
  const folder = mkdtempSync(join(tmpdir(), 'ds-'));
  project.provide('sharedDais', folder);
  return async () => {
    await Promise.all(readdirSync(folder).map(async (kind) => await stop(join(folder, kind))));
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
}

async function stop(folder: string): Promise<void> {
  const file = join(folder, 'pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8'));
  if (!isRunning(pid)) return;
  process.kill(pid, 'SIGTERM');
  for (const until = performance.now() + STOP_MS; isRunning(pid); await delay(50)) {
    if (performance.now() > until) throw new Error(`the shared Dais ${pid} does not end`);
  }
}

/** A zombie is not: who started it has ended. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder in which all workers keep the Dais that their files share. */
    sharedDais: string;
  }
}
