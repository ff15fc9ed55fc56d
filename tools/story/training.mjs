/** Runs the pipeline that trains candidates and compares the best one with the champion. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from '../command.mjs';
import { applyText } from './client.mjs';

const example = join(root, 'examples', 'flights');

/** Poll interval of a pipeline run. */
const POLL_MS = 1000;

/**
 * @typedef {object} Result as `judge.py` writes it
 * @property {string} execution the pipeline run
 * @property {string} version
 * @property {string} run
 * @property {string} candidate
 * @property {number} flights
 * @property {{ start: string, end: string, flights: number, roc_auc: number, average_precision: number, log_loss:
 * number }} frozen
 * @property {string} against
 * @property {{ roc_auc: number, low: number, high: number }} gain
 * @property {boolean} better
 * @property {number} threshold
 */

/** A server tests isolation after it starts, and may download a program first. */
const ISOLATION_MS = 60_000;

/**
 * @typedef {object} Isolation as the server reports it
 * @property {'bubblewrap' | 'bubblewrap-without-proc' | 'landlock' | 'none'} boundary
 * @property {string} [reason] why nothing isolates
 * @property {string} [remedy]
 */

/**
 * How the server isolates commands; undefined where it reports nothing, as on systems other than Linux.
 * @param {import('./client.mjs').Client} account
 * @returns {Promise<Isolation | undefined>}
 */
async function isolationOf(account) {
  const deadline = performance.now() + ISOLATION_MS;
  for (;;) {
    const { isolation } = await account.call('GET', '/api/v1/server');
    if (isolation !== undefined || process.platform !== 'linux' || performance.now() > deadline) return isolation;
    await delay(POLL_MS);
  }
}

/**
 * Applies the pipeline. If the server cannot isolate commands, a policy permits the trainer to run them without isolation.
 * @param {import('./accounts.mjs').People} people
 * @param {string} work a folder of the demo
 * @param {(line: string) => void} say
 */
export async function preparePipeline({ owner, trainer }, work, say) {
  const manifest = join(example, 'pipeline', 'pipeline.yaml');
  const isolation = await isolationOf(trainer);
  if (isolation !== undefined && isolation.boundary !== 'none') {
    await trainer.dais(['apply', '-f', manifest]);
    return;
  }
  for (const line of withoutIsolation(isolation)) say(line);
  await owner.dais(['apply', '-f', join(example, 'story', 'unisolated.yaml')]);
  const text = readFileSync(manifest, 'utf8').replaceAll(/^( +)tracking:/gm, '$1isolation: none\n$1tracking:');
  await applyText(trainer, work, 'pipeline.yaml', text);
}

/**
 * Returns the notice for machines where commands run without isolation.
 * @param {Isolation | undefined} isolation
 * @returns {string[]}
 */
export function withoutIsolation(isolation) {
  const { reason, remedy } = isolation ?? {};
  return [
    `This machine cannot isolate commands${reason === undefined ? '' : `: ${reason}`}.`,
    ...(remedy === undefined ? [] : [remedy]),
    'The steps of this quickstart run without isolation: the policy `trainer-unisolated` allows it for the trainer.',
    'Automatic runs cannot be unisolated, so schedules and alerts start nothing here.',
  ];
}

/**
 * Returns the parameters of a pipeline run.
 * @param {{ start: string, end: string, frozenEnd: string }} period
 * @param {readonly string[]} candidates
 */
export const parametersOf = ({ start, end, frozenEnd }, candidates) => ({
  start,
  end,
  frozen_end: frozenEnd,
  candidates,
});

/**
 * @param {import('./client.mjs').Client} trainer
 * @param {{ start: string, end: string, frozenEnd: string }} period
 * @param {readonly string[]} candidates
 * @param {string} title
 * @param {(done: number, total: number) => void} report steps
 * @returns {Promise<Result>}
 */
export async function train(trainer, period, candidates, title, report) {
  const words = Object.entries(parametersOf(period, candidates)).flatMap(([name, value]) => [
    '--param',
    `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  ]);
  const output = await trainer.dais(
    ['pipeline', 'run', 'nyc-late', '--code', '--no-wait', '--title', title, ...words, '-o', 'json'],
    { cwd: join(example, 'pipeline') },
  );
  const { id } = JSON.parse(output.slice(output.indexOf('{')));
  return await follow(trainer, id, report);
}

/**
 * @param {import('./client.mjs').Client} trainer
 * @param {string} id of a run of the pipeline
 * @param {(done: number, total: number) => void} report steps
 * @returns {Promise<Result>}
 */
export async function follow(trainer, id, report) {
  for (;;) {
    const execution = await trainer.call('GET', `/api/v1/executions/${id}`);
    const { items } = await trainer.call('GET', `/api/v1/executions/${id}/nodes?limit=100`);
    const steps = items.filter((/** @type {any} */ node) => node.kind === 'step');
    const done = steps.filter((/** @type {any} */ node) => node.state === 'succeeded').length;
    report(done, Math.max(steps.length, done));
    if (execution.state === 'succeeded') {
      const judge = steps.find((/** @type {any} */ node) => node.path === 'judge');
      return { ...judge.outputs.result.parameter, execution: id };
    }
    if (['failed', 'canceled'].includes(execution.state)) {
      const failed = steps.filter((/** @type {any} */ node) => node.error);
      const problems = failed.map((/** @type {any} */ node) => `${node.path}: ${node.error}`);
      if (failed.length > 0) problems.push(await endOfLog(trainer, id, failed[0].path));
      throw new Error(`Pipeline run ${id} ${execution.state}: ${execution.error ?? ''}\n${problems.join('\n')}`);
    }
    await delay(POLL_MS);
  }
}

/**
 * Returns the last lines of the log of a failed step.
 * @param {import('./client.mjs').Client} trainer
 * @param {string} id of the run
 * @param {string} path of the step
 */
async function endOfLog(trainer, id, path) {
  const { text } = await trainer.call('GET', `/api/v1/executions/${id}/logs?node=${encodeURIComponent(path)}`);
  return text.trimEnd().split('\n').slice(-20).join('\n');
}
