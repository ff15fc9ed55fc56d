import type { CommandDefinition } from '#commands/definition.ts';

const JOB = { syntax: '<id>', description: 'its id' } as const;
const MODEL = 'models:/NAME@ALIAS or models:/NAME/7; NAME@ALIAS and NAME/7 do as well';

/** Long work on versions of models. */
export const batchCommands: readonly CommandDefinition[] = [
  {
    name: 'batch-predict',
    group: 'Serving',
    summary: 'Predict for every row of a version of a dataset',
    details:
      'The answers become one version of a dataset, with its lineage. Rows are held against what the model takes, as requests are.',
    options: [
      { flags: '--model <model>', description: MODEL, required: true },
      { flags: '--data <version>', description: 'a version of a dataset: flights@3', required: true },
      { flags: '--out <dataset>', description: 'gets the new version; made if there is none', required: true },
      {
        flags: '--columns <name>',
        description: 'a column to put beside the answers; `*`: all. Default: keys and event time; without keys, all',
        repeatable: true,
      },
      {
        flags: '--inputs <name>',
        description: 'a column that the model gets. Default: those of its signature',
        repeatable: true,
      },
      {
        flags: '--on-error <what>',
        description: 'of a row that the model does not take: end the job, or leave it out and keep it',
        choices: ['fail', 'reject'],
        default: 'fail',
      },
      { flags: '--wait', description: 'until it has ended' },
    ],
    examples: [
      { command: 'batch-predict --model flight-delay@champion --data flights@3 --out delays --wait', does: 'all rows' },
      {
        command: 'batch-predict --model flight-delay/8 --data flights@latest --out delays --on-error reject',
        does: 'rows that are wrong are left out',
      },
    ],
    load: async () => ({ run: (await import('#batch/predict.ts')).batchPredict }),
  },
  {
    name: 'batch list',
    group: 'Serving',
    summary: 'List jobs on versions of models, newest first',
    options: [
      { flags: '--model <name>', description: 'only those on this model' },
      {
        flags: '--state <state>',
        description: 'only those in this state',
        choices: ['queued', 'running', 'succeeded', 'failed', 'cancelled'],
      },
      { flags: '--limit <n>', description: 'at most so many', type: 'integer', default: 20 },
    ],
    examples: [{ command: 'batch list --state running', does: 'what goes on now' }],
    load: async () => ({ run: (await import('#batch/jobs.ts')).listJobs }),
  },
  {
    name: 'batch get',
    group: 'Serving',
    summary: 'Show how far a job is, and what was wrong with rows',
    arguments: [JOB],
    options: [{ flags: '--wait', description: 'until it has ended' }],
    examples: [{ command: 'batch get 0199c1b2-8f00-7001-9c6e-5a3f40000001 --wait', does: 'follows it' }],
    load: async () => ({ run: (await import('#batch/jobs.ts')).getJob }),
  },
  {
    name: 'batch cancel',
    group: 'Serving',
    summary: 'End a job; what it has made so far goes',
    arguments: [JOB],
    examples: [{ command: 'batch cancel 0199c1b2-8f00-7001-9c6e-5a3f40000001', does: 'no version is made' }],
    load: async () => ({ run: (await import('#batch/jobs.ts')).cancelJob }),
  },
  {
    name: 'batch rejects',
    group: 'Serving',
    summary: 'Write the rows that a model did not take, one JSON object a line',
    arguments: [JOB],
    examples: [{ command: 'batch rejects 0199c1b2-8f00-7001-9c6e-5a3f40000001 > rejects.ndjson', does: 'all of them' }],
    load: async () => ({ run: (await import('#batch/jobs.ts')).rejects }),
  },
  {
    name: 'model convert',
    group: 'Serving',
    summary: 'Make an ONNX version of a version of scikit-learn, XGBoost or LightGBM',
    details:
      'It answers as the original on the input example and on rows drawn for its signature, or there is none. It needs no Python to be served.',
    arguments: [{ syntax: '<version>', description: MODEL }],
    options: [
      { flags: '--to <model>', description: 'the Model that gets the version. Default: the same' },
      { flags: '--opset <n>', description: 'of the operators of ONNX, 15 to 21', type: 'integer', default: 17 },
      {
        flags: '--predict-fn <name>',
        description: 'what it answers with: labels and values, or probabilities. Default: as the original',
        choices: ['predict', 'predict_proba'],
      },
      { flags: '--wait', description: 'until it is there' },
    ],
    examples: [
      { command: 'model convert flight-delay@champion --wait', does: 'the next version of the same model' },
      { command: 'model convert late/3 --to late-onnx --predict-fn predict_proba', does: 'probabilities, elsewhere' },
    ],
    load: async () => ({ run: (await import('#batch/convert.ts')).convert }),
  },
  {
    name: 'model importance',
    group: 'Serving',
    summary: 'Show which columns a version of a model goes by',
    details:
      'Mean size of Shapley values over rows of a dataset, drawn by a seed. With --data it is found out and kept with the version; without, what was kept is shown.',
    arguments: [{ syntax: '<version>', description: MODEL }],
    options: [
      { flags: '--data <version>', description: 'over rows of this version of a dataset: flights@3' },
      {
        flags: '--inputs <name>',
        description: 'a column that the model gets. Default: those of its signature',
        repeatable: true,
      },
      { flags: '--sample <n>', description: 'rows that are explained', type: 'integer', default: 100 },
      { flags: '--background <n>', description: 'rows that each is compared with', type: 'integer', default: 20 },
      { flags: '--seed <n>', description: 'by which rows are drawn', type: 'integer', default: 0 },
      { flags: '--wait', description: 'until it is found out' },
    ],
    examples: [
      { command: 'model importance flight-delay@champion --data flights@3 --wait', does: 'finds out and shows' },
      { command: 'model importance flight-delay/8', does: 'what was found out before' },
    ],
    load: async () => ({ run: (await import('#batch/importance.ts')).importance }),
  },
];
