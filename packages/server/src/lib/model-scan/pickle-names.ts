/**
 * Grades the names that a pickle imports. No list of dangerous names is complete (one scanner had forty bypasses), so
 * everything that is not known to be harmless runs isolated in a separate process. Names that start programs, open
 * connections, read files or evaluate text are also blocked, because no model needs them at load time.
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

/** Values and arrays: their construction runs no foreign code. */
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
  ['copy_reg', new Set(['_reconstructor', '__newobj__', '__newobj_ex__'])],
  ['copyreg', new Set(['_reconstructor', '__newobj__', '__newobj_ex__'])],
  ['joblib.numpy_pickle', new Set(['NumpyArrayWrapper'])],
  ['pathlib', new Set(['PosixPath', 'PurePosixPath', 'WindowsPath', 'PureWindowsPath', 'Path', 'PurePath'])],
]);

/** Packages whose classes and functions are parts of models. */
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
  '__torch__',
]);

/** Functions with which libraries rebuild their objects; their modules are otherwise closed. */
const MAKERS: ReadonlySet<string> = new Set([
  'numpy.random._pickle.__randomstate_ctor',
  'numpy.random._pickle.__bit_generator_ctor',
  'numpy.random._pickle.__generator_ctor',
  'pandas.core.indexes.base._new_Index',
  'pandas._libs.internals._unpickle_block',
  'pandas.core.internals.blocks.new_block',
  'torch._utils._rebuild_device_tensor_from_numpy',
  'torch.serialization._get_layout',
  'torch.jit._pickle.build_intlist',
  'torch.jit._pickle.build_tensorlist',
  'torch.jit._pickle.build_doublelist',
  'torch.jit._pickle.build_boollist',
  'torch.jit._pickle.build_tensor_from_id',
  'torch.jit._pickle.restore_type_tag',
]);

/** Modules of libraries that read files, fetch, run or compile. */
const ACTING =
  /(^|\.)(hub|testing|tests?|f2py|distutils|package|jit|cpp_extension|inductor|_inductor|_dynamo|dynamo|distributed|multiprocessing|utils\.data|io|datasets|externals|build|conftest|compat|computation|load|serialization|memmap(ing|ped)?|npyio|_npyio_impl|npyio_impl|_memmap|memory|cli|commands|onnx|debug|_pytest|ctypeslib|fx|ops|_ops|library|_datasource)(\.|$)/;

/** Functions and classes that act, wherever they are: by their first word. */
const ACTING_NAME =
  /^_*(load|loads|loadtxt|genfromtxt|save|savez|savetxt|fromfile|fromregex|memmap|open|read|write|exec|execfile|eval|evaluate_string|query|run|runstring|system|popen|spawn|import|compile|source|urlopen|urlretrieve|download|fetch|request|get_include|show_config|hub|delayed)(_|$)/i;
const CLASS_NAME = /^_*[A-Z]/;
/** By whole words of their names: `MaxPool2d`, `MinMaxObserver` and `Preprocessor` compute. */
const ACTING_CLASS =
  /(((?<!Gaussian|Pre|Post)Process|Popen|Command|File|Server|Memmap|MemoryMap|Loader|Store|Executor|DataSource|(Thread|Process|Worker|Connection)Pool)s?(?![a-z])|Excel|^_*Pool$)/;

/** Modules of Python itself; what is not listed in STANDARD_ALLOWED is dangerous. */
const STANDARD: ReadonlySet<string> = new Set(
  (
    '__builtin__ __future__ _abc _aix_support _ast _asyncio _bisect _blake2 _bz2 _codecs _collections _collections_abc _contextvars ' +
    '_csv _ctypes _curses _datetime _decimal _elementtree _frozen_importlib _functools _hashlib _heapq _imp _io _json _locale _lsprof ' +
    '_lzma _markupbase _md5 _multibytecodec _multiprocessing _opcode _operator _osx_support _pickle _posixshmem _posixsubprocess ' +
    '_py_abc _pydatetime _pydecimal _pyio _queue _random _sha1 _sha2 _signal _sitebuiltins _socket _sqlite3 _sre _ssl _stat _string ' +
    '_strptime _struct _symtable _sysconfigdata _thread _threading_local _tkinter _tracemalloc _typing _uuid _warnings _weakref ' +
    '_weakrefset _winapi _xxsubinterpreters _interpreters _zoneinfo abc aifc annotationlib antigravity argparse array ast asynchat ' +
    'asyncio asyncore atexit audioop base64 bdb binascii bisect builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs ' +
    'codeop collections colorsys commands compileall compression concurrent configparser contextlib contextvars copy copy_reg copyreg ' +
    'crypt csv ctypes curses dataclasses datetime dbm decimal difflib dis distutils doctest dummy_threading email encodings ensurepip ' +
    'enum errno exceptions faulthandler fcntl filecmp fileinput fnmatch formatter fractions ftplib functools gc genericpath getopt ' +
    'getpass gettext glob graphlib grp gzip hashlib heapq hmac html http idlelib imaplib imghdr imp importlib inspect io ipaddress ' +
    'itertools json keyword lib2to3 linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib ' +
    'msvcrt multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode operator optparse os ossaudiodev parser pathlib pdb ' +
    'pickle pickletools pipes pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc ' +
    'pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex ' +
    'shutil signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl stat statistics ' +
    'string stringprep struct subprocess sunau symbol symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios test ' +
    'textwrap this threading time timeit tkinter token tokenize tomllib trace traceback tracemalloc tty turtle turtledemo types typing ' +
    'unicodedata unittest urllib urllib2 uu uuid venv warnings wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc ' +
    'zipapp zipfile zipimport zlib zoneinfo'
  ).split(' '),
);

