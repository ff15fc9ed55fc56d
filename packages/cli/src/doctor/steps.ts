/** What the machine gives to commands that Dais runs. */
import { ok, skipped, warning, type Finding } from '#doctor/finding.ts';

/** As the server's compute engine tells them. */
export interface StepAbilities {
  readonly isolationFault: string | undefined;
  readonly imageFault: string | undefined;
  readonly limits: 'cgroup' | 'rlimit';
  readonly resources: Readonly<Record<string, number>>;
}

export async function checkSteps(look: () => Promise<StepAbilities>): Promise<Finding> {
  try {
    return stepsFinding(await look());
  } catch (error) {
    return skipped('steps', error instanceof Error ? error.message : String(error));
  }
}

export function stepsFinding({ isolationFault, imageFault, limits, resources }: StepAbilities): Finding {
  const { cpu = 0, memory = 0, 'nvidia.com/gpu': gpus = 0 } = resources;
  const has = `${cpu} cores, ${(memory / 1024 ** 3).toFixed(1)} GiB${gpus > 0 ? `, ${gpus} GPUs` : ''}`;
  const held = limits === 'cgroup' ? 'for a whole step' : 'for each process of a step';
  const images = imageFault === undefined ? 'in images too' : 'not in images, for which podman is missing';
  const text = `${has}; memory is held ${held}`;
  if (isolationFault !== undefined) {
    const remedy = `${isolationFault} Until then commands run only with \`--isolation none\`.`;
    return warning('steps', `${text}; commands cannot be isolated`, remedy);
  }
  if (limits === 'cgroup') return ok('steps', `${text}; commands are isolated, ${images}`);
  const remedy =
    'For limits of whole steps, of CPU too, run Dais as the service of deploy/systemd (which delegates control groups), or as root.';
  return warning('steps', `${text}, CPU not at all; commands are isolated, ${images}`, remedy);
}
