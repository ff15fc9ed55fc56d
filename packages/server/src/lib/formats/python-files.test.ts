import { describe, expect, test } from 'vitest';
import {
  logicalLines,
  PythonFileError,
  readCondaFile,
  readPythonEnvFile,
  readRequirementsFile,
} from './python-files.ts';

const none = () => undefined;

test('lines are joined where they are continued, and comments go', () => {
  const text = '# head\r\nx==1 \\\r\n    --hash=a \\\n    --hash=b # why\n\n  y  \n#z';
  expect(logicalLines(text).map((line) => line.replaceAll(/\s+/g, ' '))).toEqual(['x==1 --hash=a --hash=b', 'y']);
});

test('requirements with indexes, includes and options', () => {
  const files: Record<string, string> = { 'more.txt': 'b\n-r even-more.txt', 'even-more.txt': 'c>=1' };
  const text =
    'a==1\n-r more.txt\n--extra-index-url https://wheels.example/cpu\n--index-url=https://own.example\n--pre\n-e .\n';
  expect(readRequirementsFile(text, (path) => files[path])).toEqual({
    requirements: ['a==1', 'b', 'c>=1'],
    indexes: ['https://wheels.example/cpu', 'https://own.example'],
    leftOut: [],
    unsupported: [
      { text: '--pre', why: 'a pip option that changes the resolution of packages' },
      { text: '-e .', why: 'a folder on another machine' },
    ],
  });
});

test.each([
  ['a file that is not there', '-r missing.txt', 'the included file missing.txt does not exist'],
  ['a circle', '-r circle.txt', 'circle.txt includes circle.txt, which is a circular include'],
])('reports an include of %s', (_, text, message) => {
  expect(() => readRequirementsFile(text, (path) => (path === 'circle.txt' ? text : undefined))).toThrow(message);
});

describe('conda.yaml', () => {
  test('as models carry it', () => {
    const text = `
channels:
- conda-forge
dependencies:
- python=3.10.14
- pip<=23.2.1
- pip:
  - mlflow==2.9.2
  - scikit-learn==1.3.0
name: mlflow-env
`;
    expect(readCondaFile(text, none)).toEqual({
      version: '3.10.14',
      requirements: ['mlflow==2.9.2', 'scikit-learn==1.3.0'],
      indexes: [],
      leftOut: ['pip<=23.2.1'],
      unsupported: [],
    });
  });

  test.each([
    ['numpy', 'numpy'],
    ['numpy=1.24', 'numpy==1.24.*'],
    ['numpy=1.24.*', 'numpy==1.24.*'],
    ['numpy==1.24.3', 'numpy==1.24.3'],
    ['numpy=1.24.3=py310h5f9d8c6_0', 'numpy==1.24.3'],
    ['numpy>=1.2,<2', 'numpy>=1.2,<2'],
    ['numpy >=1.2, <2', 'numpy>=1.2,<2'],
    ['numpy 1.24.*', 'numpy==1.24.*'],
    ['conda-forge::numpy=1.24', 'numpy==1.24.*'],
    ['pytorch=2.1', 'torch==2.1.*'],
    ['librosa', 'librosa'],
  ])('%s is %s', (entry, line) => {
    const { requirements, unsupported } = readCondaFile(`dependencies: ['${entry}']`, none);
    expect(requirements).toEqual([line]);
    expect(unsupported).toEqual([]);
  });

  test.each(['cudatoolkit=11.8', 'r-base=4.2', 'nodejs', 'libtorch', 'gcc_linux-64'])(
    '%s is named as unsupported',
    (entry) => {
      const { requirements, unsupported } = readCondaFile(`dependencies: ['${entry}']`, none);
      expect(requirements).toEqual([]);
      expect(unsupported).toMatchObject([{ text: entry, why: expect.stringContaining('not a Python package') }]);
    },
  );

  test('versions that only conda has are named', () => {
    const { unsupported } = readCondaFile(`dependencies: ['numpy 1.8|1.9', "numpy[version='>=1']"]`, none);
    expect(unsupported.map(({ why }) => why)).toEqual(
      Array(2).fill('a version specification that only conda supports'),
    );
  });

  test.each([
    ['python=3.11', '3.11'],
    ['python==3.11.4', '3.11.4'],
    ['python=3.11.4=h955ad1f_1', '3.11.4'],
    ['python 3.11.*', '3.11'],
    ['python>=3.9', undefined],
    ['python', undefined],
  ])('%s requires %s', (entry, version) => {
    expect(readCondaFile(`dependencies: ['${entry}']`, none).version).toBe(version);
  });
});

describe('python_env.yaml', () => {
  const text = `
python: 3.9.18
build_dependencies:
- pip==23.2.1
- setuptools
- wheel==0.40.0
dependencies:
- -r requirements.txt
`;

  test('with its requirements.txt', () => {
    const other = (path: string) => (path === 'requirements.txt' ? 'mlflow==2.9.2\npandas\n' : undefined);
    expect(readPythonEnvFile(text, other)).toEqual({
      version: '3.9.18',
      requirements: ['mlflow==2.9.2', 'pandas'],
      indexes: [],
      leftOut: ['pip==23.2.1', 'setuptools', 'wheel==0.40.0'],
      unsupported: [],
    });
  });

  test('a version that YAML parses as a number is the intended one', () => {
    expect(readPythonEnvFile('python: 3.10', none).version).toBe('3.10');
    expect(readPythonEnvFile('python: 3.9', none).version).toBe('3.9');
    expect(readPythonEnvFile('dependencies: []', none).version).toBeUndefined();
  });
});

test.each([
  ['conda.yaml: no YAML', () => readCondaFile('a: [', none), 'line 1'],
  ['conda.yaml: a list', () => readCondaFile('- a', none), 'not a YAML map'],
  ['conda.yaml: empty', () => readCondaFile('', none), 'not a YAML map'],
  ['conda.yaml: no dependencies', () => readCondaFile('name: x', none), '`dependencies` is missing'],
  ['conda.yaml: a number', () => readCondaFile('dependencies: [1]', none), 'neither a package nor a list'],
  [
    'conda.yaml: pip with a map',
    () => readCondaFile('dependencies: [{pip: [{}]}]', none),
    '`pip` is not a list of strings',
  ],
  ['conda.yaml: Python 2', () => readCondaFile('dependencies: [python=2.7]', none), 'is not a Python version'],
  ['python_env.yaml: Python 2', () => readPythonEnvFile('python: 2.7.18', none), 'is not a Python version'],
  ['python_env.yaml: no list', () => readPythonEnvFile('dependencies: x', none), 'is not a list of strings'],
])('reports %s', (_, read, message) => {
  expect(read).toThrow(PythonFileError);
  expect(read).toThrow(message);
});
