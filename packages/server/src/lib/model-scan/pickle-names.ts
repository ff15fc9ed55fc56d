/**
 * What a pickle may name. A list of what is dangerous is never complete (one scanner had forty ways around its own), so this
 * says what is harmless, and what is code of a library that models are made of. All else blocks.
 */

const STORAGES = [
  'Long',
  'Float',
  'Half',
  'Double',
  'BFloat16',
  'Bool',
  'Char',
  'Short',
  'Int',
  'Byte',
  'ComplexFloat',
  'ComplexDouble',
  'QInt32',
  'QInt8',
  'QUInt8',
  'QUInt2x4',
  'QUInt4x2',
].map((name) => `${name}Storage`);
const TORCH_TYPES = [
  'float',
  'float16',
  'float32',
  'float64',
  'double',
  'half',
  'bfloat16',
  'int',
  'int8',
  'int16',
  'int32',
  'int64',
  'long',
  'short',
  'uint8',
  'bool',
  'complex64',
  'complex128',
];
const VALUES = [
  'set',
  'frozenset',
  'list',
  'dict',
  'int',
  'float',
  'complex',
  'bytearray',
  'object',
  'slice',
  'range',
  'tuple',
  'str',
  'bytes',
  'bool',
];

/** Values and arrays: making them runs nothing of anybody's. */
const HARMLESS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['collections', new Set(['OrderedDict', 'defaultdict', 'deque', 'Counter'])],
  ['torch', new Set([...STORAGES, ...TORCH_TYPES, 'Size', 'device'])],
  ['torch._utils', new Set(['_rebuild_tensor_v2', '_rebuild_parameter'])],
  ['numpy', new Set(['dtype', 'ndarray', 'float64', 'float32', 'int64', 'int32', 'bool_', 'str_'])],
  ['numpy.core.multiarray', new Set(['_reconstruct', 'scalar'])],
  ['numpy._core.multiarray', new Set(['_reconstruct', 'scalar'])],
  ['numpy.core.numeric', new Set(['_frombuffer'])],
  ['numpy._core.numeric', new Set(['_frombuffer'])],
  ['_codecs', new Set(['encode'])],
  ['__builtin__', new Set([...VALUES, 'unicode', 'long'])],
  ['builtins', new Set(VALUES)],
  ['datetime', new Set(['datetime', 'date', 'time', 'timedelta', 'timezone'])],
  ['decimal', new Set(['Decimal'])],
  ['fractions', new Set(['Fraction'])],
  ['uuid', new Set(['UUID'])],
  ['copy_reg', new Set(['_reconstructor'])],
  ['copyreg', new Set(['_reconstructor'])],
]);

/** Packages whose classes are what models are made of. */
const LIBRARIES: ReadonlySet<string> = new Set([
  'sklearn',
  'numpy',
  'scipy',
  'pandas',
  'xgboost',
  'lightgbm',
  'catboost',
  'statsmodels',
  'torch',
  'torchvision',
  'transformers',
  'imblearn',
  'joblib',
]);

/** Functions by which such libraries make their objects again. */
const MAKERS: ReadonlySet<string> = new Set([
  'numpy.random._pickle.__randomstate_ctor',
  'numpy.random._pickle.__bit_generator_ctor',
  'numpy.random._pickle.__generator_ctor',
  'pandas.core.indexes.base._new_Index',
  'pandas._libs.internals._unpickle_block',
  'pandas.core.internals.blocks.new_block',
  'torch._utils._rebuild_device_tensor_from_numpy',
]);

/** Modules of these packages that read files, fetch, run or compile: their classes too. */
const ACTING =
  /(^|\.)(hub|testing|tests?|f2py|distutils|package|jit|cpp_extension|inductor|_inductor|_dynamo|dynamo|distributed|multiprocessing|utils\.data|io|datasets|externals|build|conftest|compat|load|serialization|memmap(ing|ped)?|npyio|npyio_impl|_memmap|memory|cli|commands|onnx|debug|_pytest|ctypeslib)(\.|$)/;

/** What a name in a pickle may lead to. */
export function judgeName(module: string, name: string): 'harmless' | 'library' | 'unknown' {
  if (HARMLESS.get(module)?.has(name) === true) return 'harmless';
  if (MAKERS.has(`${module}.${name}`)) return 'library';
  const [root = ''] = module.split('.');
  if (!LIBRARIES.has(root) || ACTING.test(module)) return 'unknown';
  // A class by its spelling, or what Cython makes one again with, and only what stands in the module itself: no way
  // through attributes.
  if (!/^(__pyx_unpickle_)?[A-Z][A-Za-z0-9_]*$/.test(name) || !/^[A-Za-z0-9_.]+$/.test(module)) return 'unknown';
  if (/(Process|Popen|Command|File|Server|Memmap|MemoryMap|Loader|Excel|Store|Executor|Pool)/i.test(name))
    return 'unknown';
  return 'library';
}