/** Exceptions among the public names of allowed modules: functions that evaluate text. */
const EVALUATING: ReadonlySet<string> = new Set([
  'dataclasses.make_dataclass',
  'typing.ForwardRef',
  'typing.evaluate_forward_ref',
  'typing.get_type_hints',
]);

const ANY = 'any';
/** Names of Python itself that models and their code use: they create values and start nothing. */
const STANDARD_ALLOWED: ReadonlyMap<string, ReadonlySet<string> | typeof ANY> = new Map<
  string,
  ReadonlySet<string> | typeof ANY
>([
  ['abc', ANY],
  ['array', ANY],
  ['bisect', ANY],
  ['cmath', ANY],
  ['collections', ANY],
  ['collections.abc', ANY],
  ['copy', ANY],
  ['dataclasses', ANY],
  ['datetime', ANY],
  ['decimal', ANY],
  ['enum', ANY],
  ['fractions', ANY],
  ['heapq', ANY],
  ['ipaddress', ANY],
  ['itertools', ANY],
  ['math', ANY],
  ['numbers', ANY],
  ['random', ANY],
  ['statistics', ANY],
  ['textwrap', ANY],
  ['typing', ANY],
  ['unicodedata', ANY],
  ['uuid', ANY],
  ['zoneinfo', ANY],
  ['builtins', allowedBuiltins()],
  ['__builtin__', allowedBuiltins()],
  ['contextlib', new Set(['nullcontext'])],
  ['functools', new Set(['partial', 'reduce', 'lru_cache', 'cached_property', 'wraps', 'total_ordering'])],
  ['inspect', new Set(['Signature', 'Parameter', '_ParameterKind', '_empty', 'BoundArguments'])],
  ['logging', new Set(['getLogger', 'Logger', 'RootLogger'])],
  [
    'operator',
    new Set([
      'itemgetter',
      'add',
      'sub',
      'mul',
      'truediv',
      'floordiv',
      'mod',
      'pow',
      'neg',
      'eq',
      'ne',
      'lt',
      'le',
      'gt',
      'ge',
    ]),
  ],
  ['re', new Set(['_compile', 'compile', 'Pattern', 'RegexFlag'])],
  ['string', new Set(['Template'])],
  ['struct', new Set(['Struct'])],
  ['time', new Set(['struct_time', 'time', 'perf_counter', 'monotonic'])],
  [
    'types',
    new Set([
      'SimpleNamespace',
      'MappingProxyType',
      'CodeType',
      'FunctionType',
      'CellType',
      'GenericAlias',
      'UnionType',
      'NoneType',
    ]),
  ],
  ['weakref', new Set(['WeakKeyDictionary', 'WeakValueDictionary', 'WeakSet', 'ref'])],
]);

function allowedBuiltins(): ReadonlySet<string> {
  const values =
    'abs all any bin bool bytes callable chr classmethod complex divmod enumerate float frozenset getattr hash hex int isinstance issubclass len ' +
    'list max memoryview min oct ord pow property range repr reversed round set slice sorted staticmethod str sum super tuple type zip ' +
    'Ellipsis NotImplemented NoneType';
  return new Set(values.split(' '));
}

/** Packages that start programs, connect, or evaluate text; models have no use for them while they are loaded. */
const DENIED_PACKAGES: ReadonlySet<string> = new Set(
  (
    'pip setuptools pkg_resources wheel virtualenv uv conda IPython ipykernel ipywidgets notebook jupyter jupyter_client requests httpx ' +
    'urllib3 aiohttp httplib2 websocket websockets paramiko fabric invoke sh plumbum pexpect ptyprocess fsspec s3fs gcsfs adlfs boto3 ' +
    'botocore docker kubernetes psutil twisted tornado celery ray dask distributed pyspark sqlalchemy psycopg2 pymysql pymongo redis ' +
    'kafka pyautogui pynput selenium playwright scapy impacket nox tox pytest py _pytest nose code2flow bdbcontrol cffi pycparser ' +
    'torchserve webdriver_manager gitpython git gunicorn uvicorn flask django fastapi starlette'
  ).split(' '),
);

