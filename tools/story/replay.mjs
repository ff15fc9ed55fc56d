/** Replays flights of 2013 as current traffic: each gets a prediction before departure, and its ground truth after landing. */
import { setTimeout as delay } from 'node:timers/promises';
import { Refused, whileAway } from './client.mjs';
import { ENDPOINT, gateway } from './serving.mjs';

const WORDS = ['carrier', 'origin'];
const NUMBERS = [
  'temp',
  'wind_speed',
  'precip',
  'visib',
  'carrier_minutes',
  'carrier_late',
  'route_minutes',
  'route_flights',
  'distance',
  'hour',
];

/** Requests under way at once. */
const AT_ONCE = 16;
/** Labels in one request, of 10,000 that Dais takes. */
const LABELS = 2000;

/**
 * @typedef {object} Flight
 * @property {string} id
 * @property {number} scheduled milliseconds, scheduled departure
 * @property {number} landed
 * @property {string} late `1` or `0`
 * @property {Record<string, string | number | null>} columns
 *
 * @typedef {object} Replayed
 * @property {number} requests
 * @property {number} failed
 * @property {number} again retried requests without a response
 * @property {number} labels
 * @property {number} seconds
 * @property {Record<string, number>} versions number of predictions of each version
 * @property {{ flight: string, prediction: string, probability: number, version: string } | undefined} named the late flight of
 *   which it was surest
 */

/**
 * @param {import('./client.mjs').Client} account
 * @param {import('./plan.mjs').Period} period
 * @returns {Promise<Flight[]>} sorted by scheduled departure
 */
export async function flightsOf(account, { start, end }) {
  const columns = [...WORDS, ...NUMBERS];
  const { rows, truncated } = await account.call('POST', '/api/v1/data/query', {
    sql: `select t.flight_id, epoch_ms(t.scheduled_at), epoch_ms(f.landed_at), t.late, ${columns.map((name) => `t.${name}`).join(', ')}
      from nyc_training t join nyc_flights f using (flight_id)
      where t.scheduled_at >= '${start}' and t.scheduled_at < '${end}' order by t.scheduled_at, t.flight_id`,
    limit: 100_000,
  });
  if (truncated) throw new Error(`Too many flights from ${start} to ${end}.`);
  return rows.map((/** @type {any[]} */ [id, scheduled, landed, late, ...values]) => ({
    id,
    scheduled: Number(scheduled),
    landed: Number(landed),
    late: String(late),
    columns: Object.fromEntries(columns.map((name, at) => [name, values[at]])),
  }));
}

/**
 * @param {object} parts
 * @param {string} parts.url of Dais
 * @param {import('./client.mjs').Client} parts.gate
 * @param {readonly Flight[]} parts.flights
 * @param {number | undefined} parts.speed how many times faster than 2013; undefined: as fast as they are answered
 * @param {(done: number, total: number) => void} parts.report
 * @returns {Promise<Replayed>}
 */
export async function replay({ url, gate, flights, speed, report }) {
  let address = await gateway(gate, url);
  const started = performance.now();
  /** @type {Replayed} */
  const replayed = { requests: 0, failed: 0, again: 0, labels: 0, seconds: 0, versions: {}, named: undefined };
  /** @type {{ prediction: string, value: string, landed: number }[]} */
  let waiting = [];
  const first = flights[0]?.scheduled ?? 0;
  let next = 0;
  const client = async () => {
    for (let at = next++; at < flights.length; at = next++) {
      const flight = /** @type {Flight} */ (flights[at]);
      if (speed !== undefined) {
        const due = started + (flight.scheduled - first) / speed;
        if (due > performance.now()) await delay(due - performance.now());
      }
      let tries = 0;
      const answer = await whileAway(async () => {
        // A gateway that was started again may have another address.
        if (tries++ > 0) address = await gateway(gate, url);
        return await ask(address, gate.token, flight);
      }).catch(() => undefined);
      replayed.requests++;
      if (tries > 1) replayed.again++;
      if (answer === undefined) replayed.failed++;
      else {
        replayed.versions[answer.version] = (replayed.versions[answer.version] ?? 0) + 1;
        waiting.push({ prediction: answer.prediction, value: flight.late, landed: flight.landed });
        if (flight.late === '1' && answer.probability > (replayed.named?.probability ?? 0)) {
          replayed.named = { flight: flight.id, ...answer };
        }
      }
      if (replayed.requests % 200 === 0) report(replayed.requests, flights.length);
      const landed = waiting.filter((one) => one.landed <= flight.scheduled);
      if (landed.length >= LABELS) {
        waiting = waiting.filter((one) => one.landed > flight.scheduled);
        replayed.labels += await sendLabels(gate, landed);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  // The last flights land.
  for (let at = 0; at < waiting.length; at += LABELS) {
    replayed.labels += await sendLabels(gate, waiting.slice(at, at + LABELS));
  }
  replayed.seconds = (performance.now() - started) / 1000;
  return replayed;
}

/**
 * @param {string} address
 * @param {string} token
 * @param {Flight} flight
 */
async function ask(address, token, { id, columns }) {
  const inputs = [
    ...WORDS.map((name) => ({ name, shape: [1, 1], datatype: 'BYTES', data: [columns[name]] })),
    ...NUMBERS.map((name) => ({ name, shape: [1, 1], datatype: 'FP32', data: [columns[name] ?? null] })),
  ];
  const answer = await fetch(address, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'dais-json-nan': 'allow',
      'x-request-id': id,
    },
    // An unknown value is NaN for the model, which JSON cannot represent.
    body: JSON.stringify({ id, inputs }).replaceAll('[null]', '[NaN]'),
  });
  const body = await answer.text();
  if (!answer.ok) throw new Refused({ status: answer.status, detail: body });
  return {
    prediction: answer.headers.get('dais-prediction-id') ?? '',
    version: answer.headers.get('dais-model-version') ?? '',
    probability: Number(JSON.parse(body).outputs[0].data[0]),
  };
}

/**
 * @param {import('./client.mjs').Client} gate
 * @param {readonly { prediction: string, value: string }[]} landed
 */
async function sendLabels(gate, landed) {
  const { taken } = await gate.call('POST', `/api/v1/predictions/endpoints/${ENDPOINT}/labels`, {
    labels: landed.map(({ prediction, value }) => ({ prediction, value })),
    source: 'ground-truth labels',
  });
  return Number(taken);
}
