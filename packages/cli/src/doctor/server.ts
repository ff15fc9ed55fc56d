/** The server: whether it responds, is ready, and its clock agrees. */
import type { ServerChoice } from '#connection/connect.ts';
import { errorCode } from '#doctor/error-code.ts';
import { ok, problem, skipped, warning, type Finding } from '#doctor/finding.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy?: string;
}

/** Certificates and tokens have narrow limits; above this skew they start to fail. */
const MAX_SKEW_MS = 30_000;
const PATIENCE_MS = 5000;

export async function checkServer(choice: ServerChoice, now: () => number): Promise<Finding[]> {
  const url = choice.url.replace(/\/+$/, '');
  let response: Response;
  const before = now();
  try {
    response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    const code = errorCode(error);
    if (/CERT|SELF_SIGNED|SIGNATURE/.test(code)) {
      const remedy = 'Set NODE_EXTRA_CA_CERTS to a PEM file with the authority that made it.';
      return [problem('server', `the certificate of ${url} is not trusted (${code})`, remedy)];
    }
    if (choice.from === 'default') return [skipped('server', `no server at ${url}; start one with \`dais up\``)];
    const remedy =
      choice.from === 'data folder'
        ? 'Check its log, then restart it.'
        : `Correct ${choice.from}, or start the server there.`;
    return [problem('server', `no server at ${url} (from ${choice.from})`, remedy)];
  }
  const after = now();
  const checks = await readChecks(response);
  if (checks === undefined) {
    return [
      problem(
        'server',
        `the server at ${url} is not Dais (status ${response.status})`,
        'Set the right URL with --url.',
      ),
    ];
  }
  return [
    ok('server', `responds at ${url} in ${Math.round(after - before)} ms`),
    ...checks.map((check) =>
      check.ok
        ? check.remedy === undefined
          ? ok(`server: ${check.name}`, check.detail)
          : warning(`server: ${check.name}`, check.detail, check.remedy)
        : problem(`server: ${check.name}`, check.detail, check.remedy ?? 'See the log of the server.'),
    ),
    ...clockFinding(response.headers.get('date'), (before + after) / 2),
  ];
}

async function readChecks(response: Response): Promise<readonly Check[] | undefined> {
  try {
    const { checks } = (await response.json()) as { checks?: unknown };
    return Array.isArray(checks) ? (checks as Check[]) : undefined;
  } catch {
    return undefined;
  }
}

/** The header counts whole seconds: half a second is added for the rounding. */
export function clockFinding(date: string | null, nowMs: number): Finding[] {
  const theirs = date === null ? Number.NaN : Date.parse(date) + 500;
  if (Number.isNaN(theirs)) return [];
  const skew = theirs - nowMs;
  if (Math.abs(skew) <= MAX_SKEW_MS) return [ok('clock', 'in sync with the server')];
  const text = `the server’s clock is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? 'ahead of' : 'behind'} this one`;
  return [warning('clock', text, 'Synchronize both machines with NTP: timedatectl set-ntp true')];
}
