/** Names in the spans of MLflow's clients. Spans of other conventions get them when they are stored: see translation/. */
import type { TraceConventions } from '#ledgers/tracking/index.ts';
import { NAMES, translateResource } from './translation/translate.ts';

export const spanWords: TraceConventions = {
  idPrefix: 'tr-',
  nameTag: 'mlflow.traceName',
  runKey: 'mlflow.sourceRun',
  sessionKey: 'mlflow.trace.session',
  userKey: 'mlflow.trace.user',
  attributes: {
    type: [NAMES.type],
    inputs: [NAMES.inputs],
    outputs: [NAMES.outputs],
    session: ['session.id', 'gen_ai.conversation.id'],
    user: ['user.id'],
    usage: [NAMES.usage],
    cost: [NAMES.cost],
    model: [NAMES.model],
    provider: [NAMES.provider],
  },
  translate: translateResource,
  tagPrefix: 'mlflow.traceTag.',
  hiddenResource: ['telemetry.sdk.', 'mlflow.'],
};
