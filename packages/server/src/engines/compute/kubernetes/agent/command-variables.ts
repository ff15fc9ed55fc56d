/** The environment variables of a command: those of its image, of the agent and of the task. */
import type { AgentOrder } from '../agent-api.ts';

/** Of the container, not of the image: Kubernetes adds them to each container of an indexed Job. */
const CONTAINER_VARIABLES = /^(KUBERNETES_.*|HOSTNAME|JOB_COMPLETION_INDEX|TERM)$/;

/** The PATH of an image without one, as container runtimes set it. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface TaskFolders {
  /** As the command sees them. */
  readonly home: string;
  readonly tmp: string;
}

export function commandVariables(
  image: Readonly<Record<string, string>>,
  order: Pick<AgentOrder, 'variables' | 'secretVariables' | 'path' | 'environment'>,
  { home, tmp }: TaskFolders,
): Readonly<Record<string, string>> {
  const own = Object.entries(image).filter(([name]) => name !== '' && !CONTAINER_VARIABLES.test(name));
  return {
    LANG: 'C.UTF-8',
    ...Object.fromEntries(own),
    HOME: home,
    TMPDIR: tmp,
    // Programs that look up their user name find no entry for the user of the pod.
    USER: 'step',
    LOGNAME: 'step',
    PATH: [...order.path, image['PATH'] ?? DEFAULT_PATH].join(':'),
    ...libraryPath(image['LD_LIBRARY_PATH'], order.environment?.libraries ?? []),
    ...order.variables,
    ...order.secretVariables,
  };
}

function libraryPath(image: string | undefined, libraries: readonly string[]): Readonly<Record<string, string>> {
  if (libraries.length === 0) return {};
  return { LD_LIBRARY_PATH: [...libraries, ...(image === undefined || image === '' ? [] : [image])].join(':') };
}
