import type { CommandDefinition } from '#commands/definition.ts';

const JOB = { syntax: '<id>', description: 'job ID' } as const;
const MODEL = 'models:/NAME@ALIAS or models:/NAME/7; also NAME@ALIAS and NAME/7';

/** Jobs on model versions. */
export const batchCommands: readonly CommandDefinition[] = [
  {
    name: 'batch-predict',
    group: 'Serving',
    summary: 'Predict for every row of a dataset version',
    details:
      'Writes the predictions as one dataset version, with lineage. Rows are validated against the model signature.',
    options: [
      { flags: '--model <model>', description: MODEL, required: true },
      { flags: '--data <version>', description: 'dataset version: flights@3', required: true },
      { flags: '--out <dataset>', description: 'output dataset; created if missing', required: true },
      {
        flags: '--columns <name>',
        description: 'input column to copy to the output; `*`: all. Default: keys and event time; without keys, all',
        repeatable: true,
      },
      {
        flags: '--inputs <name>',
        description: 'input column of the model. Default: the columns of its signature',
        repeatable: true,
      },
      {
        flags: '--on-error <what>',
        description: 'for an invalid row: fail the job, or reject the row and store it',
        choices: ['fail', 'reject'],
        default: 'fail',
      },
      { flags: '--wait', description: 'wait until the job ends' },
    ],
    examples: [
      { command: 'batch-predict --model flight-delay@champion --data flights@3 --out delays --wait', does: 'all rows' },
      {
        command: 'batch-predict --model flight-delay/8 --data flights@latest --out delays --on-error reject',
        does: 'invalid rows are rejected',
      },
    ],
    load: async () => ({ run: (await import('#batch/predict.ts')).batchPredict }),
  },
  {
    name: 'batch list',
    group: 'Serving',
    summary: 'List batch jobs, newest first',
    options: [
      { flags: '--model <name>', description: 'only jobs of this model' },
      {
        flags: '--state <state>',
        description: 'only jobs in this state',
        choices: ['pending', 'running', 'succeeded', 'failed', 'canceled'],
      },
      { flags: '--limit <n>', description: 'maximum number of entries', type: 'integer', default: 20 },
    ],
    examples: [{ command: 'batch list --state running', does: 'active jobs' }],
    load: async () => ({ run: (await import('#batch/jobs.ts')).listJobs }),
  },
  {
    name: 'batch get',
    group: 'Serving',
    summary: 'Show the progress and rejected rows of a job',
    arguments: [JOB],
    options: [{ flags: '--wait', description: 'wait until the job ends' }],
    examples: [{ command: 'batch get 0199c1b2-8f00-7001-9c6e-5a3f40000001 --wait', does: 'follows the progress' }],
    load: async () => ({ run: (await import('#batch/jobs.ts')).getJob }),
  },
  {
    name: 'batch cancel',
    group: 'Serving',
    summary: 'Cancel a job and discard its partial output',
    arguments: [JOB],
    examples: [{ command: 'batch cancel 0199c1b2-8f00-7001-9c6e-5a3f40000001', does: 'no version is created' }],
    load: async () => ({ run: (await import('#batch/jobs.ts')).cancelJob }),
  },
  {
    name: 'batch rejects',
    group: 'Serving',
    summary: 'Write rejected rows, one JSON object per line',
    arguments: [JOB],
    examples: [
      { command: 'batch rejects 0199c1b2-8f00-7001-9c6e-5a3f40000001 > rejects.ndjson', does: 'all rejected rows' },
    ],
    load: async () => ({ run: (await import('#batch/jobs.ts')).rejects }),
  },
  {
    name: 'model convert',
    group: 'Serving',
    summary: 'Convert a scikit-learn, XGBoost or LightGBM version to ONNX',
    details:
      'The conversion is accepted only if outputs equal the original on the input example and on generated rows. Serving ONNX needs no Python.',
    arguments: [{ syntax: '<version>', description: MODEL }],
    options: [
      { flags: '--to <model>', description: 'target model. Default: the same model' },
      { flags: '--opset <n>', description: 'ONNX opset, 15 to 21', type: 'integer', default: 17 },
      {
        flags: '--predict-fn <name>',
        description: 'output: labels and values, or probabilities. Default: as the original',
        choices: ['predict', 'predict_proba'],
      },
      { flags: '--wait', description: 'wait until the version exists' },
    ],
    examples: [
      { command: 'model convert flight-delay@champion --wait', does: 'the next version of the same model' },
      {
        command: 'model convert late/3 --to late-onnx --predict-fn predict_proba',
        does: 'probabilities, in another model',
      },
    ],
    load: async () => ({ run: (await import('#batch/convert.ts')).convert }),
  },
  {
    name: 'model importance',
    group: 'Serving',
    summary: 'Show the feature importance of a model version',
    details:
      'Mean absolute Shapley values over sampled rows of a dataset. With --data, computes and stores them; without, shows the stored values.',
    arguments: [{ syntax: '<version>', description: MODEL }],
    options: [
      { flags: '--data <version>', description: 'compute on this dataset version: flights@3' },
      {
        flags: '--inputs <name>',
        description: 'input column of the model. Default: the columns of its signature',
        repeatable: true,
      },
      { flags: '--sample <n>', description: 'number of rows to explain', type: 'integer', default: 100 },
      { flags: '--background <n>', description: 'number of background rows', type: 'integer', default: 20 },
      { flags: '--seed <n>', description: 'random seed for sampling', type: 'integer', default: 0 },
      { flags: '--wait', description: 'wait until computed' },
    ],
    examples: [
      { command: 'model importance flight-delay@champion --data flights@3 --wait', does: 'computes and shows' },
      { command: 'model importance flight-delay/8', does: 'shows stored values' },
    ],
    load: async () => ({ run: (await import('#batch/importance.ts')).importance }),
  },
];
