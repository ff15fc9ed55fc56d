/**
 * Scans one file of a model by its content, not by its name: loaders also read the files that a manifest names. A file
 * that cannot be scanned blocks.
 */
import { promisify } from 'node:util';
import { constants, gunzip, gunzipSync, inflate, inflateSync } from 'node:zlib';
import { parseLimitedYaml } from '#lib/formats/yaml-documents.ts';
import { scanOnnx } from './onnx-scan.ts';
import { gradeName } from './pickle-names.ts';
import { emptyContent, PickleBytes, PickleEnd, PickleError, scanPickle, type PickleContent } from './pickle-scan.ts';
import { Findings, type ScanFinding, type ScannedFile } from './scan-finding.ts';
import { scanGguf, scanSafetensors } from './weight-files.ts';
import { listZip, readZipEntry, ZipError } from './zip-list.ts';

export type { ScanFinding, ScannedFile } from './scan-finding.ts';

/** Recorded with each scan; increase it when the same bytes lead to other findings. */
export const SCANNER_VERSION = 3;

/** Pickles and models that are read as a whole. */
const MOST_BYTES = 1024 * 1024 * 1024;
const MOST_PICKLE = 256 * 1024 * 1024;
const MAX_WHOLE = 64 * 1024 * 1024;
const MOST_SCHEMA = 64 * 1024 * 1024;
const MOST_NESTING = 3;
/** Several pickles in one stream. */
const MOST_PICKLES = 64;
const PICKLE_NAME = /\.(pkl|pickle|pt|pth|joblib|dill|cloudpickle|npy)$/i;
const PACKED_NAME = /\.(pkl|pickle|joblib|pt|pth|bin)(\.(gz|bz2|xz|z|lz4|zst))?$/i;
/** `torch.save` before 1.6: the magic number in the first pickle. */
const TORCH_MAGIC = Buffer.from('6cfc9c46f9206aa85019', 'hex');

const GZIP = 0x1f;
const ZLIB = 0x78;
const ZFILE = 0x5a;
const gunzipBytes = promisify(gunzip);
const inflateBytes = promisify(inflate);

type Format =
  | 'zip'
  | 'numpy'
  | 'pickle'
  | 'hdf5'
  | 'gguf'
  | 'onnx'
  | 'safetensors'
  | 'saved-model'
  | 'python'
  | 'manifest'
  | 'packed'
  | 'archive'
  | 'other';

function formatOf(path: string, start: Buffer): Format {
  const name = path.toLowerCase();
  const magic = start.toString('latin1');
  if (magic.startsWith('PK\x03\x04') || magic.startsWith('PK\x05\x06')) return 'zip';
  if (magic.startsWith('\x93NUMPY')) return 'numpy';
  if (magic.startsWith('\x89HDF\r\n\x1a\n')) return 'hdf5';
  if (magic.startsWith('GGUF')) return 'gguf';
  if (magic.startsWith("7z\xbc\xaf'\x1c") || magic.startsWith('Rar!') || magic.slice(257, 262) === 'ustar')
    return 'archive';
  if (/^(\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|\x04\x22\x4d\x18|ZF|\x78[\x01\x5e\x9c\xda])/.test(magic)) {
    if (PACKED_NAME.test(name) || magic.startsWith('ZF')) return 'packed';
    const inside = unpackStart(start);
    // A long name in the header of gzip could keep the start of the content out of sight.
    const isUnseen = inside.length === 0 && start[0] === GZIP;
    return isUnseen || startsAsPickle(inside) || startsAsOldPickle(inside) ? 'packed' : 'other';
  }
  if (startsAsPickle(start)) return 'pickle';
  if (name.endsWith('.safetensors')) return 'safetensors';
  if (name.endsWith('.onnx')) return 'onnx';
  if (name.endsWith('saved_model.pb')) return 'saved-model';
  if (/(^|\/)mlmodel$/.test(name)) return 'manifest';
  if (/\.(py|pyc|pyd|so|dll|sh)$/.test(name)) return 'python';
  return PICKLE_NAME.test(name) ? 'pickle' : 'other';
}

function startsAsPickle(bytes: Buffer): boolean {
  return bytes[0] === 0x80 && (bytes[1] ?? 9) <= 5;
}

/** What a pickle of protocol 0 or 1 that calls something can start with. */
function startsAsOldPickle(bytes: Buffer): boolean {
  return /^[(c}\]l0-9IFLNSVUTKJMGX)]/.test(bytes.toString('latin1', 0, 1));
}

