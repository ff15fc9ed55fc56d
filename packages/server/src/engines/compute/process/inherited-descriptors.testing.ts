/** A program that is started with inherited descriptors: it runs one task per variant and prints which descriptors each has. */
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { never, shell, textOf } from '../suite.ts';
import { openProcessCompute } from './process-compute.ts';

/** Prints the numbers of open descriptors. Landlock permits no /proc/self/fd. */
const LIST = `perl -e 'use POSIX (); print join " ", "open:", grep { defined(my $copy = POSIX::dup($_)) } 3 .. 300'`;

export async function listDescriptors(root: string): Promise<void> {
  const found: Record<string, string> = {};
  for (const launcher of [undefined, 'none'] as const) {
    const compute = await openProcessCompute({
      root: `${root}-${launcher ?? 'launcher'}`,
      clock: systemClock,
      log: silentLog,
      ...(launcher !== undefined && { launcher }),
    });
    for (const isolation of ['required', 'none'] as const) {
      const spec = shell(LIST, { isolation });
      await compute.submit(spec);
      // Waiting for a task does not keep the process alive.
      const alive = setInterval(() => {}, 1000);
      await compute.wait(spec.attempt, never);
      clearInterval(alive);
      found[`${launcher ?? 'launcher'} ${isolation}`] = await textOf(compute, spec.attempt);
      await compute.forget(spec.attempt);
    }
    await compute.close();
  }
  process.stdout.write(JSON.stringify(found));
}
