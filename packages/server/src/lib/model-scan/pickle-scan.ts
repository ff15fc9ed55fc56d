/**
 * Reads the opcodes of a pickle like CPython, protocols 0 to 5, without executing any: collects names and calls. Names
 * that are composed at run time count as unknown, unknown opcodes as errors. Memory is limited by the input size.
 * `joblib.dump` writes the bytes of arrays between the opcodes. The scan skips them like `joblib.load`, and also scans
 * what `pickle.load` would execute instead.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { PickleBytes } from './pickle-bytes.ts';
import { PickleEnd, PickleError } from './pickle-error.ts';
import type { PickleContent } from './pickle-content.ts';
import { PickleMachine } from './pickle-machine.ts';

export { PickleBytes } from './pickle-bytes.ts';
export { PickleEnd, PickleError } from './pickle-error.ts';
export type { PickleContent } from './pickle-content.ts';

/** Opcodes after which others get their turn. */
const SLICE = 100_000;
/** Of one pickle. */
const MAX_OPCODES = 300_000_000;

export function emptyContent(): PickleContent {
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

/**
 * Reads the pickle at the position of `from`. @throws PickleError for an invalid pickle; `content` keeps the content up to
 * the error.
 */
export async function scanPickle(from: PickleBytes, content: PickleContent): Promise<void> {
  await scanToEnd(new PickleMachine({ from, content, reader: 'joblib' }), from, { opcodes: 0 });
}

async function scanToEnd(scan: PickleMachine, from: PickleBytes, done: { opcodes: number }): Promise<void> {
  for (;;) {
    if (from.isShort) await from.fill();
    const reached = scan.step();
    if (reached === 'end') return;
    if (reached === 'objects') await scanObjects(scan, from, done);
    done.opcodes += 1;
    if (done.opcodes > MAX_OPCODES) throw new PickleError('it is longer than the scan limit');
    if (done.opcodes % SLICE === 0) await turn();
  }
}

/** joblib reads an array of objects as a nested pickle, `pickle.load` as more opcodes of the same one. */
async function scanObjects(scan: PickleMachine, from: PickleBytes, done: { opcodes: number }): Promise<void> {
  if (scan.isReadAlike) {
    scan.isReadAlike = false;
    scan.content.unlikeJoblib ??= emptyContent();
    const start = from.at;
    try {
      await scanToEnd(scan.withoutJoblib(scan.content.unlikeJoblib), from, done);
    } catch (error) {
      if (!(error instanceof PickleEnd)) throw error;
    }
    from.at = start;
  }
  const inner = scan.inside();
  await scanToEnd(inner, from, done);
  if (!inner.isBetweenFrames) throw new PickleError('a frame does not end with its array');
}
