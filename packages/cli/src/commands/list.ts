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

/** Every command there is, in the order of the help. */
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
  ...pipelineCommands,
  ...loginCommands,
  ...accountCommands,
  ...serverCommands,
  ...adminCommands,
  ...transferCommands,
  ...auditCommands,
  ...policyCommands,
];

/** Commands that only hold others. */
export const commandFamilies: Readonly<Record<string, string>> = {
  admin: 'Backup, restore, export, import, keys',
  audit: 'What was done and refused: search, verify, prove, export',
  batch: 'Jobs on versions of models: list, follow, cancel',
  endpoint: 'Endpoints: ask one many times at once',
  export: 'Take along what a project holds',
  import: 'Bring what another server holds',
  config: 'The configuration of a server',
  data: 'Datasets: push, pull, look, compare, query',
  features: 'Features: read, push, materialize, build, check',
  labels: 'Labels that people gave: bring, review, measure, publish',
  model: 'Model versions: what is in their files, whether they pass their tests, what they go by',
  monitor: 'Monitors: what windows say, reports, alerts',
  predictions: 'What endpoints answered: query, follow, label, erase',
  pipeline: 'Pipelines: check, run, draw, do again, make up for the past',
  policy: 'Rights: test policies, ask why, simulate a change',
  rollout: 'Rollouts of endpoints: look, hold, finish, take back',
  session: 'Browsers that are signed in',
  token: 'What programs prove themselves with',
  user: 'People and invitations',
};

/** Options of every command. */
export const globalOptions: readonly OptionDefinition[] = [
  { flags: '--url <url>', description: 'address of the server; default: $DAIS_URL, else the server of this machine' },
  {
    flags: '--token <token>',
    description: 'who you are; default: $DAIS_TOKEN, which others on this machine cannot see',
  },
  { flags: '-p, --project <name>', description: 'default: $DAIS_PROJECT, else `default`', completes: 'project' },
  {
    flags: '-o, --output <format>',
    description: 'form of the result',
    choices: ['table', 'wide', 'json', 'yaml', 'name'],
    default: 'table',
  },
  { flags: '--no-color', description: 'no colours; also: $NO_COLOR' },
  { flags: '-q, --quiet', description: 'only results and errors' },
];
