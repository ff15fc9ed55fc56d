import { z } from 'zod';

/** Isolation of user code and models on a server. */
export const isolationInfoSchema = z.strictObject({
  boundary: z
    .enum(['bubblewrap', 'bubblewrap-without-proc', 'landlock', 'none'])
    .describe(
      'From strong to weak. `bubblewrap`: namespaces, only named files are visible. `bubblewrap-without-proc`: the same without /proc. `landlock`: the kernel refuses files, sockets and signals, without namespaces. `none`: nothing isolates.',
    ),
  limits: z
    .enum(['cgroup', 'rlimit'])
    .describe('`cgroup`: the kernel enforces the limits of a whole run. `rlimit`: limits per process and a watchdog.'),
  identity: z
    .enum(['own-user', 'same-user'])
    .describe('`own-user`: each owner has a separate user id. `same-user`: all runs have the user id of the server.'),
  program: z
    .enum(['configured', 'machine', 'bundled'])
    .optional()
    .describe('Where the bubblewrap in use comes from: the configuration, this machine, or Dais.'),
  lacks: z.array(z.string()).describe('Limitations of this boundary.'),
  reason: z.string().optional().describe('Reason why no isolation is available.'),
  remedy: z.string().optional().describe('Remedy: how to make the strongest boundary available on this machine.'),
});
export type IsolationInfo = z.infer<typeof isolationInfoSchema>;

const PROGRAMS: Readonly<Record<NonNullable<IsolationInfo['program']>, string>> = {
  configured: 'the configured bubblewrap',
  machine: 'the bubblewrap of this machine',
  bundled: 'the bubblewrap of Dais',
};

/**
 * Returns one sentence without a period at its end: the isolation of user code and models, and the enforcement of
 * limits.
 */
export function isolationSummary({ boundary, limits, program = 'machine', reason }: IsolationInfo): string {
  if (boundary === 'none') {
    const why = reason === undefined ? '' : ` (${reason})`;
    return `no isolation is available on this machine${why}: queries have limits only; steps, Python models and conversions are refused; schedules and alerts start no runs`;
  }
  const held = limits === 'cgroup' ? 'limits of a whole run' : 'limits per process and a watchdog';
  if (boundary === 'landlock') {
    return `user code and models are isolated by Landlock and a system call filter, without namespaces, with ${held}`;
  }
  const without = boundary === 'bubblewrap' ? '' : ', without /proc';
  return `user code and models are isolated in namespaces by ${PROGRAMS[program]}${without}, with ${held}`;
}