/** `beside`: all files of the model. */
export async function scanFile(file: ScannedFile, beside: readonly string[]): Promise<readonly ScanFinding[]> {
  const findings = new Findings(file.path);
  await scanContent(file, beside, findings, undefined, 0);
  return findings.list();
}

async function scanContent(
  file: ScannedFile,
  beside: readonly string[],
  findings: Findings,
  inside: string | undefined,
  depth: number,
): Promise<void> {
  const start = await file.read(0, Math.min(file.size, 512));
  const format = formatOf(file.path, start);
  const block = (rule: string, detail: string) => findings.add(rule, 'block', detail, inside);
  const whole = async (most: number): Promise<Buffer | undefined> => {
    if (file.size <= most) return await file.read(0, file.size);
    block('too-large', `It has ${file.size} bytes, which exceeds the scan limit of ${most} bytes.`);
    return undefined;
  };
  switch (format) {
    case 'zip':
      await scanZip(file, beside, findings, inside, depth);
      return;
    case 'pickle': {
      // A file of numbers can start like a pickle: only a file with the extension of a pickle must be one.
      const certainty = PICKLE_NAME.test(file.path) ? 'pickle' : 'maybe';
      await scanPickleFile(await pickleBytes(file), certainty, findings, inside);
      return;
    }
    case 'numpy': {
      const header = start.readUInt8(6) === 1 ? start.readUInt16LE(8) + 10 : start.readUInt32LE(8) + 12;
      const text = (await file.read(0, Math.min(header, 65_536))).toString('latin1');
      if (header > 65_536) block('numpy-header', 'Its header exceeds the maximum size.');
      else if (/'descr':\s*(\[|'[^']*O)|object/.test(text)) {
        const from = await pickleBytes(file);
        from.at = header;
        await scanPickleFile(from, 'pickle', findings, inside);
      }
      return;
    }
    case 'onnx': {
      const folder = file.path.includes('/') ? file.path.slice(0, file.path.lastIndexOf('/') + 1) : '';
      const near = beside.filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length));
      const bytes = await whole(MOST_BYTES);
      if (bytes !== undefined) scanOnnx(bytes, new Set(near), findings);
      return;
    }
    case 'safetensors':
      await scanSafetensors(file, findings);
      return;
    case 'gguf':
      await scanGguf(file, findings);
      return;
    case 'hdf5':
      await scanHdf5(file, findings, inside);
      return;
    case 'saved-model': {
      const bytes = await whole(MOST_BYTES);
      for (const name of ['ReadFile', 'WriteFile', 'PyFunc', 'EagerPyFunc', 'MatchingFiles']) {
        if (bytes?.includes(name) === true)
          block('tensorflow-operator', `It uses the operator ${name}, which accesses files outside of the model.`);
      }
      return;
    }
    case 'manifest': {
      const bytes = await whole(16 * 1024 * 1024);
      for (const loader of loadersOf(bytes?.toString('utf8') ?? '')) {
        if (!/^[\w.]+$/.test(loader)) block('loader-module', `Its loader ${loader} is not a module.`);
        else if (!loader.startsWith('mlflow.'))
          findings.add('loader-module', 'review', `Its loader ${loader} is code of the author.`, inside);
      }
      return;
    }
    case 'python':
      findings.add('code', 'review', 'It is code that can run when the model is loaded.', inside);
      return;
    case 'packed': {
      const bytes = await whole(MOST_PICKLE);
      const unpacked = bytes && (await unpack(bytes));
      const isPickle = PACKED_NAME.test(file.path) || start[0] === ZFILE || startsAsPickle(unpackStart(start));
      if (unpacked !== undefined)
        await scanPickleFile(PickleBytes.of(unpacked), isPickle ? 'pickle' : 'maybe', findings, inside);
      else if (isPickle) {
        const limit = `${MOST_PICKLE / 2 ** 20} MiB`;
        block(
          'packed',
          `It cannot be decompressed: it is neither gzip nor zlib, is damaged, or has more than ${limit}. Save it uncompressed, or with gzip or zlib.`,
        );
      }
      return;
    }
    case 'archive':
      block('archive', 'It is an archive of a format that Dais does not scan.');
      return;
    default:
      await scanOther(file, start, findings, inside);
  }
}

