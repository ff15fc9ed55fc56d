/** A kernel in a separate process, for tests that suspend and kill it. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ConnectionOptions } from '#engines/database/contract.ts';
import { start, type ChildProcess } from '#lib/process.ts';

/** The setup of a replica: JSON in its first argument. */
export interface ReplicaSetup {
  readonly connection: ConnectionOptions;
  /** Stored with every cell that it builds. */
  readonly name: string;
  readonly leaseMs: number;
  /** The delay of each effect of a Machine. */
  readonly effectMs: number;
  /** It ends itself, without a word, before or after the effect of this number (from 0), as a crash would. */
  readonly crash?: { readonly when: 'before' | 'after'; readonly effect: number };
}

/** One line on a replica's stdout. `refused`: a write failed after another replica took over. */
export interface ReplicaLine {
  readonly at: 'ready' | 'effect' | 'refused' | 'log';
  readonly detail: string;
}

export interface Replica {
  readonly process: ChildProcess;
  readonly lines: readonly ReplicaLine[];
  /** Resolves to the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  said(at: ReplicaLine['at']): readonly string[];
  kill(signal: NodeJS.Signals): void;
}

export function startReplica(setup: ReplicaSetup): Replica {
  const program = fileURLToPath(new URL('./replica-program.ts', import.meta.url));
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const child = start(
    process.execPath,
    ['--conditions=dais-source', '--import', loader, program, JSON.stringify(setup)],
    { env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines: ReplicaLine[] = [];
  let rest = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((line) => JSON.parse(line) as ReplicaLine));
  });
  return {
    process: child,
    lines,
    ended: once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string),
    said: (at) => lines.filter((line) => line.at === at).map((line) => line.detail),
    kill: (signal) => void child.kill(signal),
  };
}
