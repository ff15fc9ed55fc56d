/** Monitoring in the demo: the findings of the Monitor, and the run that its alert started. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../command.mjs';
import { applyText } from './client.mjs';
import { until } from './serving.mjs';
import { parametersOf } from './training.mjs';

const MONITOR = 'nyc-late';
const path = `/api/v1/monitoring/monitors/${MONITOR}`;

/**
 * @typedef {object} Window
 * @property {number} number
 * @property {number} rows
 * @property {string} baseline
 * @property {string} status of drift
 * @property {readonly { column: string, psi: number }[]} columns the largest drift first
 * @property {{ labeled: number, rmse: number } | undefined} performance
 *
 * @typedef {object} Finding
 * @property {Window} calm the first window
 * @property {Window} drifted the window that raised the alert
 * @property {string} title of the alert
 * @property {readonly string[]} columns with drift, the largest first
 * @property {string} trainedOn the training data of the serving version
 * @property {{ outcome: string, reason: string, run?: string, pipeline: string }} decision the decision of the alert
 */

/**
 * @param {import('./client.mjs').Client} trainer
 * @param {import('./plan.mjs').Plan} plan
 * @param {string} work a folder of the demo
 */
export async function watch(trainer, { windowRows, second, candidates }, work) {
  const text = readFileSync(join(root, 'examples', 'flights', 'story', 'monitor.yaml'), 'utf8');
  const values = Object.entries(parametersOf(second, candidates))
    .map(([name, value]) => `        ${name}: ${JSON.stringify(value)}\n`)
    .join('');
  const here = text
    .replace(/rows: \d+/, `rows: ${windowRows}`)
    .replace('      checks: [drift]\n', `      checks: [drift]\n      parameters:\n${values}`);
  await applyText(trainer, work, 'monitor.yaml', here);
}

/**
 * Waits for the alert.
 * @param {import('./client.mjs').Client} trainer
 * @returns {Promise<Finding>}
 */
export async function driftFound(trainer) {
  /** @type {any} */
  let alert;
  /** @type {any} */
  let decision;
  await until('The monitor raised no drift alert', async () => {
    const { items } = await trainer.call('GET', `${path}/alerts?limit=100`);
    alert = items.find((/** @type {any} */ one) => one.check === 'drift');
    const decided = await trainer.call('GET', `${path}/decisions?limit=100`);
    decision = decided.items.find((/** @type {any} */ one) => one.alert === alert?.id);
    return alert !== undefined && decision !== undefined;
  });
  await labeled(trainer, 1);
  await labeled(trainer, alert.firstWindow);
  return {
    calm: await windowOf(trainer, 1),
    drifted: await windowOf(trainer, alert.firstWindow),
    title: alert.title,
    columns: alert.columns,
    trainedOn: alert.trainedOn ?? '',
    decision: {
      outcome: decision.outcome,
      reason: decision.reason,
      pipeline: decision.pipeline,
      ...(decision.run !== undefined && { run: decision.run }),
    },
  };
}

/**
 * Labels arrive after predictions: the metrics of a window follow.
 * @param {import('./client.mjs').Client} trainer
 * @param {number} window
 */
async function labeled(trainer, window) {
  await until(`Window ${window} has no labels`, async () => {
    const { performance } = await trainer.call('GET', `${path}/reports/${window}`);
    return (performance?.labeled ?? 0) > 0;
  });
}

/**
 * @param {import('./client.mjs').Client} account
 * @param {number} window
 * @returns {Promise<Window>}
 */
async function windowOf(account, window) {
  const { number, rows, baseline, results, performance } = await account.call('GET', `${path}/reports/${window}`);
  const rmse = performance?.metrics.find((/** @type {any} */ one) => one.metric === 'rmse')?.value;
  const drift = results.filter((/** @type {any} */ one) => one.check === 'drift');
  const statuses = new Set(drift.map((/** @type {any} */ one) => one.status));
  return {
    number,
    rows,
    status: statuses.has('failing') ? 'failing' : statuses.has('unknown') ? 'unknown' : 'passing',
    baseline: baseline?.name ?? '',
    columns: drift
      .filter((/** @type {any} */ one) => one.value !== undefined)
      .map((/** @type {any} */ { column, value }) => ({ column, psi: value }))
      .toSorted((/** @type {any} */ a, /** @type {any} */ b) => b.psi - a.psi),
    performance: rmse === undefined ? undefined : { labeled: performance.labeled, rmse },
  };
}

/**
 * Evaluates all full windows, so that a test can count them.
 * @param {import('./client.mjs').Client} account
 * @param {number} predictions
 * @param {import('./plan.mjs').Plan} plan
 */
export async function judged(account, predictions, { windowRows }) {
  const full = Math.floor(predictions / windowRows);
  /** @type {any} */
  let summary;
  await until('The monitor does not evaluate', async () => {
    summary = await account.call('GET', path);
    return summary.windows >= full;
  });
  return Number(summary.windows);
}
