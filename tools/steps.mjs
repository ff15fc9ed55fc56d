/** Runs named steps, a few at a time, and reports each result in one line; a failed step's output is shown in full. */

/**
 * @typedef {object} StepResult
 * @property {boolean} ok
 * @property {string} [output] shown when the step failed
 * @property {string} [note] a short text after the time
 */

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {() => Promise<StepResult>} run
 */

/** A run without a terminal prints every 30 s which steps are still running. */
const HEARTBEAT_MS = 30_000;

/**
 * Runs all steps, also after one failed: one run shows every fault.
 * @param {readonly Step[]} steps the longest first
 * @param {number} atOnce
 * @param {{ write(text: string): unknown, isTTY?: boolean }} out
 * @returns {Promise<boolean>} true when every step was ok
 */
export async function runSteps(steps, atOnce, out) {
  const width = Math.max(...steps.map((step) => step.name.length));
  const waiting = [...steps];
  /** @type {Map<string, number>} */
  const active = new Map();
  let ok = true;
  const status = showProgress(active, out);
  const worker = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      const started = performance.now();
      active.set(step.name, started);
      const result = await step.run().catch((error) => ({ ok: false, output: describe(error), note: '' }));
      active.delete(step.name);
      ok &&= result.ok;
      const note = result.note ? `  ${result.note}` : '';
      const mark = result.ok ? 'ok  ' : 'FAIL';
      status.clear();
      out.write(`${mark} ${step.name.padEnd(width)} ${seconds(performance.now() - started)}${note}\n`);
      if (!result.ok && result.output) out.write(`${result.output.trimEnd()}\n\n`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  status.stop();
  return ok;
}

/** @param {number} ms */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`.padStart(8);
}

/**
 * @param {Map<string, number>} active
 * @param {{ write(text: string): unknown, isTTY?: boolean }} out
 */
function showProgress(active, out) {
  const live = out.isTTY === true;
  const clear = () => live && out.write('\r\u001B[K');
  const draw = () => {
    if (active.size === 0) return;
    const names = [...active].map(([name, since]) => `${name} ${Math.round((performance.now() - since) / 1000)} s`);
    clear();
    out.write(live ? `… ${names.join(', ')}` : `… still running: ${names.join(', ')}\n`);
  };
  const timer = setInterval(draw, live ? 500 : HEARTBEAT_MS);
  return {
    clear,
    stop: () => {
      clearInterval(timer);
      clear();
    },
  };
}

/** @param {unknown} error */
function describe(error) {
  return error instanceof Error ? error.message : String(error);
}
