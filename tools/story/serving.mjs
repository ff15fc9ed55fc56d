/** The champion behind an address; the next version beside it, first unseen, then for a share of the flights. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from '../command.mjs';
import { applyText } from './client.mjs';

export const ENDPOINT = 'nyc-late';
const path = `/api/v1/serving/endpoints/${ENDPOINT}`;

const LOOK_MS = 300;
/** A model is loaded within seconds; a machine at load 10 took ten times that. */
const MOST_MS = 180_000;

/**
 * Until it answers with the version that is champion.
 * @param {import('./client.mjs').Client} trainer
 * @param {import('./plan.mjs').Plan} plan
 * @param {string} work a folder of the story
 * @param {string} version
 */
export async function serve(trainer, plan, work, version) {
  const manifest = readFileSync(join(root, 'examples', 'flights', 'story', 'endpoint.yaml'), 'utf8');
  const text = manifest.replace(/minimumRequests: \d+/, `minimumRequests: ${plan.minimumRequests}`);
  await applyText(trainer, work, 'endpoint.yaml', text);
  await until('The endpoint does not answer', async () => {
    const endpoint = await trainer.call('GET', `/api/v1/endpoints/${ENDPOINT}`);
    const stable = (endpoint.status?.variants ?? []).find((/** @type {any} */ variant) => variant.name === 'stable');
    return stable?.state === 'ready' && stable.version === version;
  });
}

/**
 * Copies of all requests go to a version, until {@link endRollout}.
 * @param {import('./client.mjs').Client} trainer
 * @param {string} version
 */
export async function shadow(trainer, version) {
  await trainer.call('POST', `${path}/deploy`, { model: `models:/nyc-late/${version}`, shadow: true });
  await until('The shadow does not answer', async () => {
    const endpoint = await trainer.call('GET', `/api/v1/endpoints/${ENDPOINT}`);
    return (endpoint.status?.variants ?? []).some(
      (/** @type {any} */ one) => one.role === 'shadow' && one.state === 'ready' && one.version === version,
    );
  });
}

/**
 * @param {import('./client.mjs').Client} trainer
 * @param {string} reason
 */
export async function endRollout(trainer, reason) {
  await trainer.call('POST', `${path}/rollout/abort`, { reason });
}

/** @param {import('./client.mjs').Client} trainer */
export async function newestRollout(trainer) {
  return (await trainer.call('GET', `${path}/rollouts?limit=1`)).items[0];
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
 * @param {string} fault
 * @param {() => Promise<boolean>} holds
 */
export async function until(fault, holds) {
  const deadline = performance.now() + MOST_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${fault} after ${MOST_MS / 1000} s.`);
    await delay(LOOK_MS);
  }
}
