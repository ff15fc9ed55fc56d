/** Which flights the story uses for what: all of 2013, or a part of two months. */

/**
 * @typedef {object} Period moments in UTC, the second not included
 * @property {string} start
 * @property {string} end
 *
 * @typedef {object} Plan
 * @property {string} words short description
 * @property {string} firstMonth the last available month when the first version is trained
 * @property {string} lastMonth the tag of the last version of the flights is `to-` and this
 * @property {Period & { frozenEnd: string }} first training and evaluation data of the first version
 * @property {Period} live replayed as traffic to the first version: a week like the training data
 * @property {Period} changed replayed to the first version: another season
 * @property {Period & { frozenEnd: string }} second training data of the second version, after the alert; all flights
 * have landed by then
 * @property {Period} copied replayed while the second version is a shadow
 * @property {Period} later replayed during the rollout of the second version
 * @property {readonly string[]} candidates named as in `train.py`
 * @property {number} windowRows of the monitor: two of them drift in `changed`, the second one not before all of
 * `second` has landed
 * @property {number} minimumRequests of each step of a rollout
 */

/** @type {Plan} */
export const YEAR = {
  words: 'all flights of 2013',
  firstMonth: '2013-05',
  lastMonth: '2013-12',
  first: { start: '2013-01-01', end: '2013-05-01', frozenEnd: '2013-06-01' },
  live: { start: '2013-05-08', end: '2013-05-15' },
  changed: { start: '2013-07-01', end: '2013-07-22' },
  second: { start: '2013-01-01', end: '2013-07-06', frozenEnd: '2013-07-13' },
  copied: { start: '2013-07-22', end: '2013-07-25' },
  later: { start: '2013-07-25', end: '2013-08-01' },
  candidates: ['linear', 'trees', 'lightgbm'],
  windowRows: 6000,
  minimumRequests: 100,
};

/** @type {Plan} */
export const SLICE = {
  words: 'every fourth flight of January, February and July 2013',
  firstMonth: '2013-02',
  lastMonth: '2013-07',
  first: { start: '2013-01-01', end: '2013-02-15', frozenEnd: '2013-03-01' },
  live: { start: '2013-02-15', end: '2013-02-22' },
  changed: { start: '2013-07-01', end: '2013-07-22' },
  second: { start: '2013-01-01', end: '2013-07-10', frozenEnd: '2013-07-19' },
  copied: { start: '2013-07-22', end: '2013-07-25' },
  later: { start: '2013-07-25', end: '2013-08-01' },
  candidates: ['linear', 'lightgbm'],
  windowRows: 900,
  minimumRequests: 20,
};
