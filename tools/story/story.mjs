/** The quickstart demo: from raw flights to a served model, on a running Dais, chapter by chapter. It can run repeatedly. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../command.mjs';
import { runPhase } from '../phase-bar.mjs';
import { makePeople } from './accounts.mjs';
import { decide } from './approval.mjs';
import { Refused } from './client.mjs';
import { bringData, fewer } from './data.mjs';
import { compared, counted, explained, lineageOf, refusalsOf } from './evidence.mjs';
import { links } from './links.mjs';
import { driftFound, judged, watch } from './monitoring.mjs';
import { SLICE, YEAR } from './plan.mjs';
import { flightsOf, replay } from './replay.mjs';
import { copyTo, newestRollout, serve, takingOver } from './serving.mjs';
import { tables } from './tables.mjs';
import { follow, preparePipeline, train } from './training.mjs';
import {
  retrainingTitle,
  printDecision,
  printExplanation,
  printFinding,
  printReplay,
  printRollout,
  printShadow,
  printResult,
  short,
} from './words.mjs';

const example = join(root, 'examples', 'flights');

/** Minimum duration of the flights of a rollout, so that each of its steps gets traffic. */
const ROLLOUT_MS = 30_000;

/**
 * @typedef {Pick<StoryResult, 'words' | 'first' | 'firstDecision'> & Partial<Pick<StoryResult, 'finding' | 'second' |
 * 'secondDecision' | 'shadow'>>} Decided
 *
 * @typedef {object} StoryResult for tests
 * @property {string} words description of the plan
 * @property {import('./data.mjs').Data} data the first months
 * @property {import('./data.mjs').Data} more with all months
 * @property {import('./training.mjs').Result} first
 * @property {import('./training.mjs').Result} second
 * @property {import('./approval.mjs').Decision} firstDecision
 * @property {import('./approval.mjs').Decision} secondDecision
 * @property {import('./monitoring.mjs').Finding} finding
 * @property {import('./evidence.mjs').Compared} shadow
 * @property {import('./serving.mjs').Rollout | undefined} rollout of the second version
 * @property {number} windows that the monitor has evaluated
 * @property {string} champion
 * @property {import('./evidence.mjs').Counted} counted
 * @property {Pick<import('./replay.mjs').Replayed, 'requests' | 'failed' | 'again'>} traffic requests of this run, as the
 * client counted them
 * @property {{ flight: string, version: string, prediction: string } | undefined} named the example prediction
 * @property {Awaited<ReturnType<typeof explained>> | undefined} explanation
 * @property {Record<string, string[]>} lineage
 * @property {{ action: string, name: string, policies: readonly string[] }[]} refused denied actions of `trainer` in
 * the audit log
 * @property {readonly { what: string, address: string }[]} links
 * @property {string | undefined} invitation
 *
 * @param {object} parts
 * @param {string} parts.url
 * @param {string} parts.data the data folder
 * @param {string} parts.work a folder for files of the demo
 * @param {boolean} parts.slice
 * @param {number | undefined} parts.speed
 * @param {Decided | undefined} parts.before by an earlier run on this data folder: it is not trained and decided again
 * @param {(found: Decided) => void} parts.keep for the next run
 * @param {import('../phase-bar.mjs').Output} parts.out
 * @returns {Promise<StoryResult>}
 */
