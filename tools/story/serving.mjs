/** The champion behind an address; the next version takes over by a rollout. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from '../command.mjs';
import { applyText } from './client.mjs';

export const ENDPOINT = 'nyc-late';
const path = `/api/v1/serving/endpoints/${ENDPOINT}`;

const POLL_MS = 300;
/** A model is loaded within seconds; a machine at load 10 took ten times that. */
const MOST_MS = 180_000;

/** The name of the shadow, which is compared with the champion. */
const SHADOW = 'challenger';

/**
 * Until it answers with the version that is champion, and with nothing else.
 * @param {import('./client.mjs').Client} trainer
 * @param {import('./plan.mjs').Plan} plan
 * @param {string} work a folder of the demo
 * @param {string} version
 */
export async function serve(trainer, plan, work, version) {
  await applyText(trainer, work, 'endpoint.yaml', manifest(plan));
  await until('The endpoint does not respond', async () => {
    const [only, ...others] = await variants(trainer);
    return others.length === 0 && only?.name === 'stable' && only.state === 'ready' && only.version === version;
  });
}

/**
 * The newest version becomes a shadow: it gets a copy of each request.
 * @param {import('./client.mjs').Client} trainer
 * @param {import('./plan.mjs').Plan} plan
 * @param {string} work a folder of the demo
 * @param {string} version
 */
export async function copyTo(trainer, plan, work, version) {
  const shadow = `  shadow: [{ name: ${SHADOW}, model: 'models:/nyc-late/${version}' }]\n`;
  await applyText(trainer, work, 'endpoint.yaml', `${manifest(plan).trimEnd()}\n${shadow}`);
  await until('The shadow is not ready', async () => {
    const found = (await variants(trainer)).find(({ role }) => role === 'shadow');
    return found?.state === 'ready' && found.version === version;
  });
}

/** @param {import('./plan.mjs').Plan} plan */
function manifest({ minimumRequests }) {
  const text = readFileSync(join(root, 'examples', 'flights', 'story', 'endpoint.yaml'), 'utf8');
  return text.replace(/minimumRequests: \d+/, `minimumRequests: ${minimumRequests}`);
}

/**
 * @param {import('./client.mjs').Client} account
 * @returns {Promise<{ name: string, role: string, state: string, version: string, weight: number }[]>}
 */
async function variants(account) {
  return (await account.call('GET', `/api/v1/endpoints/${ENDPOINT}`)).status?.variants ?? [];
}

/**
 * The rollout of the version: each share of the traffic with its result.
 * @typedef {object} Rollout
 * @property {string} state
 * @property {string} reason
 * @property {readonly { weight: number, status: string, canary?: { requests: number, failed: number } }[]} steps
 *
 * @param {import('./client.mjs').Client} trainer
 * @returns {Promise<Rollout>}
 */
export async function newestRollout(trainer) {
  return (await trainer.call('GET', `${path}/rollouts?limit=1`)).items[0];
}

/**
 * Until the version gets its first share of the requests.
 * @param {import('./client.mjs').Client} trainer
 * @param {string} version
 */
export async function takingOver(trainer, version) {
  await until('The rollout of the next version does not start', async () => {
    const found = await variants(trainer);
    return found.some((one) => one.name !== SHADOW && one.version === version && one.weight > 0);
  });
}

/**
 * The address of the gateway for one endpoint.
 * @param {import('./client.mjs').Client} account
 * @param {string} url of Dais
 */
export async function gateway(account, url) {
  const { port } = await account.call('GET', `${path}/contract`);
  const address = new URL(url);
  if (port !== undefined) address.port = String(port);
  return `${address.origin}/p/default/v2/models/${ENDPOINT}/infer`;
}

/**
 * @param {string} problem
 * @param {() => Promise<boolean>} holds
 */
export async function until(problem, holds) {
  const deadline = performance.now() + MOST_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${problem} after ${MOST_MS / 1000} s.`);
    await delay(POLL_MS);
  }
}