/** Machinery with which cloudpickle and dill keep functions and classes of an author by value. */
const BY_VALUE: ReadonlySet<string> = new Set(
  (
    '_make_function _make_skeleton_class _make_skeleton_enum _make_cell _make_empty_cell _builtin_type _function_setstate _class_setstate _get_or_create_tracker_id ' +
    '_make_typevar _make_dict_keys _make_dict_values _make_dict_items _cell_set_factory _empty_cell_value instance subimport _decompose_typevar ' +
    '_make_labda _fill_function _make_skel_func _rehydrate_skeleton_class _gen_ellipsis _gen_not_implemented make_skel_func'
  )
    .split(' ')
    .flatMap((name) => [`cloudpickle.cloudpickle.${name}`, `cloudpickle.cloudpickle_fast.${name}`]),
);
const DILL: ReadonlySet<string> = new Set(
  ['_create_function', '_create_code', '_create_type', '_load_type', '_create_cell', '_create_namedtuple'].flatMap(
    (name) => [`dill._dill.${name}`, `dill.dill.${name}`],
  ),
);

/**
 * `harmless`: values. `library`: classes and functions of model libraries. `by-value`: code of the author in the
 * pickle. `code`: imported code of the author, or of a required package. `dangerous`: names that no model needs at load
 * time.
 */
export type NameGrade = 'harmless' | 'library' | 'by-value' | 'code' | 'dangerous';

export function gradeName(module: string, name: string): NameGrade {
  if (HARMLESS.get(module)?.has(name) === true) return 'harmless';
  const full = `${module}.${name}`;
  if (MAKERS.has(full)) return 'library';
  if (BY_VALUE.has(full) || DILL.has(full)) return 'by-value';
  if (!/^[\p{L}\p{N}_.]+$/u.test(module) || !/^[\p{L}\p{N}_.<>]+$/u.test(name)) return 'dangerous';
  // joblib reads other files with its older wrappers; another name of the wrapper would hide where arrays are.
  if (/^(Numpy|ND|ZND)ArrayWrapper$/.test(name) || module.startsWith('joblib.numpy_pickle')) return 'dangerous';
  // A path through attributes (`dtype.__init__.__globals__`), or to private attributes of Python.
  if (name.split('.').some((part) => part.startsWith('__') && !part.startsWith('__pyx_unpickle_'))) return 'dangerous';
  const [root = ''] = module.split('.');
  if (STANDARD.has(root)) return gradeStandard(module, name);
  if (DENIED_PACKAGES.has(root) || root === 'cloudpickle' || root === 'dill') return 'dangerous';
  const path = name.split('.');
  const last = path.at(-1) ?? '';
  // `os.system` of a package that imports `os`; in classes there are classes.
  if (!path.slice(0, -1).every((part) => CLASS_NAME.test(part))) return 'dangerous';
  const acts = ACTING_NAME.test(last) || (CLASS_NAME.test(last) && ACTING_CLASS.test(last));
  if (LIBRARIES.has(root)) return acts || ACTING.test(module) || name.includes('.') ? 'dangerous' : 'library';
  return acts ? 'dangerous' : 'code';
}

function gradeStandard(module: string, name: string): NameGrade {
  const allowed = STANDARD_ALLOWED.get(module);
  if (allowed === ANY ? isPublic(`${module}.${name}`, name) : allowed?.has(name) === true) return 'code';
  if ((module === 'builtins' || module === 'exceptions') && /^[A-Z]\w*(Error|Exception|Warning|Iteration)$/.test(name))
    return 'harmless';
  return 'dangerous';
}

/** Modules import others (`random._os`) and have helpers that run programs (`uuid._get_command_stdout`) or evaluate text. */
function isPublic(full: string, name: string): boolean {
  if (name.includes('.') || EVALUATING.has(full)) return false;
  return !name.startsWith('_') || /^_[A-Z]/.test(name) || full === 'array._array_reconstructor';
}

/** Suspicious words in code of an author, for the reviewer. */
export const SUSPICIOUS_NAMES: ReadonlySet<string> = new Set(
  'os subprocess socket system popen Popen eval exec __import__ ctypes requests urllib shutil pty marshal importlib'.split(
    ' ',
  ),
);

export const GETATTR = new Set(['builtins.getattr', '__builtin__.getattr']);
/** Their results are a class or a Python type, which can be called. */
export const MAKES_CLASSES =
  /^(cloudpickle\.cloudpickle(_fast)?\._(builtin_type|make_skeleton_class|make_skeleton_enum)|dill\._dill\._(load_type|create_type)|builtins\.type)$/;
