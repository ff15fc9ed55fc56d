/** Creates the accounts: you as administrator, and three service accounts with separate duties. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { client } from './client.mjs';

/** The invited administrator. */
const YOU = 'you@example.com';

/** The names of the service accounts, and the lifetime of their tokens. */
const PROGRAMS = /** @type {const} */ (['trainer', 'risk-office', 'gate']);
const DAYS = 1;

/**
 * @typedef {object} People
 * @property {import('./client.mjs').Client} owner authenticated by the token of the data folder
 * @property {import('./client.mjs').Client} trainer
 * @property {import('./client.mjs').Client} office
 * @property {import('./client.mjs').Client} gate
 * @property {string | undefined} invitation the link by which you choose a password; absent when you have one
 */

/**
 * @param {string} url
 * @param {string} data the data folder
 * @param {string} manifests folder
 * @returns {Promise<People>}
 */
export async function makePeople(url, data, manifests) {
  const owner = client(url, readFileSync(join(data, 'owner-token'), 'utf8').trim());
  await owner.dais(['apply', '-f', join(manifests, 'people.yaml')]);
  const [trainer, office, gate] = await Promise.all(PROGRAMS.map((name) => program(url, owner, name)));
  if (!trainer || !office || !gate) throw new Error('an account is missing');
  return { owner, trainer, office, gate, invitation: await invite(owner) };
}

/**
 * @param {string} url
 * @param {import('./client.mjs').Client} owner
 * @param {string} name
 */
async function program(url, owner, name) {
  const path = `/api/v1/serviceaccounts/${name}/tokens`;
  // The text of tokens of an earlier run is not stored.
  for (const { id } of (await owner.call('GET', path)).items) await owner.call('DELETE', `${path}/${id}`);
  const { token } = await owner.call('POST', path, { title: 'story', days: DAYS });
  return client(url, token);
}

/** @param {import('./client.mjs').Client} owner */
async function invite(owner) {
  const users = await owner.call('GET', '/api/v1/users?limit=1000');
  const isThere = users.items.some((/** @type {{ metadata: { name: string } }} */ user) => user.metadata.name === YOU);
  if (isThere) return undefined;
  const { link } = await owner.call('POST', '/api/v1/invitations/administrators', { email: YOU });
  return String(link);
}