async function scanZip(
  file: ScannedFile,
  beside: readonly string[],
  findings: Findings,
  inside: string | undefined,
  depth: number,
): Promise<void> {
  const report = (error: unknown) => {
    if (!(error instanceof ZipError)) throw error;
    findings.add('zip', 'block', `Readers can interpret it differently: ${error.message}.`, inside);
  };
  if (depth >= MOST_NESTING) return findings.add('zip', 'block', 'Archives are nested too deeply.', inside);
  try {
    for (const entry of await listZip(file)) {
      const path = inside === undefined ? entry.name : `${inside}!${entry.name}`;
      try {
        // A stored member, such as the weights of torch, is read in place.
        const bytes =
          entry.method === 0 && entry.packed === entry.size ? undefined : await readZipEntry(file, entry, MOST_PICKLE);
        const member: ScannedFile = {
          path: entry.name,
          size: entry.size,
          read: async (offset, length) =>
            bytes?.subarray(offset, offset + length) ??
            (await file.read(entry.start + offset, Math.max(0, Math.min(length, entry.size - offset)))),
        };
        if (/(^|\/)config\.json$/.test(entry.name) && file.path.toLowerCase().endsWith('.keras')) {
          scanKeras((await member.read(0, Math.min(entry.size, 64 * 1024 * 1024))).toString('utf8'), findings, path);
        }
        if (entry.name === 'schema.json' && file.path.toLowerCase().endsWith('.skops')) {
          inspectSkops((await member.read(0, Math.min(entry.size, MOST_SCHEMA))).toString('utf8'), findings, path);
        }
        await scanContent(member, beside, findings, path, depth + 1);
      } catch (error) {
        report(error);
      }
    }
  } catch (error) {
    report(error);
  }
}

/** Large files are read piece by piece. */
async function pickleBytes(file: ScannedFile): Promise<PickleBytes> {
  return file.size > MAX_WHOLE ? PickleBytes.ofFile(file) : PickleBytes.of(await file.read(0, file.size));
}

async function scanPickleFile(
  from: PickleBytes,
  certainty: 'pickle' | 'maybe',
  findings: Findings,
  inside: string | undefined,
): Promise<void> {
  const seen = emptyContent();
  let failure: PickleError | undefined;
  let pickles = 0;
  try {
    if (from.isShort) await from.fill();
    const torch = from.includesSoon(TORCH_MAGIC);
    for (; from.at < from.size && pickles < (torch ? 5 : MOST_PICKLES); pickles++) {
      await scanPickle(from, seen);
      // In an old torch file, the tensors follow the fifth pickle.
    }
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    failure = error;
  }
  // Text can start like a pickle: if no call happens before Python ends with an error, the file is harmless.
  const isFollowed = failure === undefined || failure instanceof PickleEnd;
  const acted = seen.calls > 0 || pickles > 0;
  if (certainty === 'maybe' && isFollowed && !(acted && (seen.names.size > 0 || seen.dynamic || seen.extension)))
    return;
  reportPickle(seen, findings, inside);
  if (seen.unlikeJoblib !== undefined) reportPickle(seen.unlikeJoblib, findings, inside, 'blocks only');
  if (failure !== undefined) {
    const remedy = seen.names.has('joblib.numpy_pickle NumpyArrayWrapper')
      ? ' Save it with joblib 1.2 or newer, pickle or cloudpickle.'
      : '';
    findings.add(
      'pickle-broken',
      'block',
      `It cannot be scanned completely as a pickle: ${failure.message}.${remedy}`,
      inside,
    );
  }
}

function reportPickle(
  seen: PickleContent,
  found: Findings,
  inside: string | undefined,
  which: 'all' | 'blocks only' = 'all',
): void {
  const { names, dynamic, extension, callsMade, reachesThrough, words } = seen;
  const findings = {
    add: (rule: string, severity: ScanFinding['severity'], detail: string, location: string | undefined) => {
      if (which === 'all' || severity === 'block') found.add(rule, severity, detail, location);
    },
  };
  let hasCode = false;
  for (const [module, name] of names.values()) {
    const grade = gradeName(module, name);
    const full = `${module}.${name}`;
    if (grade === 'library') findings.add('pickle-class', 'review', `It creates a ${full}.`, inside);
    else if (grade === 'code')
      findings.add(
        'pickle-code',
        'review',
        `It imports ${full}, which is code of the author or of a required package.`,
        inside,
      );
    else if (grade === 'dangerous')
      findings.add('pickle-import', 'block', `It imports ${full}, which no model needs at load time.`, inside);
    else if (grade === 'by-value') hasCode = true;
  }
  if (hasCode) {
    const named = words.size === 0 ? '' : ` The code names ${[...words].toSorted().join(', ')}.`;
    findings.add('pickle-code', 'review', `It contains Python code of the author.${named}`, inside);
  }
  if (dynamic) findings.add('pickle-import', 'block', 'It imports a name that it composes at load time.', inside);
  if (extension)
    findings.add('pickle-import', 'block', 'It imports by extension code from the copyreg registry.', inside);
  if (callsMade) findings.add('pickle-call', 'block', 'It calls a function that it creates at load time.', inside);
  if (reachesThrough)
    findings.add('pickle-import', 'block', 'It reads an attribute of a module or class with `getattr`.', inside);
}

