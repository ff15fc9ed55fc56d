/** From raw flights to a model that answers, on a running Dais: chapter by chapter, and again at any time. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../command.mjs';
import { runPhase } from '../phase-bar.mjs';
import { makePeople } from './accounts.mjs';
import { decide } from './approval.mjs';
import { Refused } from './client.mjs';
import { bringData, fewer } from './data.mjs';
import { counted, lineageOf } from './evidence.mjs';
import { links } from './links.mjs';
import { SLICE, YEAR } from './plan.mjs';
import { flightsOf, replay } from './replay.mjs';
import { newestRollout, serve } from './serving.mjs';
import { tables } from './tables.mjs';
import { preparePipeline, train } from './training.mjs';

const example = join(root, 'examples', 'flights');

/**
 * @typedef {object} Told what a test looks at
 * @property {import('./data.mjs').Data} data
 * @property {import('./training.mjs').Verdict} first
 * @property {import('./training.mjs').Verdict} second
 * @property {import('./approval.mjs').Decision} firstDecision
 * @property {import('./approval.mjs').Decision} secondDecision
 * @property {string} champion
 * @property {import('./evidence.mjs').Counted} counted
 * @property {Record<string, string[]>} lineage
 * @property {readonly { what: string, address: string }[]} links
 * @property {string | undefined} invitation
 *
 * @param {object} parts
 * @param {string} parts.url
 * @param {string} parts.data the data folder
 * @param {string} parts.work a folder for files of the story
 * @param {boolean} parts.slice
 * @param {number | undefined} parts.speed
 * @param {Pick<Told, 'first' | 'firstDecision'> | undefined} parts.before what an earlier run told of the same data: its first version is
 *   not trained again
 * @param {(found: Pick<Told, 'first' | 'firstDecision'>) => void} parts.keep for the next run
 * @param {import('../phase-bar.mjs').Output} parts.out
 * @returns {Promise<Told>}
 */
export async function tellStory({ url, data, work, slice, speed, before, keep, out }) {
  const plan = slice ? SLICE : YEAR;
  const say = (/** @type {string} */ line) => void out.write(`  ${line}\n`);
  const chapter = (/** @type {string} */ title) => void out.write(`\n${title}\n`);
  /** @type {<T>(title: string, task: (report: import('../phase-bar.mjs').Report) => Promise<T>, unit?: 'bytes' | 'steps') => Promise<T>} */
  const phase = (title, task, unit = 'steps') => runPhase({ title, unit, out }, task);
  mkdirSync(work, { recursive: true });

  const firstVersion = async () => {
    const verdict = await phase('Train the first version', (report) =>
      train(trainer, plan.first, plan.candidates, 'first version', report),
    );
    tellVerdict(verdict, say);
    chapter('3. Approval: who made it is not who says that it is good');
    const decision = await decide(people, verdict);
    tellDecision(verdict, decision, say);
    const found = { first: verdict, firstDecision: decision };
    if (decision.approved) keep(found);
    return found;
  };

  const people = await makePeople(url, data, join(example, 'story'));
  const { trainer, gate } = people;
  if (people.invitation !== undefined) say(`Look on while it goes: ${people.invitation}`);

  chapter(`1. Data: ${plan.words}, and the weather of each hour`);
  const all = await phase('Fetch the tables', tables, 'bytes');
  const source = slice ? await fewer(all, join(work, 'tables')) : all;
  const made = await bringData({ trainer, plan, source, work, say });

  chapter(`2. Training: ${plan.candidates.length} candidates learn, the best is measured on later flights`);
  await trainer.dais(['apply', '-f', join(example, 'story', 'model.yaml'), '--take-over']);
  await preparePipeline(people, work);
  const { first, firstDecision } = before ?? (await firstVersion());
  if (before !== undefined) tellVerdict(first, say);
  const champion = await championOf(trainer);
  if (champion === undefined) throw new Error('The first version is not better than nothing: nothing can be served.');

  chapter('4. Serving: later flights are asked about before they leave');
  await phase('Put it behind an address', () => serve(trainer, plan, work, champion));
  const live = await flightsOf(trainer, plan.live);
  const month = await phase('Replay flights', (report) => replay({ url, gate, flights: live, speed, report }));
  tellReplay(month, plan.live, say);

  chapter('5. The next version: learned from more, measured on flights that neither has seen');
  const second = await phase('Train the second version', (report) =>
    train(trainer, plan.second, plan.candidates, 'second version', report),
  );
  tellVerdict(second, say);
  const secondDecision = await decide(people, second);
  tellDecision(second, secondDecision, say);
  const later = await flightsOf(trainer, plan.later);
  const on = await phase('Replay flights', (report) => replay({ url, gate, flights: later, speed, report }));
  tellReplay(on, plan.later, say);
  if (secondDecision.approved) {
    const { state, weight, reason } = await newestRollout(trainer);
    say(`The rollout of nyc-late/${second.version} is ${state} at ${weight} %. ${reason}`);
  }

  const now = secondDecision.approved ? second.version : champion;
  const named = month.named ?? on.named;
  const lineage = named === undefined ? {} : (await lineageOf(trainer, named.prediction)).types;
  chapter('6. One prediction, back to where it comes from');
  if (named !== undefined) {
    say(
      `${named.flight} was called late with ${(named.probability * 100).toFixed(0)} %, and was. nyc-late/${named.version} said so; it rests on`,
    );
    for (const [type, names] of Object.entries(lineage)) say(`  ${type}: ${short(names)}`);
  }
  return {
    data: made,
    first,
    second,
    firstDecision,
    secondDecision,
    champion: now,
    lineage,
    counted: await counted(trainer),
    links: links(url, {
      version: now,
      challenger: now === champion ? second.version : champion,
      training: second.execution,
    }),
    invitation: people.invitation,
  };
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

/** @param {number} value */
const count = (value) => value.toLocaleString('en');

/** @param {readonly string[]} names */
const short = (names) =>
  names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;

/**
 * @param {import('./training.mjs').Verdict} verdict
 * @param {(line: string) => void} say
 */
function tellVerdict({ version, candidate, flights, frozen, gain, against, better }, say) {
  say(`nyc-late/${version}: ${candidate}, learned from ${count(flights)} flights.`);
  say(
    `On ${count(frozen.flights)} later ones: area under the ROC curve ${frozen.roc_auc.toFixed(3)}, ${gain.roc_auc.toFixed(3)} above ${against} (95 %: ${gain.low.toFixed(3)} to ${gain.high.toFixed(3)}): ${better ? 'better' : 'not shown to be better'}.`,
  );
}

/**
 * @param {import('./training.mjs').Verdict} verdict
 * @param {import('./approval.mjs').Decision} decision
 * @param {(line: string) => void} say
 */
function tellDecision({ version }, { approved, alias, own, reason }, say) {
  say(`trainer makes nyc-late/${version} champion: refused. ${alias}`);
  say(`trainer approves it: refused. ${own}`);
  say(`risk-office ${approved ? 'approves' : 'rejects'} it. ${reason}`);
}

/**
 * @param {import('./replay.mjs').Replayed} replayed
 * @param {import('./plan.mjs').Period} period
 * @param {(line: string) => void} say
 */
function tellReplay({ requests, failed, labels, seconds, versions }, { start, end }, say) {
  const by = Object.entries(versions).map(([version, answers]) => `version ${version} ${count(answers)}`);
  say(
    `${count(requests)} flights from ${start} to ${end} in ${seconds.toFixed(0)} s, ${failed} failed; answered by ${by.join(', ')}. ${count(labels)} have landed.`,
  );
}
