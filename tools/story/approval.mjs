/** Nobody makes a champion alone: the alias is refused, so is approving one's own work, and then others decide. */
import { Refused } from './client.mjs';

const MODEL = '/api/v1/registry/models/nyc-late';

/**
 * @typedef {object} Decision
 * @property {boolean} approved
 * @property {string} reason
 * @property {string} number of the approval
 * @property {string} alias what was said to whoever moved the alias
 * @property {string} own what was said to whoever approved their own work
 *
 * @param {import('./accounts.mjs').People} people
 * @param {import('./training.mjs').Verdict} verdict
 * @returns {Promise<Decision>}
 */
export async function decide({ trainer, office }, verdict) {
  const { version, better, gain, frozen, against } = verdict;
  const alias = await refusal(() => trainer.call('PUT', `${MODEL}/aliases/champion`, { version }));
  const share = `${signed(gain.roc_auc)} (95 %: ${signed(gain.low)} to ${signed(gain.high)}) on ${frozen.flights.toLocaleString('en')} flights that nobody learned from, against ${against}`;
  const { number } = await trainer.call('POST', `${MODEL}/approvals`, { version, alias: 'champion', reason: share });
  const own = await refusal(() =>
    trainer.call('POST', `${MODEL}/approvals/${number}/approve`, { reason: 'I made it' }),
  );
  const reason = better ? `It is better: ${share}` : `Not shown to be better: ${share}`;
  await office.call('POST', `${MODEL}/approvals/${number}/${better ? 'approve' : 'reject'}`, { reason });
  return { approved: better, reason, number: String(number), alias, own };
}

/** @param {() => Promise<unknown>} act */
async function refusal(act) {
  try {
    await act();
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
  throw new Error('It should have been refused, and was not.');
}

/** @param {number} value */
const signed = (value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
