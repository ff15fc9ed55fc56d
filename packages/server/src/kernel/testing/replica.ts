/** A kernel in a separate process, for tests that suspend and kill it. */
import { once } from 'node:events';
import type { ConnectionOptions } from '#engines/database/contract.ts';
import type { ChildProcess } from '#lib/process.ts';
import { startModule } from '#lib/module-program.testing.ts';

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
  reported(at: ReplicaLine['at']): readonly string[];
  kill(signal: NodeJS.Signals): void;
}

export async function startReplica(setup: ReplicaSetup): Promise<Replica> {
  const child = await startModule({
    module: new URL('./replica-program.ts', import.meta.url),
    argument: setup,
    env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' },
    stdout: 'pipe',
    stderr: 'inherit',
  });
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
    reported: (at) => lines.filter((line) => line.at === at).map((line) => line.detail),
    kill: (signal) => void child.kill(signal),
  };
}
