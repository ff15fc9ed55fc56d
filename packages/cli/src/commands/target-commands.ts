import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';

const noPods: OptionDefinition = {
  flags: '--no-pods',
  description: 'start no test pod; takes 10 s at most instead of 2 min',
};

/** Compute targets. */
export const targetCommands: readonly CommandDefinition[] = [
  {
    name: 'target add',
    group: 'Runs',
    summary: 'Add a Kubernetes cluster where steps run, or change it, and test it',
    details:
      'With --kubeconfig, copies one context with the content of its files to a Secret of the project. For an existing target, options that are not given keep their values. Exit code 1: steps cannot run there yet. `dais get targets` lists targets, and `dais explain Target` describes further fields, such as pools of nodes.',
    arguments: [{ syntax: '<name>', description: 'name of the target', completes: 'target' }],
    options: [
      { flags: '--in-cluster', description: 'the cluster in which Dais runs, with the service account of its pod' },
      { flags: '--kubeconfig <file>', description: 'another cluster: kubeconfig on this machine', completes: 'file' },
      { flags: '--context <name>', description: 'context of the kubeconfig; default: its current context' },
      { flags: '--secret <name>', description: 'Secret for the kubeconfig; default: NAME-kubeconfig' },
      { flags: '--image <image>', description: 'image for steps that name none; default: the image of the agent' },
      {
        flags: '--agent-image <image>',
        description: 'image of Dais for the agent of each step; default: from the configuration of the server',
      },
      {
        flags: '--agent-url <url>',
        description: 'URL at which the pods reach Dais; default: from the configuration of the server',
      },
      { flags: '--max-tasks <n>', description: 'maximum steps at the same time; default: 200', type: 'integer' },
      { flags: '--namespace-prefix <text>', description: 'prefix of the namespace of each project; default: dais-' },
      noPods,
    ],
    examples: [
      { command: 'target add gpu --kubeconfig ~/.kube/config --context gpu-cluster', does: 'a cluster elsewhere' },
      { command: 'target add here --in-cluster', does: 'the cluster in which Dais runs' },
      { command: 'target add gpu --max-tasks 50', does: 'changes one value' },
    ],
    load: async () => ({ run: (await import('#commands/targets.ts')).addTarget }),
  },
  {
    name: 'target probe',
    group: 'Runs',
    summary: 'Test whether steps can run on a target, and why not',
    details:
      'Tests the connection, permissions, nodes and, with a pod, the way of a step. Stores the result in the status of the target. Exit code 1: steps cannot run there.',
    arguments: [{ syntax: '<name>', description: 'name of the target', completes: 'target' }],
    options: [noPods],
    examples: [
      { command: 'target probe gpu', does: 'also with a pod' },
      { command: 'target probe gpu --no-pods -o json', does: 'for a script' },
    ],
    load: async () => ({ run: (await import('#commands/targets.ts')).probe }),
  },
];
