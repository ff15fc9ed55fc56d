/** The program of the thread that explains trees; see `tree-explainer.ts`. */
import { insideThread } from '#lib/process.ts';
import { readOnnxTrees } from '#lib/shapley/onnx-trees.ts';
import { explainTrees } from '#lib/shapley/tree-rows.ts';
import type { FromTreeThread, ToTreeThread } from './tree-explainer.ts';

const { port } = insideThread();

function answer(message: ToTreeThread): FromTreeThread {
  const { id } = message;
  try {
    if (message.type === 'read') return { id, type: 'read', trees: readOnnxTrees(Buffer.from(message.file)) };
    return { id, type: 'explained', ...explainTrees(message.trees, message.row) };
  } catch (error) {
    return { id, type: 'failed', detail: error instanceof Error ? error.message : String(error) };
  }
}

port.on('message', (message: ToTreeThread) => port.postMessage(answer(message)));
