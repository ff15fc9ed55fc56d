/** The description of a model from its files, read once without loading it. */
import { z } from 'zod';
import { parseLimitedYaml } from '#lib/formats/yaml-documents.ts';
import type { FoundModel, ModelFile, RemoteModel } from './model-source.ts';

export interface DescribedModel {
  readonly files: readonly ModelFile[];
  /** From its MLmodel file; null: it has none. */
  readonly signature: unknown;
  /** The stored input example as a body of `/invocations`; null: there is no usable one. */
  readonly example: string | null;
  /** Requirements of a Python model; null: it needs no Python. */
  readonly python: { readonly version: string | null; readonly requirements: readonly string[] } | null;
  /** A model of a server outside Dais: it has no files here. */
  readonly remote?: RemoteModel;
  /** Why the model can never be served. */
  readonly problem?: string;
}

/** Reads one of the files of the model. */
export type ReadModelFile = (path: string) => Promise<Buffer>;

const mlmodelSchema = z.object({
  flavors: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  signature: z.record(z.string(), z.unknown()).nullish(),
  saved_input_example_info: z
    .object({ artifact_path: z.string(), type: z.string(), pandas_orient: z.string().optional() })
    .loose()
    .nullish(),
});

/** Larger examples and descriptions are not read. */
const MOST_BYTES = 4 << 20;

export async function describeModel({ files, remote }: FoundModel, read: ReadModelFile): Promise<DescribedModel> {
  const nothing = { files, signature: null, example: null, python: null };
  if (remote !== undefined) return { ...nothing, remote };
  const has = new Map(files.map((file) => [file.path, file]));
  const text = async (path: string) => {
    const file = has.get(path);
    return file === undefined || file.bytes > MOST_BYTES ? undefined : (await read(path)).toString('utf8');
  };
  const described = await text('MLmodel');
  if (described === undefined) {
    const onnx = files.some(({ path }) => path.endsWith('.onnx'));
    return onnx ? nothing : { ...nothing, problem: 'it has neither an MLmodel nor an .onnx file' };
  }
  let mlmodel: z.output<typeof mlmodelSchema>;
  try {
    mlmodel = mlmodelSchema.parse(parseLimitedYaml(described));
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 500) : '';
    return { ...nothing, problem: `its MLmodel cannot be read: ${why}` };
  }
  const { flavors, signature = null, saved_input_example_info: info } = mlmodel;
  const example = info == null ? null : await exampleOf(info, text);
  const base = { files, signature, example };
  if (flavors['onnx'] !== undefined) return { ...base, python: null };
  const version = flavors['python_function']?.['python_version'];
  const requirements = (await text('requirements.txt')) ?? '';
  return {
    ...base,
    python: {
      version: typeof version === 'string' ? version : null,
      requirements: requirements
        .split(/\r?\n/)
        .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
        .filter((line) => line !== ''),
    },
  };
}

async function exampleOf(
  info: { readonly artifact_path: string; readonly type: string },
  text: (path: string) => Promise<string | undefined>,
): Promise<string | null> {
  const ready = await text('serving_input_example.json');
  if (ready !== undefined) return ready;
  const stored = await text(info.artifact_path);
  if (stored === undefined) return null;
  if (info.type === 'dataframe') return `{"dataframe_split":${stored}}`;
  if (info.type === 'ndarray') {
    // Already `{"inputs": …}`, the format of arrays.
    return /^\s*\{\s*"(inputs|instances)"/.test(stored) ? stored : `{"inputs":${stored}}`;
  }
  return null;
}
