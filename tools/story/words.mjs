/** Prints the results of the quickstart demo. */
import { gainOf } from './approval.mjs';

/** @typedef {(line: string) => void} Say */

/** @param {number} value */
const count = (value) => value.toLocaleString('en');

/** @param {readonly string[]} names */
export const short = (names) =>
  names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;

/**
 * @param {import('./training.mjs').Verdict} verdict
 * @param {Say} say
 */
export function tellVerdict(verdict, say) {
  const { version, candidate, flights, frozen, better } = verdict;
  say(`nyc-late/${version}: ${candidate}, trained on ${count(flights)} flights.`);
  say(
    `On ${count(frozen.flights)} later flights: ROC AUC ${frozen.roc_auc.toFixed(3)}, ${gainOf(verdict)}: ${better ? 'significantly better' : 'not significantly better'}.`,
  );
}

/**
 * @param {import('./training.mjs').Verdict} verdict
 * @param {import('./approval.mjs').Decision} decision
 * @param {Say} say
 */
export function tellDecision({ version }, { approved, alias, own, reason }, say) {
  say(`trainer sets alias champion to nyc-late/${version}: denied. ${alias}`);
  say(`trainer approves it: denied. ${own}`);
  say(`risk-office ${approved ? 'approves' : 'rejects'} it. ${reason}`);
}

/**
 * @param {import('./replay.mjs').Replayed} replayed
 * @param {import('./plan.mjs').Period} period
 * @param {Say} say
 */
export function tellReplay({ requests, failed, again, labels, seconds, versions }, { start, end }, say) {
  const by = Object.entries(versions).map(([version, answers]) => `${count(answers)} by version ${version}`);
  say(
    `${count(requests)} flights from ${start} to ${end} in ${seconds.toFixed(0)} s, ${failed} failed${again > 0 ? `, ${again} retried` : ''}; predictions: ${by.join(', ')}. ${count(labels)} labels received.`,
  );
}

/**
 * @param {import('./monitoring.mjs').Finding} finding
 * @param {Say} say
 */
export function tellFinding({ calm, drifted, title, trainedOn, decision }, say) {
  for (const window of [calm, drifted]) {
    const most = window.columns.slice(0, 3).map(({ column, psi }) => `${column} ${psi.toFixed(2)}`);
    const came = window.performance;
    const truth = came ? `; RMSE ${came.rmse.toFixed(3)} on ${count(came.labelled)} labeled flights` : '';
    say(
      `Window ${window.number}, ${count(window.rows)} flights compared with ${window.baseline}: ${window.verdict}. PSI ${most.join(', ')}${truth}.`,
    );
  }
  say(`Alert: ${title}. The active version was trained on ${trainedOn}.`);
  say(`Action: ${decision.reason}`);
}

/**
 * Returns the title of the chapter about the second training: the alert started it, or the start was refused.
 * @param {import('./monitoring.mjs').Finding['decision']} decision
 * @returns {string}
 */
export const retrainingTitle = ({ run }) =>
  run === undefined
    ? '6. The alert could not start the training of the next version; the trainer starts it, with the code of the champion'
    : '6. The alert starts the training of the next version, with the code of the champion';

/**
 * @param {import('./training.mjs').Verdict} verdict
 * @param {import('./evidence.mjs').Compared} shadow
 * @param {Say} say
 */
export function tellShadow({ version, against }, { flights, failed, apart, answered, copied }, say) {
  say(
    `As a shadow, nyc-late/${version} received copies of ${count(flights)} requests, ${failed} failed. Its predictions differ from those of ${against} by ${apart.toFixed(3)} on average.`,
  );
  say(
    `Brier score on labeled flights: ${answered.toFixed(4)} of the active version, ${copied.toFixed(4)} of the shadow.`,
  );
}

/**
 * @param {import('./training.mjs').Verdict} verdict
 * @param {import('./serving.mjs').Rollout} rollout
 * @param {Say} say
 */
export function tellRollout({ version }, { state, reason, steps }, say) {
  for (const { weight, verdict, canary } of steps) {
    if (canary !== undefined && weight > 0) {
      say(
        `nyc-late/${version} with ${weight} % of the traffic: ${count(canary.requests)} requests, ${canary.failed} failed: ${verdict}.`,
      );
    }
  }
  say(`The rollout of nyc-late/${version} is ${state}. ${reason}`);
}

/**
 * @param {{ flight: string, probability: number, version: string }} named
 * @param {Awaited<ReturnType<typeof import('./evidence.mjs').explained>>} explanation
 * @param {Say} say
 */
export function tellExplanation({ flight, probability, version }, { method, scale, columns }, say) {
  say(
    `nyc-late/${version} predicted ${flight} late with ${(probability * 100).toFixed(0)} %, and it was. Largest contributions:`,
  );
  for (const { column, value, moved } of columns.slice(0, 4)) {
    const shown = typeof value === 'number' ? Number(value.toPrecision(4)) : String(value);
    say(`  ${column} = ${shown}: ${moved < 0 ? '−' : '+'}${Math.abs(moved).toFixed(3)}`);
  }
  say(`  (Shapley values, ${method}${scale === 'margin' ? ', in log-odds' : ''})`);
}
