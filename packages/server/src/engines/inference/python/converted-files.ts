/** Creates the files of a converted model in addition to `model.onnx`, for MLflow and Dais. Pure. */
import { stringify } from 'yaml';
import { parseLimitedYaml } from '#lib/formats/yaml-documents.ts';
import type { Tensor } from '../contract.ts';

interface ConvertedFilesInput {
  /** Text of the original's `MLmodel`. */
  readonly mlmodel: string;
  readonly label: string;
  readonly opset: number;
  readonly id: string;
  /** Different outputs than those of the original; the signature is updated. */
  readonly answer: Tensor | undefined;
}

const DTYPES: Readonly<Record<string, string>> = { FP64: 'float64', FP32: 'float32' };

/** By name. */
export function convertedFiles(input: ConvertedFilesInput): Readonly<Record<string, string>> {
  return { MLmodel: mlmodelOf(input), 'requirements.txt': REQUIREMENTS, 'python_env.yaml': PYTHON_ENV };
}

/** Signature, example, run and metadata are those of the original. */
function mlmodelOf({ mlmodel, label, opset, id, answer }: ConvertedFilesInput): string {
  const original = parseLimitedYaml(mlmodel) as Record<string, unknown>;
  // Files of the original model.
  const {
    flavors,
    model_size_bytes: _bytes,
    model_id: _id,
    ...kept
  } = original as {
    flavors?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  } & Record<string, unknown>;
  const version = flavors?.['python_function']?.['python_version'];
  const signature = { ...(kept['signature'] as object) };
  const metadata = { ...(kept['metadata'] as object | null), 'dais.convertedFrom': label };
  return stringify({
    ...kept,
    flavors: {
      onnx: {
        code: null,
        data: 'model.onnx',
        onnx_version: '1.16.0',
        opset,
        providers: ['CPUExecutionProvider'],
        save_as_external_data: false,
      },
      python_function: {
        data: 'model.onnx',
        env: { virtualenv: 'python_env.yaml' },
        loader_module: 'mlflow.onnx',
        ...(version !== undefined && { python_version: version }),
      },
    },
    metadata,
    model_uuid: id.replaceAll('-', ''),
    signature: answer === undefined ? signature : { ...signature, outputs: outputsOf(answer) },
  });
}

function outputsOf({ datatype, shape }: Tensor): string {
  const spec = { dtype: DTYPES[datatype] ?? 'float64', shape: [-1, ...shape.slice(1)] };
  return JSON.stringify([{ type: 'tensor', 'tensor-spec': spec }]);
}

/** For loading with MLflow. */
const REQUIREMENTS = 'mlflow\nnumpy\nonnx\nonnxruntime\npandas\n';
const PYTHON_ENV = 'dependencies:\n- -r requirements.txt\n';

/** Files of the original model with an input example. */
export function exampleFiles(mlmodel: string, paths: readonly string[]): readonly string[] {
  const original = parseLimitedYaml(mlmodel) as Record<string, unknown>;
  const info = original['saved_input_example_info'] as { readonly artifact_path?: unknown } | null | undefined;
  const named = new Set([info?.artifact_path, 'serving_input_example.json']);
  return paths.filter((path) => named.has(path));
}
