/** Pushes the raw tables as monthly versions and builds training data without data leakage. */
import { join } from 'node:path';
import { root, runCommand } from '../command.mjs';
import { findPython } from '../python.mjs';
import { pathWithDais, Refused } from './client.mjs';

const stages = join(root, 'examples', 'flights', 'data');

/**
 * The tables of the slice.
 * @param {string} source
 * @param {string} target
 */
export async function fewer(source, target) {
  const words = [join(stages, 'fewer.py'), source, target];
  const env = { PYTHONDONTWRITEBYTECODE: '1' };
  const { code, output } = await runCommand((await findPython()).path, words, { quiet: true, env });
  if (code !== 0) throw new Error(output);
  return target;
}

/**
 * @typedef {object} Data
 * @property {number} flights rows of the newest version of `nyc_flights`
 * @property {number} training rows of `nyc_training`
 * @property {number} version of `nyc_training`
 * @property {boolean} again the data already existed
 *
 * @param {object} parts
 * @param {import('./client.mjs').Client} parts.trainer
 * @param {string} parts.until the last month to push
 * @param {number} parts.made the minimum number of versions of `nyc_training` afterwards
 * @param {string} parts.source the folder of the tables
 * @param {string} parts.work a folder of the demo
 * @param {(line: string) => void} parts.say
 * @returns {Promise<Data>}
 */
export async function bringData({ trainer, until, made, source, work, say }) {
  const before = await known(trainer, until, made);
  if (before !== undefined) {
    say(`Already present: ${before.flights.toLocaleString('en')} flights.`);
    return { ...before, again: true };
  }
  let rest = '';
  const onOutput = (/** @type {string} */ chunk) => {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (!line.startsWith('Next: ')) say(line);
  };
  const words = [join(stages, 'stages.py'), '--from', source, '--until', until];
  const { code, output } = await runCommand((await findPython()).path, words, {
    cwd: stages,
    quiet: true,
    env: { ...trainer.variables, PATH: pathWithDais(join(work, 'bin')), PYTHONDONTWRITEBYTECODE: '1' },
    onOutput,
  });
  if (code !== 0) throw new Error(output);
  const after = await known(trainer, until, made);
  if (after === undefined) throw new Error('the training data is missing');
  return { ...after, again: false };
}

/**
 * @param {import('./client.mjs').Client} trainer
 * @param {string} until
 * @param {number} made
 */
async function known(trainer, until, made) {
  try {
    const flights = await trainer.call('GET', `/api/v1/data/datasets/nyc_flights/versions/to-${until}`);
    const training = await trainer.call('GET', '/api/v1/data/datasets/nyc_training/versions/latest');
    const version = Number(training.number);
    return version < made ? undefined : { flights: Number(flights.rows), training: Number(training.rows), version };
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return undefined;
    throw error;
  }
}
