/** The program of a thread with a session: one batch at a time, in order of arrival. */
import { insideThread } from '#lib/process.ts';
import type { FromThread, ToThread } from './onnx-runners.ts';
import { OnnxSession, type PlainTensor, type SessionPlan } from './onnx-session.ts';

const { port, data } = insideThread();
const post = (message: FromThread, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const detailOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** The runtime owns the memory of its results, so they cannot be transferred. */
function own(tensor: PlainTensor): PlainTensor {
  return Array.isArray(tensor.data) ? tensor : { ...tensor, data: (tensor.data as Float32Array).slice() };
}

try {
  const session = await OnnxSession.open(data as SessionPlan);
  port.on('message', ({ inputs, outputs, memory }: ToThread) => {
    const back = memory === undefined ? [] : [memory];
    session.run(inputs, outputs).then(
      (results) => {
        const owned = results.map(own);
        const buffers = owned.flatMap(({ data: values }) => ('buffer' in values ? [values.buffer as ArrayBuffer] : []));
        post({ type: 'result', outputs: owned, memory }, [...buffers, ...back]);
      },
      (error: unknown) => post({ type: 'failed', detail: detailOf(error), memory }, back),
    );
  });
  post({ type: 'ready' });
} catch (error) {
  post({ type: 'failed', detail: detailOf(error) });
}
