/** Programs that Dais or its tools need. */
import { ok, problem, warning, type Finding } from '#doctor/finding.ts';
import { runProgram, type ProgramOptions } from '#processes.ts';

type Version = readonly number[];

const NODE: Version = [24];
const PYTHON: Version = [3, 11];

export function checkNode(version: string): Finding {
  if (isAtLeast(version, NODE)) return ok('node', `Node ${version}`);
  return problem(
    'node',
    `Node ${version} is too old; Node ${NODE.join('.')} or newer is needed`,
    'Install Node 24 LTS: https://nodejs.org/en/download, or with your version manager `nvm install 24`.',
  );
}

export async function checkPrograms(variables: ProgramOptions['variables']): Promise<Finding[]> {
  return await Promise.all([
    checkProgram(
      'npm',
      ['--version'],
      undefined,
      variables,
      'npm comes with Node: install Node from https://nodejs.org.',
    ),
    checkProgram('python3', ['--version'], PYTHON, variables, 'apt-get install python3, or `uv python install 3.12`.'),
    checkProgram(
      'git',
      ['--version'],
      undefined,
      variables,
      'apt-get install git. Without it, revisions do not say which commit they came from.',
    ),
  ]);
}

/** `dais up` itself needs none of these, so a missing one is a warning. */
async function checkProgram(
  program: string,
  args: readonly string[],
  least: Version | undefined,
  variables: ProgramOptions['variables'],
  remedy: string,
): Promise<Finding> {
  const { code, stdout, stderr } = await runProgram(program, args, { variables });
  if (code !== 0) return warning(program, code === 127 ? 'is not installed' : `does not run: ${stderr.trim()}`, remedy);
  const version = /\d+(\.\d+)+/.exec(stdout)?.[0] ?? '';
  if (least === undefined || isAtLeast(version, least)) return ok(program, version);
  return warning(
    program,
    `${version} is too old; ${least.join('.')} or newer is needed to run steps and models`,
    remedy,
  );
}

export function isAtLeast(version: string, least: Version): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [index, expected] of least.entries()) {
    const part = parts[index] ?? 0;
    if (part !== expected) return part > expected;
  }
  return true;
}