export async function runStory({ url, data, work, slice, speed, before, keep, out }) {
  const plan = slice ? SLICE : YEAR;
  const say = (/** @type {string} */ line) => void out.write(`  ${line}\n`);
  const chapter = (/** @type {string} */ title) => void out.write(`\n${title}\n`);
  /**
   * @type {<T>(title: string, task: (report: import('../phase-bar.mjs').Report) => Promise<T>, unit?: 'bytes' |
   * 'steps') => Promise<T>}
   */
  const phase = (title, task, unit = 'steps') => runPhase({ title, unit, out }, task);
  mkdirSync(work, { recursive: true });

  const people = await makePeople(url, data, join(example, 'story'));
  const { trainer, gate } = people;
  if (people.invitation !== undefined) say(`Follow along in the console (creates your account): ${people.invitation}`);

  chapter(`1. Data: ${plan.words}, with hourly weather`);
  const all = await phase('Download tables', tables, 'bytes');
  const source = slice ? await fewer(all, join(work, 'tables')) : all;
  const bring = async (/** @type {string} */ until, /** @type {number} */ made) =>
    await bringData({ trainer, until, made, source, work, say });
  const data1 = await bring(plan.firstMonth, 1);

  chapter(`2. Training: ${plan.candidates.length} candidate models, evaluated on later flights`);
  await trainer.dais(['apply', '-f', join(example, 'story', 'model.yaml'), '--take-over']);
  await preparePipeline(people, work, say);
  const known = before?.words === plan.words ? before : undefined;
  if (known) say('Already done. Results of the first time:');
  const first =
    known?.first ??
    (await phase('Train the first version', (report) =>
      train(trainer, plan.first, plan.candidates, 'first version', report),
    ));
  printResult(first, say);

  chapter('3. Approval: a second person approves the version');
  const firstDecision = known?.firstDecision ?? (await decide(people, first));
  printDecision(first, firstDecision, say);
  if (firstDecision.approved) keep({ ...known, words: plan.words, first, firstDecision });
  const champion = await championOf(trainer);
  if (champion === undefined)
    throw new Error('The first version is not better than the baseline and cannot be served.');

  chapter('4. Serving: predictions for later flights before departure, with a monitor');
  await phase('Deploy to an endpoint', () => serve(trainer, plan, work, champion));
  await watch(trainer, plan, work);
  const sums = { requests: 0, failed: 0, again: 0 };
  const traffic = async (/** @type {import('./plan.mjs').Period} */ period, pace = speed) => {
    const flights = await flightsOf(trainer, period);
    const done = await phase('Replay flights', (report) => replay({ url, gate, flights, speed: pace, report }));
    printReplay(done, period, say);
    for (const name of /** @type {const} */ (['requests', 'failed', 'again'])) sums[name] += done[name];
    return done;
  };
  const week = await traffic(plan.live);

  chapter('5. Drift: the season changes');
  const data2 = await bring(plan.lastMonth, 2);
  const season = await traffic(plan.changed);
  if (known?.finding) say('The alert was raised before. Results of the first time:');
  const finding = known?.finding ?? (await phase('Wait for the monitor', async () => await driftFound(trainer)));
  printFinding(finding, say);

  chapter(retrainingTitle(finding.decision));
  const second =
    known?.second ??
    (await phase('Train the second version', (report) =>
      // Without isolation, the platform starts no run automatically.
      finding.decision.run === undefined
        ? train(trainer, plan.second, plan.candidates, 'second version', report)
        : follow(trainer, finding.decision.run, report),
    ));
  printResult(second, say);
  keep({ words: plan.words, first, firstDecision, finding, second });

  chapter('7. Rollout: shadow test, approval, canary steps');
  const shadow = known?.shadow ?? (await tryShadow());
  printShadow(second, shadow, say);
  const secondDecision = known?.secondDecision ?? (await decide(people, second));
  printDecision(second, secondDecision, say);
  keep({ words: plan.words, first, firstDecision, finding, second, shadow, secondDecision });
  if (secondDecision.approved && !known?.secondDecision) await takingOver(trainer, second.version);
  const last = await traffic(
    plan.later,
    speed ?? (Date.parse(plan.later.end) - Date.parse(plan.later.start)) / ROLLOUT_MS,
  );
  const rollout = secondDecision.approved ? await newestRollout(trainer) : undefined;
  if (rollout) printRollout(second, rollout, say);

  const now = secondDecision.approved ? second.version : champion;
  const named = last.named ?? season.named ?? week.named;
  const lineage = named === undefined ? {} : (await lineageOf(trainer, named.prediction)).types;
  const explanation = named === undefined ? undefined : await explained(trainer, named.prediction);
  chapter('8. One prediction: explanation and lineage');
  if (named !== undefined && explanation !== undefined) {
    printExplanation(named, explanation, say);
    say('Lineage:');
    for (const [type, names] of Object.entries(lineage)) say(`  ${type}: ${short(names)}`);
  }
  const total = await counted(trainer);
  const [worst] = finding.drifted.columns;
  return {
    words: plan.words,
    data: data1,
    more: data2,
    first,
    second,
    firstDecision,
    secondDecision,
    finding,
    shadow,
    rollout,
    windows: await judged(trainer, total.requests - total.failed, plan),
    champion: now,
    named,
    explanation,
    lineage,
    counted: total,
    traffic: sums,
    refused: await refusalsOf(people.owner, 'trainer'),
    links: links(url, {
      version: now,
      challenger: now === second.version ? first.version : second.version,
      drifted: worst && { column: worst.column, window: finding.drifted.number },
      prediction: named?.prediction,
    }),
    invitation: people.invitation,
  };

  /** Sends copies of the requests of some days to the second version; callers do not receive its predictions. */
  async function tryShadow() {
    await phase('Deploy as shadow', () => copyTo(trainer, plan, work, second.version));
    await traffic(plan.copied);
    const found = await compared(trainer, second.version);
    await serve(trainer, plan, work, first.version);
    return found;
  }
}

/** @param {import('./client.mjs').Client} account */
async function championOf(account) {
  try {
    return String((await account.call('GET', '/api/v1/registry/models/nyc-late/aliases/champion')).version);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return undefined;
    throw error;
  }
}
