/** Prints the results of the quickstart demo. */
import { gainOf } from './approval.mjs';

/** @typedef {(line: string) => void} Say */

/** The statuses of windows and rollout steps as users read them. @type {Readonly<Record<string, string>>} */
const RESULTS = { passed: 'passing', failed: 'failed', forced: 'manual' };

/** @param {number} value */
const count = (value) => value.toLocaleString('en');

/** @param {readonly string[]} names */
export const short = (names) =>
  names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;

/**
 * @param {import('./training.mjs').Result} result
 * @param {Say} say
 */
export function printResult(result, say) {
  const { version, candidate, flights, frozen, better } = result;
  say(`nyc-late/${version}: ${candidate}, trained on ${count(flights)} flights.`);
  say(
    `Test set of ${count(frozen.flights)} later flights: ROC AUC ${frozen.roc_auc.toFixed(3)}, ${gainOf(result)}: ${better ? 'better' : 'not significantly better'}.`,
  );
}

/**
 * @param {import('./training.mjs').Result} result
 * @param {import('./approval.mjs').Decision} decision
 * @param {Say} say
 */
export function printDecision({ version }, { approved, alias, own, reason }, say) {
  say(`trainer sets alias champion on nyc-late/${version}: denied. ${alias}`);
  say(`trainer approves the version: denied. ${own}`);
  say(`risk-office ${approved ? 'approves' : 'rejects'} the version. ${reason}`);
}

/**
 * @param {import('./replay.mjs').Replayed} replayed
 * @param {import('./plan.mjs').Period} period
 * @param {Say} say
 */
export function printReplay({ requests, failed, again, labels, seconds, versions }, { start, end }, say) {
  const by = Object.entries(versions).map(([version, answers]) => `${count(answers)} by version ${version}`);
  say(
    `${count(requests)} requests for flights from ${start} to ${end} in ${seconds.toFixed(0)} s, ${failed} failed${again > 0 ? `, ${again} retried` : ''}; predictions: ${by.join(', ')}. ${count(labels)} ground-truth labels received.`,
  );
}

/**
 * @param {import('./monitoring.mjs').Finding} finding
 * @param {Say} say
 */
export function printFinding({ calm, drifted, title, trainedOn, decision }, say) {
  for (const window of [calm, drifted]) {
    const most = window.columns.slice(0, 3).map(({ column, psi }) => `${column} ${psi.toFixed(2)}`);
    const came = window.performance;
    const truth = came ? `; RMSE ${came.rmse.toFixed(3)} over ${count(came.labeled)} labels` : '';
    say(
      `Window ${window.number}, ${count(window.rows)} flights, baseline ${window.baseline}: ${RESULTS[window.status] ?? window.status}. PSI ${most.join(', ')}${truth}.`,
    );
  }
  say(`Alert: ${title}. The serving version was trained on ${trainedOn}.`);
  say(`Action: ${decision.reason}`);
}

/**
 * Returns the title of the chapter about the second training: the alert started it, or the start was refused.
 * @param {import('./monitoring.mjs').Finding['decision']} decision
 * @returns {string}
 */
export const retrainingTitle = ({ run }) =>
  run === undefined
    ? '6. Retraining: the alert cannot start the pipeline, so the trainer starts it with the code of the champion'
    : '6. Retraining: the alert starts the pipeline with the code of the champion';

/**
 * @param {import('./training.mjs').Result} result
 * @param {import('./evidence.mjs').Compared} shadow
 * @param {Say} say
 */
export function printShadow({ version, against }, { flights, failed, apart, answered, copied }, say) {
  say(
    `Shadow nyc-late/${version} received copies of ${count(flights)} requests, ${failed} failed. Mean absolute difference to ${against}: ${apart.toFixed(3)}.`,
  );
  say(
    `Brier score over labeled flights: ${answered.toFixed(4)} for the serving version, ${copied.toFixed(4)} for the shadow.`,
  );
}

/**
 * @param {import('./training.mjs').Result} result
 * @param {import('./serving.mjs').Rollout} rollout
 * @param {Say} say
 */
export function printRollout({ version }, { state, reason, steps }, say) {
  for (const { weight, status, canary } of steps) {
    if (canary !== undefined && weight > 0) {
      say(
        `nyc-late/${version} at ${weight} % of traffic: ${count(canary.requests)} requests, ${canary.failed} failed: ${RESULTS[status] ?? status}.`,
      );
    }
  }
  say(`Rollout of nyc-late/${version}: ${state}. ${reason}`);
}

/**
 * @param {{ flight: string, probability: number, version: string }} named
 * @param {Awaited<ReturnType<typeof import('./evidence.mjs').explained>>} explanation
 * @param {Say} say
 */
export function printExplanation({ flight, probability, version }, { method, scale, columns }, say) {
  say(
    `nyc-late/${version} predicted ${flight} late with ${(probability * 100).toFixed(0)} %; it was late. Largest contributions:`,
  );
  for (const { column, value, moved } of columns.slice(0, 4)) {
    const shown = typeof value === 'number' ? Number(value.toPrecision(4)) : String(value);
    say(`  ${column} = ${shown}: ${moved < 0 ? '−' : '+'}${Math.abs(moved).toFixed(3)}`);
  }
  say(`  (Shapley values, ${method}${scale === 'margin' ? ', margin scale' : ''})`);
}
