/** Logs of tasks as artifacts: Kubeflow stores them under `main-logs`, its newer launcher under `executor-logs`. */
import { readExecutionLogOperation, type Execution, type ExecutionNode } from '@dais/api/executions';
import type { CallOperation } from '../route.ts';
import { RpcError } from '../wire/rpc-status.ts';

const LOG_ARTIFACTS: ReadonlySet<string> = new Set(['main-logs', 'executor-logs']);

export function isLogArtifact(name: string): boolean {
  return LOG_ARTIFACTS.has(name);
}

/**
 * Reads the log of the latest attempt so far. A task that ended before its program started has the reason instead.
 * @throws RpcError `NOT_FOUND` for a task without a log
 */
export async function* taskLog(
  run: Execution,
  node: ExecutionNode,
  call: CallOperation,
): AsyncGenerator<Uint8Array, undefined> {
  if (node.kind !== 'step') throw new RpcError('NOT_FOUND', `Task ${node.path} is a group of tasks, which has no log`);
  let isEmpty = true;
  for (let cursor: string | undefined; ;) {
    const page = await call(readExecutionLogOperation, {
      id: run.id,
      node: node.path,
      ...(cursor !== undefined && { cursor }),
    });
    if (page.text !== '') {
      isEmpty = false;
      yield Buffer.from(page.text);
    }
    // Without further text, a running task has written nothing more yet.
    if (page.ended || page.text === '' || page.cursor === cursor) break;
    ({ cursor } = page);
  }
  if (isEmpty && node.error !== undefined) yield Buffer.from(`${node.error}\n`);
}
