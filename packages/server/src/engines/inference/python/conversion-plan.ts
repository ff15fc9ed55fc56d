/** What becomes of a model when it is converted to ONNX, from its `MLmodel`: nothing is loaded for it. */
import { DaisError } from '@dais/api';
import { parseLimitedYaml } from '#lib/formats/yaml-documents.ts';
import type { MlmodelFile } from '../model-place.ts';
import { readSignature, type ColumnKind } from './signature.ts';

export type PredictFunction = 'predict' | 'predict_proba';

export interface ConversionPlan {
  readonly flavor: 'sklearn' | 'xgboost' | 'lightgbm';
  readonly form: 'columns' | 'tensor';
  /** Name and type of each column; of a tensor the one input with its dtype. */
  readonly columns: readonly (readonly [string, string])[];
  /** Columns of a tensor. */
  readonly width: number;
  /** Columns that may have gaps. */
  readonly gaps: readonly string[];
  readonly outputs: readonly string[];
  /** What the original answers with. */
  readonly own: PredictFunction;
}

/** Packages that convert, beside those that the model requires. These are known to work together. */
export const CONVERTERS: readonly string[] = ['skl2onnx==1.20.0', 'onnxmltools==1.16.0', 'onnx>=1.16,<1.24'];

const FLAVORS = ['sklearn', 'xgboost', 'lightgbm'] as const;
const KINDS: ReadonlySet<ColumnKind> = new Set(['boolean', 'integer', 'long', 'float', 'double', 'string']);
const DTYPES: Readonly<Record<string, string>> = { FP64: 'float64', FP32: 'float32', INT64: 'int64', INT32: 'int32' };

/** @throws DaisError `invalid_request` for what cannot be converted, whatever it computes. */
export function planConversion(mlmodel: string): ConversionPlan {
  let description: MlmodelFile;
  try {
    description = parseLimitedYaml(mlmodel) as MlmodelFile;
  } catch (error) {
    return refuse(`its MLmodel cannot be read: ${(error as Error).message.slice(0, 300)}`);
  }
  const flavors = (description['flavors'] ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  if (flavors['onnx'] !== undefined) refuse('it is ONNX already');
  const flavor = FLAVORS.find((name) => flavors[name] !== undefined);
  if (flavor === undefined) {
    const has = Object.keys(flavors).filter((name) => name !== 'python_function');
    const of = has.length === 0 ? 'no flavour but python_function' : `the flavour ${has.join(', ')}`;
    refuse(`it has ${of}; models of scikit-learn, XGBoost and LightGBM can be converted`);
  }
  const { inputs, outputSpecs } = readSignature(description);
  const own = ownFunction(flavors['python_function']?.['predict_fn'] ?? 'predict');
  const shared = { flavor, own, outputs: outputSpecs.map(({ name }) => name) };
  if (inputs.form === 'tensor') {
    const [tensor] = inputs.tensors;
    const dtype = DTYPES[tensor?.datatype ?? ''];
    const width = tensor?.shape[1] ?? -1;
    if (tensor === undefined || dtype === undefined || tensor.shape.length !== 2 || width < 1) {
      refuse(`its signature names a tensor ${tensor?.datatype} [${tensor?.shape.join(', ')}], not rows of numbers`);
    }
    return { ...shared, form: 'tensor', columns: [[tensor.name, dtype]], width, gaps: [] };
  }
  if (inputs.form !== 'columns') {
    refuse('its signature names no columns: log it with a signature, or with an input example, which makes one');
  }
  if (!inputs.isNamed) refuse('the columns of its signature have no names: log it with a table that has some');
  const other = inputs.columns.find(({ kind }) => !KINDS.has(kind));
  if (other !== undefined) refuse(`its column "${other.name}" is of the type ${other.kind}, which ONNX does not have`);
  const columns = inputs.columns.map(({ name, kind }) => [name, kind] as const);
  const gaps = columns.flatMap(([name, kind]) => (kind === 'double' || kind === 'float' ? [name] : []));
  return { ...shared, form: 'columns', columns, width: 0, gaps };
}

function ownFunction(name: unknown): PredictFunction {
  if (name === 'predict' || name === 'predict_proba') return name;
  return refuse(`it answers with ${String(name)}; with predict and predict_proba it can be converted`);
}

function refuse(why: string): never {
  throw new DaisError('invalid_request', `It cannot be converted to ONNX: ${why}.`);
}
