/** Test data of datasets: three versions of flights, the last of which violates expectations. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Journey } from './journey.ts';

const FLIGHTS = `apiVersion: dais.dev/v1
kind: Dataset
metadata:
  name: flights
  labels:
    area: gates
spec:
  description: One row for each flight that landed
  license: CC-BY-4.0
  owner: vision
  keys: [flight_id]
  eventTime: landed_at
  label: delay_minutes
  sensitive:
    - column: pilot_email
      category: email
      mask: pseudonym
  expectations:
    - name: delays can be true
      type: range
      columns: [delay_minutes]
      min: -60
      max: 1440
      description: A day late is as late as a flight can be
    - type: completeness
      columns: [carrier, airport]
    - name: distances stay as they are
      type: range
      columns: [distance_km]
      max: 5000
      severity: warn
`;

interface FlightsOptions {
  /** Number of rows. */
  readonly rows: number;
  /** Added to every delay, in minutes. */
  readonly later?: number;
  /** Number of rows that are delayed by a week. */
  readonly impossible?: number;
}

const CARRIERS = ['AA', 'BA', 'LH', 'AF'] as const;
const AIRPORTS = ['FRA', 'LHR', 'CDG', 'JFK', 'OSL'] as const;
const HEADER = 'flight_id,landed_at,carrier,airport,delay_minutes,distance_km,night,pilot_email,contact';

/** The same rows for the same options: pseudorandom numbers. */
export function flightsCsv({ rows, later = 0, impossible = 0 }: FlightsOptions): string {
  const lines = Array.from({ length: rows }, (_, at) => {
    const noise = Math.sin(at * 12.9898) * 43_758.5453;
    const spread = noise - Math.floor(noise);
    const landed = new Date(Date.UTC(2026, 9, 1) + at * 1_800_000).toISOString();
    const delay = at < impossible ? 10_080 : Math.round(spread * spread * 120 - 10 + later);
    const carrier = CARRIERS[Math.floor(spread * spread * CARRIERS.length)] ?? 'AA';
    const airport = AIRPORTS[at % AIRPORTS.length] ?? 'FRA';
    const distance = at % 17 === 0 ? '' : (300 + spread * 6000).toFixed(1);
    const night = at % 48 < 12;
    const person = at % 40;
    return `F${at},${landed},${carrier},${airport},${delay},${distance},${night},pilot${person}@example.com,desk${person}@airports.example`;
  });
  return `${[HEADER, ...lines].join('\n')}\n`;
}

/** Pushes a version with the command line. */
export async function pushFile(
  journey: Journey,
  dataset: string,
  text: string,
  args: readonly string[] = [],
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-push-'));
  try {
    const file = join(folder, `${dataset}.csv`);
    await writeFile(file, text);
    await journey.daisAsOwner(['data', 'push', dataset, file, ...args]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function makeFlights(journey: Journey): Promise<void> {
  await journey.apply(FLIGHTS);
  await pushFile(journey, 'flights', flightsCsv({ rows: 2000 }), ['--message', 'October']);
  await pushFile(journey, 'flights', flightsCsv({ rows: 2400, later: 25 }), ['--tag', 'winter']);
  // The exit code of the command reports it.
  const broken = flightsCsv({ rows: 2500, later: 25, impossible: 7 });
  await pushFile(journey, 'flights', broken, ['--message', 'With November']).catch((error: unknown) => {
    if (!String(error).includes('is quarantined')) throw error;
  });
}
