/** Which flights the story uses for what: all of 2013, or a part of two months. */

/**
 * @typedef {object} Period moments in UTC, the second not included
 * @property {string} start
 * @property {string} end
 *
 * @typedef {object} Plan
 * @property {string} words of what it is
 * @property {string} lastMonth the tag of the last version of the flights is `to-` and this
 * @property {Period & { frozenEnd: string }} first what the first version learns from, and on what it is measured
 * @property {Period} live replayed as traffic to the first version
 * @property {Period & { frozenEnd: string }} second the same for the second version
 * @property {Period} later replayed while the second one is tried
 * @property {readonly string[]} candidates as `train.py` calls them
 * @property {number} minimumRequests of each step of a rollout
 */

/** @type {Plan} */
export const YEAR = {
  words: 'all flights of 2013',
  lastMonth: '2013-12',
  first: { start: '2013-01-01', end: '2013-05-01', frozenEnd: '2013-06-01' },
  live: { start: '2013-07-01', end: '2013-08-01' },
  second: { start: '2013-01-01', end: '2013-08-01', frozenEnd: '2013-09-01' },
  later: { start: '2013-09-01', end: '2013-10-01' },
  candidates: ['linear', 'trees', 'lightgbm'],
  minimumRequests: 200,
};

/** @type {Plan} */
export const SLICE = {
  words: 'every fourth flight of January and February 2013',
  lastMonth: '2013-02',
  first: { start: '2013-01-01', end: '2013-02-01', frozenEnd: '2013-02-15' },
  live: { start: '2013-02-15', end: '2013-02-22' },
  second: { start: '2013-01-01', end: '2013-02-15', frozenEnd: '2013-03-01' },
  later: { start: '2013-02-22', end: '2013-03-01' },
  candidates: ['linear', 'lightgbm'],
  minimumRequests: 20,
};
