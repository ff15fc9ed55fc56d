/** Shows the approval process: the alias move and the approval of one's own model are denied; then another account decides. */
import { Refused } from './client.mjs';

const MODEL = '/api/v1/registry/models/nyc-late';

/**
 * @typedef {object} Decision
 * @property {boolean} approved
 * @property {string} reason
 * @property {string} number of the approval
 * @property {string} alias the error of the alias move
 * @property {string} own the error of the approval of one's own model
 *
 * @param {import('./accounts.mjs').People} people
 * @param {import('./training.mjs').Result} result
 * @returns {Promise<Decision>}
 */
export async function decide({ trainer, office }, result) {
  const { version, better, frozen } = result;
  const alias = await refusal(() => trainer.call('PUT', `${MODEL}/aliases/champion`, { version }));
  const share = `${gainOf(result)}, on a test set of ${frozen.flights.toLocaleString('en')} flights`;
  const { number } = await trainer.call('POST', `${MODEL}/approvals`, { version, alias: 'champion', reason: share });
  const own = await refusal(() =>
    trainer.call('POST', `${MODEL}/approvals/${number}/approve`, { reason: 'I trained it' }),
  );
  const reason = better ? `Better: ${share}` : `Not significantly better: ${share}`;
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
  throw new Error('The request was not denied as expected.');
}

/**
 * Returns the gain over the compared version with its confidence interval. The first version is compared with guessing.
 * @param {import('./training.mjs').Result} result
 */
export const gainOf = ({ gain, against }) =>
  `${signed(gain.roc_auc)} vs. ${against === 'nobody' ? 'random guessing' : against} (95 % CI ${signed(gain.low)} to ${signed(gain.high)})`;

/** @param {number} value */
const signed = (value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
