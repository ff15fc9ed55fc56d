/** A client that trains, registers and serves a model over HTTP. */
import { onnxFile } from '#engines/inference/onnx/onnx-files.testing.ts';

/** The fields of a status that tests use. */
export interface SeenStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  readonly variants?: readonly {
    readonly name: string;
    readonly model: string;
    readonly weight: number;
    readonly state: string;
    readonly gateways?: { readonly ready: number; readonly live: number };
  }[];
  readonly quarantined?: readonly { readonly model: string; readonly reason: string }[];
  readonly rollout?: unknown;
}

/** Returns whether an endpoint is ready and no rollout is in progress. */
export const isServing = ({ conditions, rollout }: SeenStatus): boolean =>
  rollout === undefined && conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

interface SeenRollout {
  readonly reason: string;
  readonly steps: readonly { readonly weight: number; readonly status: string; readonly message: string }[];
}

/** Of JSON, as far as tests follow it. */
interface Answer {
  readonly [name: string]: unknown;
  readonly detail?: string;
  readonly port?: number;
}

export interface ServingClient {
  call(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: Answer }>;
  /**
   * Logs a model that multiplies its input (of so many columns) and registers it; returns the number of the version.
   */
  register(
    model: string,
    factor: number,
    options?: { readonly example?: unknown; readonly bytes?: Buffer; readonly columns?: number },
  ): Promise<number>;
  /** Returns the status of an endpoint once `isExpected` accepts it. Fails with the last status after `limitMs`; default: two minutes. */
  settled(endpoint: string, isExpected: (status: SeenStatus) => boolean, limitMs?: number): Promise<SeenStatus>;
  lastRollout(endpoint: string): Promise<SeenRollout>;
}

const WAIT_MS = 100;
/** A limit against hanging, below the one of a test, so that the failure shows the last status. */
const SETTLED_MS = 120_000;

/** `y = factor · x`, for any number of rows. */
function multiplier(factor: number, columns: number): Buffer {
  return onnxFile({
    nodes: [{ op: 'Mul', inputs: ['x', 'factor'], outputs: ['y'] }],
    inputs: [{ name: 'x', datatype: 'FP32', shape: ['rows', columns] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: ['rows', columns] }],
    weights: [{ name: 'factor', shape: [1], data: new Float32Array([factor]) }],
  });
}

const MLMODEL = (example: boolean, columns: number) => `artifact_path: model
flavors:
  onnx:
    data: model.onnx
    onnx_version: 1.17.0
  python_function:
    data: model.onnx
    loader_module: mlflow.onnx
    python_version: 3.11.9
signature:
  inputs: '[{"type": "tensor", "name": "x", "tensor-spec": {"dtype": "float32", "shape": [-1, ${columns}]}}]'
  outputs: '[{"type": "tensor", "name": "y", "tensor-spec": {"dtype": "float32", "shape": [-1, ${columns}]}}]'
${example ? 'saved_input_example_info:\n  artifact_path: input_example.json\n  type: ndarray\n  format: tf-serving\n' : ''}`;

export function servingClient(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  send: (target: string, init: RequestInit) => Promise<Response> = fetch,
): ServingClient {
  const call: ServingClient['call'] = async (method, path, body) => {
    const bytes = Buffer.isBuffer(body) ? new Uint8Array(body) : undefined;
    const answer = await send(`${url}${path}`, {
      method,
      headers: { ...headers, 'content-type': bytes === undefined ? 'application/json' : 'application/octet-stream' },
      ...(body !== undefined && { body: bytes ?? JSON.stringify(body) }),
    });
    const text = await answer.text();
    try {
      return { status: answer.status, body: JSON.parse(text) as Answer };
    } catch {
      return { status: answer.status, body: { text } };
    }
  };
  const must = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  };
  let experiment: Promise<string> | undefined;
  return {
    call,
    register: async (model, factor, { example, columns = 1, bytes = multiplier(factor, columns) } = {}) => {
      experiment ??= must<{ experiment_id: string }>('POST', '/api/2.0/mlflow/experiments/create', {
        name: 'served',
      }).then((made) => made.experiment_id);
      const { run } = await must<{ run: { info: { run_id: string; artifact_uri: string } } }>(
        'POST',
        '/api/2.0/mlflow/runs/create',
        { experiment_id: await experiment },
      );
      const { run_id: id, artifact_uri: uri } = run.info;
      const put = async (path: string, content: Buffer) => {
        const at = encodeURIComponent(`${uri.replace('mlflow-artifacts:/', '')}/model/${path}`);
        await must('PUT', `/api/v1/tracking/artifacts/content?path=${at}`, content);
      };
      await put('MLmodel', Buffer.from(MLMODEL(example !== undefined, columns)));
      await put('model.onnx', bytes);
      if (example !== undefined) await put('input_example.json', Buffer.from(JSON.stringify(example)));
      await call('POST', '/api/v1/registry/models', { name: model });
      const source = { source: `runs:/${id}/model`, runId: id };
      return (await must<{ version: number }>('POST', `/api/v1/registry/models/${model}/versions`, source)).version;
    },
    settled: async (endpoint, isExpected, limitMs = SETTLED_MS) => {
      for (const until = performance.now() + limitMs; ;) {
        const { status, body } = await call('GET', `/api/v1/endpoints/${endpoint}`);
        if (status === 200 && isExpected(body['status'] as SeenStatus)) return body['status'] as SeenStatus;
        if (performance.now() > until) {
          throw new Error(`Endpoint ${endpoint} is not in the expected state: ${status} ${JSON.stringify(body)}`);
        }
        await new Promise((resolve) => void setTimeout(resolve, WAIT_MS));
      }
    },
    lastRollout: async (endpoint) => {
      const { items } = await must<{ items: SeenRollout[] }>(
        'GET',
        `/api/v1/serving/endpoints/${endpoint}/rollouts?limit=1`,
      );
      const [last] = items;
      if (last === undefined) throw new Error('nothing was rolled out');
      return last;
    },
  };
}
