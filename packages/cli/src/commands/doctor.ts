import { DaisError } from '@dais/api';
import { chooseServer } from '#connection/connect.ts';
import type { Context, Run } from '#context.ts';
import { checkClient } from '#doctor/client.ts';
import { examine, type ExamineOptions } from '#doctor/examine.ts';
import type { Finding } from '#doctor/finding.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import type { Style } from '#output/style.ts';
import { padTo, printable, widthOf } from '#output/width.ts';

interface DoctorOptions extends ExamineOptions {
  readonly client?: true;
  readonly python?: string;
  readonly target?: string;
}

export const run: Run<DoctorOptions> = async (context, _args, options) => {
  const findings = await findAll(context, options);
  const wrong = findings.filter((finding) => finding.state === 'problem').length;
  if (!(await printedForPrograms(context, { findings })))
    context.terminal.out(findingsText(findings, context.terminal.style));
  return wrong > 0 ? exitCodes.failed.code : exitCodes.ok.code;
};

async function findAll(context: Context, options: DoctorOptions): Promise<readonly Finding[]> {
  const asClient = options.client === true || options.python !== undefined;
  if (asClient && options.target !== undefined) {
    throw new DaisError('invalid_request', 'Use --client or --target, not both.');
  }
  if (options.target !== undefined) return await examineTarget(context, options.target);
  return asClient ? await examineClient(context, options) : (await examine(context, options)).findings;
}

/** The server tests its targets: this machine may not reach them. */
async function examineTarget(context: Context, name: string): Promise<readonly Finding[]> {
  const [{ probeTarget }, { targetFindings }] = await Promise.all([
    import('#targets/probe-target.ts'),
    import('#doctor/target.ts'),
  ]);
  return targetFindings(name, await probeTarget(context, await context.connect(), { name, pods: true }));
}

/** Only checks for a training machine, which has no server. */
async function examineClient(context: Context, options: DoctorOptions) {
  const { environment, globals } = context;
  const choice = await chooseServer(environment, globals, options.data);
  const project = globals.project ?? environment.project;
  const findings = await checkClient({ python: options.python, choice, project, variables: environment.variables });
  return findings;
}

const SIGNS = { ok: 'ok', warning: 'warning', problem: 'problem', skipped: 'skipped' } as const;

/** Problems come last, where they stay visible in a terminal. */
function findingsText(findings: readonly Finding[], style: Style): string {
  const paint = { ok: style.ok, warning: style.warn, problem: style.fail, skipped: style.dim };
  const order = { ok: 0, skipped: 1, warning: 2, problem: 3 };
  const sorted = findings.toSorted((a, b) => order[a.state] - order[b.state]);
  const width = Math.max(...findings.map((finding) => widthOf(finding.name)));
  const lines = sorted.flatMap(({ name, state, detail, remedy }) => [
    `${paint[state](padTo(SIGNS[state], 8))} ${padTo(name, width)}  ${printable(detail)}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(9)}${' '.repeat(width)}  ${style.bold('→')} ${printable(remedy)}`]),
  ]);
  return [...lines, '', conclusion(findings), ''].join('\n');
}

function conclusion(findings: readonly Finding[]): string {
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length;
  const problems = count('problem');
  const warnings = count('warning');
  if (problems === 0 && warnings === 0) return 'No problems found.';
  const words = [
    ...(problems === 0 ? [] : [`${problems} ${problems === 1 ? 'problem' : 'problems'}`]),
    ...(warnings === 0 ? [] : [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`]),
  ];
  return `${words.join(' and ')}; lines with → show the remedy.`;
}
