import { accountCommands } from '#commands/account-commands.ts';
import { adminCommands } from '#commands/admin-commands.ts';
import { auditCommands } from '#commands/audit-commands.ts';
import { batchCommands } from '#commands/batch-commands.ts';
import { transferCommands } from '#commands/transfer-commands.ts';
import { dataCommands } from '#commands/data-commands.ts';
import { servingCommands } from '#commands/serving-commands.ts';
import { featureCommands } from '#commands/feature-commands.ts';
import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';
import { labelCommands } from '#commands/label-commands.ts';
import { loginCommands } from '#commands/login-commands.ts';
import { manifestCommands } from '#commands/manifest-commands.ts';
import { monitorCommands } from '#commands/monitor-commands.ts';
import { pipelineCommands } from '#commands/pipeline-commands.ts';
import { policyCommands } from '#commands/policy-commands.ts';
import { predictionCommands } from '#commands/prediction-commands.ts';
import { privacyCommands } from '#commands/privacy-commands.ts';
import { resourceCommands } from '#commands/resource-commands.ts';
import { runCommands } from '#commands/run-commands.ts';
import { serverCommands } from '#commands/server-commands.ts';
import { targetCommands } from '#commands/target-commands.ts';

/** All commands, in the order of the help. */
export const commands: readonly CommandDefinition[] = [
  ...manifestCommands,
  ...resourceCommands,
  ...dataCommands,
  ...featureCommands,
  ...servingCommands,
  ...batchCommands,
  ...privacyCommands,
  ...labelCommands,
  ...predictionCommands,
  ...monitorCommands,
  ...runCommands,
  ...targetCommands,
  ...pipelineCommands,
  ...loginCommands,
  ...accountCommands,
  ...serverCommands,
  ...adminCommands,
  ...transferCommands,
  ...auditCommands,
  ...policyCommands,
];

/** Groups of commands. */
export const commandFamilies: Readonly<Record<string, string>> = {
  admin: 'Backup, restore, export, import, keys',
  audit: 'Audit log: search, verify, prove, export',
  batch: 'Batch jobs: list, follow, cancel',
  endpoint: 'Endpoints: load test, resume',
  export: 'Export a project',
  import: 'Import from MLflow, Weights & Biases, TensorBoard',
  config: 'Server configuration',
  data: 'Datasets: push, pull, inspect, compare, query',
  features: 'Features: read, push, materialize, build, check',
  labels: 'Labels: import, review, agreement, publish',
  model: 'Model versions: scan, test, convert, feature importance',
  monitor: 'Monitors: status, reports, alerts',
  predictions: 'Predictions: query, follow, explain, label, erase',
  pipeline: 'Pipelines: validate, run, graph, retry, backfill',
  policy: 'Access: test policies, explain decisions, simulate changes',
  rollout: 'Rollouts: status, pause, promote, roll back',
  session: 'Manage browser sessions',
  target: 'Compute targets: add and test clusters where steps run',
  token: 'Manage API tokens',
  user: 'Manage users and invitations',
};

/** Options of all commands. */
export const globalOptions: readonly OptionDefinition[] = [
  { flags: '--url <url>', description: 'URL of the server; default: $DAIS_URL, else the server of this machine' },
  {
    flags: '--token <token>',
    description: 'API token; default: $DAIS_TOKEN (hidden from other users of this machine)',
  },
  { flags: '-p, --project <name>', description: 'default: $DAIS_PROJECT, else `default`', completes: 'project' },
  {
    flags: '-o, --output <format>',
    description: 'output format',
    choices: ['table', 'wide', 'json', 'yaml', 'name'],
    default: 'table',
  },
  { flags: '--no-color', description: 'no colors; also: $NO_COLOR' },
  { flags: '-q, --quiet', description: 'print only results and errors' },
];
