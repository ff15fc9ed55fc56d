/** Checks the resources and the isolation of a machine for commands and models. */
import { isolationSummary, type IsolationInfo } from '@dais/api/executions';
import { ok, skipped, warning, type Finding } from '#doctor/finding.ts';

/** As the compute engine and the isolation engine of the server report them. */
export interface StepAbilities {
  readonly isolation: IsolationInfo;
  readonly imageProblem: string | undefined;
  readonly limits: 'cgroup' | 'rlimit';
  readonly resources: Readonly<Record<string, number>>;
}

export async function checkSteps(inspect: () => Promise<StepAbilities>): Promise<Finding[]> {
  try {
    const abilities = await inspect();
    return [isolationFinding(abilities.isolation), stepsFinding(abilities)];
  } catch (error) {
    return [skipped('steps', error instanceof Error ? error.message : String(error))];
  }
}

/** A server without isolation starts and serves what needs none, so the finding is a warning. */
export function isolationFinding(isolation: IsolationInfo): Finding {
  const { boundary, lacks, program, remedy } = isolation;
  const lacking = boundary === 'none' ? '' : lacks.map((lack) => ` ${lack}`).join('');
  const text = `${isolationSummary(isolation)}${lacking === '' ? '' : `.${lacking}`}`;
  if (remedy === undefined) return ok('isolation', text);
  const bundled =
    program === undefined ? ' `dais up` also installs a pinned bubblewrap when it starts, from the package index.' : '';
  return warning('isolation', text, `${remedy}${bundled}`);
}

export function stepsFinding({ isolation, imageProblem, limits, resources }: StepAbilities): Finding {
  const { cpu = 0, memory = 0, 'nvidia.com/gpu': gpus = 0 } = resources;
  const has = `${cpu} cores, ${(memory / 1024 ** 3).toFixed(1)} GiB${gpus > 0 ? `, ${gpus} GPUs` : ''}`;
  const held = limits === 'cgroup' ? 'for a whole step' : 'for each process of a step';
  const images = imageProblem === undefined ? 'images can be used' : 'images cannot be used: podman is missing';
  const text = `${has}; memory is held ${held}`;
  if (isolation.boundary === 'none') {
    const remedy = 'See isolation. Until then commands run only with `--isolation none`.';
    return warning('steps', `${text}; commands are refused`, remedy);
  }
  if (limits === 'cgroup') return ok('steps', `${text}; ${images}`);
  const remedy =
    'For limits of whole steps, of CPU too, run Dais as the service of deploy/systemd (which delegates control groups), or as root.';
  return warning('steps', `${text}, CPU not at all; ${images}`, remedy);
}
