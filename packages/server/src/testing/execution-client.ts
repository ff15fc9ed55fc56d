/** For end-to-end tests: runs of a Dais in a separate process, through its API. */
import type { Execution, ExecutionAttempt, ExecutionNode, SubmitExecutionInput } from '@dais/api/executions';
import { expect } from 'vitest';

const PATIENCE = { timeout: 300_000, interval: 50 };

export interface ExecutionClient {
  submit(steps: SubmitExecutionInput['steps']): Promise<Execution>;
  get(id: string): Promise<Execution>;
  /** Waits for its end. */
  ended(id: string): Promise<Execution>;
  cancel(id: string): Promise<void>;
  nodes(id: string): Promise<ReadonlyMap<string, ExecutionNode>>;
  /** Of a step, in the order of their creation. */
  attempts(id: string, node: string): Promise<readonly ExecutionAttempt[]>;
  /** The stored log of an attempt. */
  log(id: string, attempt: string): Promise<Buffer>;
}

/** `url` is evaluated at each call, because a restarted Dais can have another port. `token`: with accounts. */
export function executionClient(url: () => string, token?: string): ExecutionClient {
  const ask = async (path: string, body?: object): Promise<Response> => {
    const response = await fetch(`${url()}/api/v1/executions${path}`, {
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const read = async <T>(path: string, body?: object): Promise<T> => (await (await ask(path, body)).json()) as T;
  const get = async (id: string) => await read<Execution>(`/${id}`);
  return {
    submit: async (steps) => await read<Execution>('', { steps }),
    get,
    ended: async (id) => {
      await expect.poll(async () => (await get(id)).endedAt !== undefined, PATIENCE).toBe(true);
      return await get(id);
    },
    cancel: async (id) => void (await ask(`/${id}/cancel`, {})),
    nodes: async (id) => {
      const { items } = await read<{ items: ExecutionNode[] }>(`/${id}/nodes?limit=1000`);
      return new Map(items.map((node) => [node.path, node]));
    },
    attempts: async (id, node) => (await read<{ items: ExecutionAttempt[] }>(`/${id}/attempts?node=${node}`)).items,
    log: async (id, attempt) =>
      Buffer.from(await (await ask(`/${id}/files/content?name=logs/${attempt}`)).arrayBuffer()),
  };
}
