/** Converts a failure of uv to an error for the user. */
import { DaisError, nearest } from '@dais/api';
import type { RunResult } from '#lib/process.ts';

/** Enough for the full message of a resolver about a large set of requirements. */
const MAX_WORDS = 16_384;

const MAX_REFUSALS = 5;

/** The code of a program is 128 + n after signal n. */
const SIGNALED = 128;

const FULL = /No space left on device|Disk quota exceeded|os error (?:28|122)\b/;
/** Of uv and of its HTTP library. uv retries only transient errors. */
const AWAY = new RegExp(
  [
    'request failed after \\d+ retr',
    'error sending request',
    'error decoding response body',
    'client error \\(Connect\\)',
    'dns error',
    'connection (?:closed|reset|error)',
    'incomplete message',
    'timed out',
    'network timeout',
    'status server error',
    '\\((?:408|429|5\\d\\d) ',
  ].join('|'),
  'i',
);
/** Lines without a reason: progress messages of uv. */
const ASIDE = /^(?:warning: Failed to inspect Python|Using (?:CPython|Python) )/;

/** Common wrong names of packages. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  attr: 'attrs',
  bs4: 'beautifulsoup4',
  cv2: 'opencv-python',
  dateutil: 'python-dateutil',
  dotenv: 'python-dotenv',
  pil: 'pillow',
  pytorch: 'torch',
  skimage: 'scikit-image',
  sklearn: 'scikit-learn',
  yaml: 'pyyaml',
};

/** Common packages. */
const COMMON_NAMES = [
  ...Object.values(OTHER_NAMES),
  ...`accelerate boto3 catboost click cloudpickle dask datasets duckdb fastapi feast gensim grpcio hydra-core joblib jupyter kfp
  langchain lightgbm matplotlib mlflow nltk numba numpy onnx onnxruntime openai optuna pandas plotly polars prophet pyarrow
  pydantic pyspark pytest pytorch-lightning ray requests scipy seaborn sentence-transformers shap spacy sqlalchemy statsmodels
  tensorboard tensorflow tokenizers torchaudio torchmetrics torchvision tqdm transformers tritonclient uvicorn wandb
  xgboost`.split(/\s+/),
];

export interface FailureAbout {
  /** Redacts secrets in the output of uv. */
  readonly redact: (text: string) => string;
  /** A message for each connection that the outbound guard refused. */
  readonly refusals?: readonly string[];
}

export function uvFailure(doing: string, result: RunResult, { redact, refusals = [] }: FailureAbout): DaisError {
  const words = readable(redact(result.stderr));
  if (refusals.length > 0) {
    const shown = refusals.slice(0, MAX_REFUSALS).join('\n');
    return new DaisError('address_refused', `${doing} failed. ${shown}\nuv reported:\n${words}`);
  }
  if (result.timedOut)
    return new DaisError('upstream_failed', `${doing} exceeded its time limit.\nuv reported:\n${words}`);
  // Not the fault of the requirements: the system was out of memory, or somebody killed it.
  if (result.code > SIGNALED) {
    const reason = `uv was ended by signal ${result.code - SIGNALED}, for example because the machine is out of memory`;
    return new DaisError('upstream_failed', `${doing} failed because ${reason}.\nuv reported:\n${words}`);
  }
  if (FULL.test(words))
    return new DaisError('storage_full', `The disk for environments is full.\nuv reported:\n${words}`);
  if (AWAY.test(words)) {
    return new DaisError(
      'upstream_failed',
      `${doing} failed because an index did not respond (set a mirror in \`environments.index\`, a proxy in \`outbound.proxy\`, ` +
        `or certificate authorities in \`outbound.extraCa\`).\nuv reported:\n${words}`,
    );
  }
  return new DaisError('invalid_request', `${doing} failed.\nuv reported:\n${words}${hint(words)}`);
}

const NO_BUILD = /--no-build|Building source distributions .* disabled|no usable wheels/i;

/** Returns whether uv failed because a package has no matching wheel. */
export function needsBuild(words: string): boolean {
  return NO_BUILD.test(words);
}

function readable(text: string): string {
  const lines = text.split('\n');
  const from = lines.findIndex((line) => /^error: |^\s*×/.test(line));
  // Warnings about broken Python versions come first, each with several lines.
  const kept = from < 0 ? lines.filter((line) => !ASIDE.test(line)) : lines.slice(from);
  const words = kept.join('\n').trim();
  return words.length <= MAX_WORDS
    ? words
    : `${words.slice(0, MAX_WORDS)}\n(${words.length - MAX_WORDS} more characters)`;
}

function hint(words: string): string {
  const missing = /Because ([A-Za-z0-9._-]+) was not found in the (?:package registry|provided package locations)/.exec(
    words,
  )?.[1];
  if (missing !== undefined) {
    const meant = OTHER_NAMES[missing.toLowerCase()] ?? nearest(missing, COMMON_NAMES);
    return meant === undefined || meant === missing ? '' : `\nDid you mean ${meant}?`;
  }
  if (needsBuild(words)) {
    return (
      '\nA package has no wheel for this platform, and building it runs its code: ' +
      'use a version that has a wheel, or ask the operator to permit builds with `environments.sourceBuilds`.'
    );
  }
  return '';
}