/** Of gzip and zlib, as joblib compresses; undefined for others, and for what becomes too large. */
async function unpack(bytes: Buffer): Promise<Buffer | undefined> {
  try {
    if (bytes[0] === GZIP) return await gunzipBytes(bytes, { maxOutputLength: MOST_PICKLE });
    return bytes[0] === ZLIB ? await inflateBytes(bytes, { maxOutputLength: MOST_PICKLE }) : undefined;
  } catch {
    return undefined;
  }
}

/** The first bytes of what is compressed. */
function unpackStart(bytes: Buffer): Buffer {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 1024 * 1024 };
  try {
    if (bytes[0] === GZIP) return gunzipSync(bytes, options);
    return bytes[0] === ZLIB ? inflateSync(bytes, options) : Buffer.alloc(0);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Modules that a manifest of MLflow has imported to load the model. */
function loadersOf(text: string): readonly string[] {
  let root: unknown;
  try {
    root = parseLimitedYaml(text, { aliases: 100 });
  } catch {
    return ['something that cannot be read'];
  }
  const flavors = (root as { readonly flavors?: Readonly<Record<string, unknown>> } | null)?.flavors ?? {};
  return Object.values(flavors).flatMap((flavor) => {
    const module = (flavor as { readonly loader_module?: unknown } | null)?.loader_module;
    return module === undefined ? [] : [typeof module === 'string' ? module : 'a loader without a name'];
  });
}

/** skops rebuilds objects by the names in its schema; MLflow lets a manifest name types as trusted. */
function inspectSkops(schema: string, findings: Findings, inside: string): void {
  const pairs = schema.matchAll(/"__class__":\s*"([^"]{0,200})",\s*"__module__":\s*"([^"]{0,200})"/g);
  for (const [, name = '', module = ''] of pairs) {
    const grade = gradeName(module, name);
    if (grade === 'dangerous') {
      findings.add('skops-type', 'block', `It creates a ${module}.${name}, which no model needs at load time.`, inside);
    } else if (grade !== 'harmless') findings.add('skops-type', 'review', `It creates a ${module}.${name}.`, inside);
  }
}

/** Keras puts layers back by their names; a Lambda is Python code. */
function scanKeras(config: string, findings: Findings, inside: string): void {
  if (/"class_name"\s*:\s*"Lambda"/.test(config) || /"__lambda__"/.test(config)) {
    findings.add('keras-lambda', 'block', 'It has a Lambda layer, which contains Python code.', inside);
  }
  for (const [, module = ''] of config.matchAll(/"module"\s*:\s*"([^"]*)"/g)) {
    if (!/^(keras|tf_keras|tensorflow\.keras|builtins)(\.|$)/.test(module)) {
      findings.add('keras-module', 'block', `It uses a class of ${module}.`, inside);
    }
  }
}

async function scanHdf5(file: ScannedFile, findings: Findings, inside: string | undefined): Promise<void> {
  findings.add(
    'keras-h5',
    'review',
    'It is a Keras HDF5 file, which Keras checks less strictly. Save the model as .keras.',
    inside,
  );
  const step = 16 * 1024 * 1024;
  for (let at = 0; at < file.size; at += step) {
    // Includes the start of the next chunk, so that matches across the boundary are found.
    const bytes = await file.read(at, Math.min(step + 64, file.size - at));
    if (/"class_name"\s*:\s*"Lambda"|"__lambda__"/.test(bytes.toString('latin1'))) {
      findings.add('keras-lambda', 'block', 'It has a Lambda layer, which contains Python code.', inside);
      return;
    }
  }
}

/** Pickles of protocol 0 have no mark, and a name decides nothing. */
async function scanOther(
  file: ScannedFile,
  start: Buffer,
  findings: Findings,
  inside: string | undefined,
): Promise<void> {
  if (!startsAsOldPickle(start)) return;
  await scanPickleFile(await pickleBytes(file), 'maybe', findings, inside);
}
