/**
 * Reads the opcodes of a pickle as CPython would, protocols 0 to 5, and executes none: what it names, what it calls. Names that
 * are put together at run time count as unknown, opcodes that are not there as a fault. Memory is bounded by what is read.
 *
 * `joblib.dump` writes the bytes of arrays between the opcodes. The scan steps over them as `joblib.load` does, and scans what
 * `pickle.load` would execute instead.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { PickleEnd, PickleFault } from './pickle-fault.ts';
import { PickleMachine, type PickleLook } from './pickle-machine.ts';

export { PickleCut, PickleEnd, PickleFault } from './pickle-fault.ts';
export type { PickleLook } from './pickle-machine.ts';

/** Opcodes after which others get their turn. */
const SLICE = 100_000;

export function emptyLook(): PickleLook {
  return {
    names: new Map(),
    calls: 0,
    dynamic: false,
    extension: false,
    callsMade: false,
    reachesThrough: false,
    words: new Set(),
  };
}

/** Gives the offset behind the pickle that starts at `from`. @throws PickleFault for what is none; what was seen stays in `look`. */
export async function scanPickle(bytes: Buffer, from: number, look: PickleLook): Promise<number> {
  const scan = new PickleMachine({ bytes, at: from, look, reader: 'joblib' });
  await scanToEnd(scan);
  return scan.at;
}

async function scanToEnd(scan: PickleMachine): Promise<void> {
  for (let opcodes = 1; ; opcodes++) {
    const reached = scan.step();
    if (reached === 'end') return;
    if (reached === 'objects') await scanObjects(scan);
    if (opcodes % SLICE === 0) await turn();
  }
}

/** joblib reads an array of objects as a pickle of its own, `pickle.load` as more opcodes of the same. */
async function scanObjects(scan: PickleMachine): Promise<void> {
  if (scan.isReadAlike) {
    scan.isReadAlike = false;
    scan.look.unlikeJoblib ??= emptyLook();
    try {
      await scanToEnd(scan.withoutJoblib(scan.look.unlikeJoblib));
    } catch (error) {
      if (!(error instanceof PickleEnd)) throw error;
    }
  }
  const inner = scan.inside();
  await scanToEnd(inner);
  if (!inner.isBetweenFrames) throw new PickleFault('a frame does not end with its array');
  scan.at = inner.at;
}
