/** The program of the thread in which one model is explained; see `gateway/tables/explaining-thread.ts`. */
import { DaisError } from '@dais/api/errors';
import type { FromExplaining, ToExplaining } from '#gateway/tables/explaining-thread.ts';
import { TableModel } from '#gateway/tables/table-model.ts';
import { systemClock } from '#lib/clock.ts';
import type { Log, LogFields } from '#lib/log.ts';
import { insideThread } from '#lib/process.ts';
import { openInference } from './compose/gateway.ts';
import { openIsolationAt, type IsolationPaths } from './compose/isolation.ts';

const { port, data: locations } = insideThread();

function post(message: FromExplaining): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of Node has no origin
  port.postMessage(message);
}

const logAs =
  (level: keyof Log) =>
  (message: string, { error }: LogFields = {}): void => {
    post({ type: 'log', level, message, error: error instanceof Error ? error.message : undefined });
  };
const log: Log = { debug: logAs('debug'), info: logAs('info'), warn: logAs('warn'), error: logAs('error') };
let model: TableModel | undefined;

async function openEngines() {
  const isolation = await openIsolationAt(locations as IsolationPaths);
  return await openInference({ clock: systemClock, log, isolation });
}

function opened(): TableModel {
  if (model === undefined) throw new Error('the model is not loaded');
  return model;
}

async function answer(message: ToExplaining): Promise<unknown> {
  switch (message.type) {
    case 'open':
      model = await TableModel.open(message.request, await openEngines(), (phase) => post({ type: 'phase', phase }));
      return undefined;
    case 'check':
      return opened().check(message.columns);
    case 'exampleRows':
      return await opened().exampleRows();
    case 'explain': {
      const { table, background, how } = message;
      return message.kept
        ? await opened().explainKept(table, background, how)
        : await opened().explain(table, background, how);
    }
    default:
      return await model?.close();
  }
}

port.on('message', (message: ToExplaining) => {
  const { id } = message;
  answer(message).then(
    (value) => post({ id, type: 'done', value }),
    (error: unknown) => {
      const known = error instanceof DaisError;
      if (!known) log.error('could not compute an explanation of a model', { error });
      const {
        code,
        message: detail,
        issues,
      } = known ? error : new DaisError('internal', 'The computation of the explanation failed.');
      post({ id, type: 'failed', code, detail, issues });
    },
  );
});
