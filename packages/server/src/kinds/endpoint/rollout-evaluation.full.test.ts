import { endpointSpec } from '@dais/api/serving';
import { expect, test } from 'vitest';
import { seededRandom } from '#lib/statistics/random.ts';
import { simulateRollout, type Scenario } from './rollout-simulation.testing.ts';

const limits = endpointSpec.parse({ model: 'models:/m/1' }).rollout;
const ROLLOUTS = 1000;
const SPREADS = [0.1, 0.5, 1];
const ERROR_SHARES = [0, 0.0005, 0.001];

/** Returns the percentage of rollouts that fail. Spreads and error rates alternate, unless `more` names them. */
function failing(shares: readonly number[], more: Partial<Scenario>): number {
  const random = seededRandom(2026);
  let failed = 0;
  for (let at = 0; at < ROLLOUTS; at += 1) {
    const scenario = {
      shares,
      requests: 2000,
      perInterval: 100,
      medianMs: 40,
      spread: SPREADS[at % SPREADS.length] ?? 0.5,
      errorShare: ERROR_SHARES[Math.floor(at / 3) % ERROR_SHARES.length] ?? 0,
      slowdown: 0,
      errorIncrease: 0,
      noise: true,
    };
    if (simulateRollout(limits, { ...scenario, ...more }, random).failed !== undefined) failed += 1;
  }
  return (100 * failed) / ROLLOUTS;
}

const steps = [...Array.from({ length: 6 }, () => 0.1), ...Array.from({ length: 10 }, () => 0.5), 1];
const traffic = [
  ['5 %', [0.05]],
  ['10 %', [0.1]],
  ['20 %', [0.2]],
  ['33 %', [0.33]],
  ['50 %', [0.5]],
  ['10 %, 50 %, 100 %', steps],
] as const;

/** [0]: share of rollouts of versions with 1 percentage point more errors. At 50 %, more requests are necessary. */
const LEAST_FOUND: Readonly<Record<string, number>> = { '50 %': 85, '10 %, 50 %, 100 %': 85 };

test.each(traffic)('false alarms and power at %s of the traffic', { timeout: 300_000 }, (name, shares) => {
  const equal = failing(shares, {});
  const quiet = failing(shares, { noise: false });
  const slower = failing(shares, { slowdown: 0.3 });
  const errors = failing(shares, { errorIncrease: 0.01 });
  const errorsLater = failing(shares, { errorIncrease: 0.01, requests: 4000 });
  const usualErrors = failing(shares, { errorIncrease: 0.01, errorShare: 0.003 });
  process.stdout.write(
    `${name}: equal ${equal} %, without noise ${quiet} %; 30 % slower ${slower} %; 1 point more errors ${errors} %, within 4,000 requests ${errorsLater} %, with 0.3 % before ${usualErrors} %\n`,
  );
  expect(equal).toBeLessThanOrEqual(1);
  expect(quiet).toBeLessThanOrEqual(1);
  expect(slower).toBeGreaterThanOrEqual(95);
  expect(errors).toBeGreaterThanOrEqual(LEAST_FOUND[name] ?? 95);
});
