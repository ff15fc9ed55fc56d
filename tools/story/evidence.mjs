/** Results as Dais reports them: read back for the last screen and for tests. */
import { ENDPOINT, until } from './serving.mjs';

/**
 * @typedef {object} Counted
 * @property {number} requests of flights, in all runs of the story together
 * @property {number} failed
 * @property {number} labeled
 *
 * @param {import('./client.mjs').Client} account
 * @returns {Promise<Counted>}
 */
export async function counted(account) {
  const { rows } = await account.call('POST', `/api/v1/predictions/endpoints/${ENDPOINT}/query`, {
    sql: `select count(*), count(*) filter (where status >= 400), count(label) from labeled where shadow_of is null and request_id like '%-2013%'`,
  });
  const [requests, failed, labeled] = rows[0].map(Number);
  return { requests, failed, labeled };
}

/**
 * @typedef {object} Compared predictions compared with those of the shadow for the same flights
 * @property {number} flights
 * @property {number} failed of the copies
 * @property {number} apart mean absolute difference of both probabilities
 * @property {number} answered mean squared error of the predictions
 * @property {number} copied mean squared error of the shadow
 *
 * @param {import('./client.mjs').Client} account
 * @param {string} version of the shadow
 * @returns {Promise<Compared>}
 */
export async function compared(account, version) {
  const { rows } = await account.call('POST', `/api/v1/predictions/endpoints/${ENDPOINT}/query`, {
    sql: `select count(*), count(*) filter (where s.status >= 400), avg(abs(p.out_late_probability - s.out_late_probability)),
        avg((p.out_late_probability - p.label::double) ** 2), avg((s.out_late_probability - p.label::double) ** 2)
      from predictions s join labeled p on p.prediction_id = s.shadow_of and p.row = s.row where s.version = '${version}'`,
  });
  const [flights, failed, apart, answered, copied] = rows[0].map(Number);
  return { flights, failed, apart, answered, copied };
}

/**
 * Explains a prediction: the columns with the largest contributions.
 * @param {import('./client.mjs').Client} account
 * @param {string} prediction
 * @returns {Promise<{ method: string, scale: string, base: number, answer: number, columns: { column: string, value:
 * unknown, moved: number }[] }>}
 */
export async function explained(account, prediction) {
  const path = `/api/v1/predictions/endpoints/${ENDPOINT}/one/${prediction}/explain`;
  const { method, scale, rows } = await account.call('POST', path, {});
  const [{ base, answer, contributions }] = rows;
  const columns = contributions.map((/** @type {any} */ { feature, value, contribution }) => ({
    column: feature,
    value,
    moved: contribution,
  }));
  return { method, scale, base, answer, columns };
}

/**
 * Denied actions of a service account. They are in the audit log of the organization, which not every viewer of a
 * project's events can read.
 * @param {import('./client.mjs').Client} owner
 * @param {string} program
 * @returns {Promise<{ action: string, name: string, policies: readonly string[] }[]>}
 */
export async function refusalsOf(owner, program) {
  const query = new URLSearchParams({ outcome: 'denied', actor: program, limit: '100' });
  const { items } = await owner.call('GET', `/api/v1/organization/audit/entries?${query.toString()}`);
  return items.map((/** @type {any} */ { data: { action, name }, decision }) => ({
    action,
    name,
    policies: decision.policies,
  }));
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
  await until(`The prediction ${prediction} is not stored yet`, async () => {
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
