/** One phase of long work with its bar: redrawn in place on a terminal, a few plain lines elsewhere. */

/** Elsewhere a line at most this often; an unchanged line only shows that the work continues. */
const PLAIN_EVERY_MS = 10_000;
const UNCHANGED_EVERY_MS = 60_000;

/**
 * @typedef {(done: number, total: number) => void} Report
 * @typedef {{ write(text: string): unknown, isTTY?: boolean, columns?: number }} Output
 */

/**
 * Runs a phase, showing its bar while it works.
 * @template T
 * @param {{ title: string, unit: 'bytes' | 'steps', out: Output, now?: () => number }} options
 * @param {(report: Report) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function runPhase({ title, unit, out, now = () => performance.now() }, work) {
  const started = now();
  let lastLine = started;
  let seen = { done: 0, total: 0 };
  let reported = 0;
  const draw = () => {
    const elapsed = now() - started;
    out.write(`\r\u001B[K${progressLine({ title, unit, ...seen, elapsed }).slice(0, (out.columns ?? 80) - 1)}`);
  };
  if (!out.isTTY) out.write(`${title} …\n`);
  const timer = out.isTTY ? setInterval(draw, 100) : undefined;
  try {
    const result = await work((done, total) => {
      seen = { done, total };
      const every = done === reported ? UNCHANGED_EVERY_MS : PLAIN_EVERY_MS;
      if (out.isTTY || now() - lastLine < every) return;
      lastLine = now();
      reported = done;
      out.write(`  ${progressLine({ title, unit, ...seen, elapsed: now() - started })}\n`);
    });
    out.write(`${out.isTTY ? '\r\u001B[K' : ''}✓ ${title} (${duration(now() - started)})\n`);
    return result;
  } catch (error) {
    out.write(`${out.isTTY ? '\r\u001B[K' : ''}✗ ${title} (${duration(now() - started)})\n`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/**
 * `uv  [██████──────]  43 %  7.5 of 17.6 MB  3.1 MB/s  about 3 s left`
 * @param {{ title: string, unit: 'bytes' | 'steps', done: number, total: number, elapsed: number }} progress elapsed in ms
 */
export function progressLine({ title, unit, done, total, elapsed }) {
  if (total <= 0) return `${title}  ${duration(elapsed)}`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * 24);
  const parts = [
    title,
    `[${'█'.repeat(filled)}${'─'.repeat(24 - filled)}]`,
    `${String(Math.floor(share * 100)).padStart(3)} %`,
    unit === 'bytes' ? `${megabytes(done)} of ${megabytes(total)} MB` : `${done} of ${total}`,
  ];
  const perSecond = elapsed > 500 ? (done / elapsed) * 1000 : 0;
  if (perSecond > 0 && unit === 'bytes') parts.push(`${megabytes(perSecond)} MB/s`);
  if (perSecond > 0 && share < 1) parts.push(`about ${duration(((total - done) / perSecond) * 1000)} left`);
  return parts.join('  ');
}

/** @param {number} ms */
export function duration(ms) {
  const whole = Math.round(ms / 1000);
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  return whole < 90 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}
