/** What Dais itself says of what happened: read back, for the last screen and for tests. */
import { ENDPOINT, until } from './serving.mjs';

/**
 * @typedef {object} Counted
 * @property {number} requests of flights, in all runs of the story together
 * @property {number} failed
 * @property {number} labelled
 *
 * @param {import('./client.mjs').Client} account
 * @returns {Promise<Counted>}
 */
export async function counted(account) {
  const { rows } = await account.call('POST', `/api/v1/predictions/endpoints/${ENDPOINT}/query`, {
    sql: `select count(*), count(*) filter (where status >= 400), count(label) from labelled where shadow_of is null and request_id like '%-2013%'`,
  });
  const [requests, failed, labelled] = rows[0].map(Number);
  return { requests, failed, labelled };
}

/**
 * From one prediction back to what it rests on.
 * @param {import('./client.mjs').Client} account
 * @param {string} prediction
 * @returns {Promise<{ node: string, types: Record<string, string[]> }>} names by the type of node
 */
export async function lineageOf(account, prediction) {
  /** @type {any} */
  let found;
  await until(`The prediction ${prediction} is not in a file`, async () => {
    found = await account
      .call('GET', `/api/v1/predictions/endpoints/${ENDPOINT}/one/${prediction}`)
      .catch(() => undefined);
    return found !== undefined;
  });
  const node = found.lineage.find((/** @type {string} */ one) => one.startsWith('model-version:')) ?? found.lineage[0];
  const query = new URLSearchParams({ node, direction: 'upstream', depth: '50', limit: '5000' });
  const { nodes } = await account.call('GET', `/api/v1/lineage?${query.toString()}`);
  /** @type {Record<string, string[]>} */
  const types = {};
  for (const one of nodes) (types[one.type] ??= []).push(String(one.name ?? one.node));
  return { node, types };
}
