import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesField, messageOf } from '#lib/formats/protobuf-writer.ts';
import { zip } from '#lib/formats/zip.testing.ts';
import { scanFile } from './scan-file.ts';

async function scan(path: string, bytes: Buffer | string, beside: readonly string[] = []): Promise<string[]> {
  const all = Buffer.from(bytes as string);
  const file = {
    path,
    size: all.length,
    read: async (offset: number, length: number) => await Promise.resolve(all.subarray(offset, offset + length)),
  };
  return (await scanFile(file, [path, ...beside])).map(({ rule, severity, detail }) => `${severity} ${rule} ${detail}`);
}

const short = (text: string) => Buffer.concat([Buffer.from([0x8c, text.length]), Buffer.from(text)]);
const ops = (...parts: (Buffer | string)[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string, 'latin1')));
const proto4 = '\x80\x04';

/** One for each way of a pickle to import or call. */
const hostile: Readonly<Record<string, Buffer>> = {
  global: ops('\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R.'),
  'protocol 0': ops('cos\nsystem\n(S"id"\ntR.'),
  inst: ops('(S"id"\nios\nsystem\n.'),
  obj: ops('(cos\nsystem\nS"id"\no.'),
  'stack global': ops(proto4, short('os'), short('system'), '\x93', short('id'), '\x85R.'),
  'stack global of the memo': ops(
    proto4,
    short('os'),
    '\x940',
    short('system'),
    '\x940',
    'h\x00h\x01\x93',
    short('id'),
    '\x85R.',
  ),
  'a name that is put together': ops(proto4, short('os'), ')', '\x93', ')R.'),
  'a name with escapes': ops(proto4, 'Vo\\u0073\n', short('system'), '\x93)R.'),
  newobj: ops(proto4, short('subprocess'), short('Popen'), '\x93', short('id'), '\x85\x81.'),
  'newobj with keywords': ops(proto4, short('subprocess'), short('Popen'), '\x93', ')}\x92.'),
  build: ops('\x80\x02cbuiltins\neval\n}b.'),
  'a way around lists': ops('\x80\x02cpkgutil\nresolve_name\nX\x09\x00\x00\x00os:system\x85R.'),
  'attributes of a class': ops(proto4, short('numpy'), short('dtype.__init__.__globals__'), '\x93.'),
  'a function of a library': ops('\x80\x02cnumpy.testing._private.utils\nrunstring\n)R.'),
  'a class that acts': ops('\x80\x02cpandas.io.common\nIOHandles\n)R.'),
  registry: ops('\x80\x02\x82\x01)R.'),
  'an attribute of a module': ops(
    '\x80\x02cbuiltins\ngetattr\nccloudpickle.cloudpickle\nsubimport\nX\x02\x00\x00\x00os\x85RX\x06\x00\x00\x00system\x86R.',
  ),
  'an attribute of a class': ops('\x80\x02cbuiltins\ngetattr\ncnumpy\nndarray\nX\x06\x00\x00\x00tofile\x86R.'),
  'an attribute that Python keeps for itself': ops('\x80\x02cbuiltins\ngetattr\n}X\x09\x00\x00\x00__class__\x86R.'),
  'a module that dill imports': ops('\x80\x02cdill._dill\n_import_module\nX\x02\x00\x00\x00os\x85R.'),
  'a request': ops('\x80\x02crequests\nget\nX\x02\x00\x00\x00id\x85R.'),
  'a file that numpy reads': ops('\x80\x02cnumpy\nload\nX\x02\x00\x00\x00id\x85R.'),
  'a frame that pandas reads': ops('\x80\x02cpandas\nread_pickle\nX\x02\x00\x00\x00id\x85R.'),
  'text that pandas evaluates': ops('\x80\x02cpandas\neval\nX\x02\x00\x00\x00id\x85R.'),
  'text that torch compiles': ops('\x80\x02ctorch.fx.graph_module\nreduce_graph_module\n)R.'),
  'a method caller': ops('\x80\x02coperator\nmethodcaller\nX\x02\x00\x00\x00id\x85R.'),
  'a lazy call': ops('\x80\x02cbuiltins\nmap\n)R.'),
  'an import': ops('\x80\x02cimportlib\nimport_module\nX\x02\x00\x00\x00os\x85R.'),
  'a helper of another package that runs': ops('\x80\x02cmy_package.tools\nrun_command\nX\x02\x00\x00\x00id\x85R.'),
  'after the first pickle': ops('\x80\x02N.\x80\x02cos\nsystem\n)R.'),
  'then broken': ops('\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R\xff'),
};

describe('pickles', () => {
  it.each(Object.entries(hostile))('stops %s', async (_name, bytes) => {
    const found = await scan('model.pkl', bytes);
    expect(found.some((one) => one.startsWith('block pickle-import'))).toBe(true);
  });

  it.each(Object.entries(hostile))('stops %s with any file name, packed or inside numpy', async (_name, bytes) => {
    for (const found of [
      await scan('weights.txt', bytes),
      await scan('model.pt', zip({ 'archive/data.pkl': bytes, 'archive/version': '3\n' })),
      await scan('x.npz', zip({ 'a.npy': npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", bytes) })),
    ]) {
      expect(found.some((one) => one.startsWith('block pickle-import'))).toBe(true);
    }
  });

  it('stops a function that is called while it is loaded', async () => {
    const made = '\x80\x02ccloudpickle.cloudpickle\n_make_function\n)R';
    for (const bytes of [`${made})R.`, `${made}q\x000h\x00)R.`, '\x80\x02cfunctools\npartial\n)R)R.', '\x80\x02})R.']) {
      expect(await scan('model.pkl', ops(bytes))).toContain(
        'block pickle-call It calls a function that it creates at load time.',
      );
    }
  });

  it('reviews code of the author, and lists its names', async () => {
    const cloudpickled = ops(
      proto4,
      short('cloudpickle.cloudpickle'),
      short('_make_function'),
      '\x93',
      short('subprocess'),
      '\x85R.',
    );
    expect(await scan('python_model.pkl', cloudpickled)).toEqual([
      'review pickle-code It contains Python code of the author. The code names subprocess.',
    ]);
    expect(await scan('m.pkl', ops(proto4, short('my_package.models'), short('Ranker'), '\x93)\x81}b.'))).toEqual([
      'review pickle-code It imports my_package.models.Ranker, which is code of the author or of a required package.',
    ]);
    // A class composed of parts, and a method of an object, are values.
    const skeleton = 'ccloudpickle.cloudpickle\n_make_skeleton_class\n)R';
    expect((await scan('m.pkl', ops(`\x80\x02${skeleton})\x81.`))).map((one) => one.split(' ')[0])).toEqual(['review']);
    const method = 'cbuiltins\ngetattr\ncsklearn.svm\nSVC\n)\x81X\x07\x00\x00\x00predict\x86R.';
    expect((await scan('m.pkl', ops(`\x80\x02${method}`))).every((one) => one.startsWith('review'))).toBe(true);
  });

  it('inspects content that joblib compresses', async () => {
    const [bytes] = Object.values(hostile);
    expect((await scan('m.joblib', gzipSync(bytes ?? ''))).join()).toContain('block pickle-import');
    expect((await scan('m.joblib', deflateSync(bytes ?? ''))).join()).toContain('block pickle-import');
    expect(await scan('m.joblib', deflateSync(ops('\x80\x02N.')))).toEqual([]);
  });

  it('passes values, and reports classes of libraries', async () => {
    expect(await scan('a.pkl', ops('\x80\x02ccollections\nOrderedDict\n)R.'))).toEqual([]);
    expect(
      await scan('a.pkl', ops(proto4, short('sklearn.linear_model._base'), short('LinearRegression'), '\x93)\x81}b.')),
    ).toEqual(['review pickle-class It creates a sklearn.linear_model._base.LinearRegression.']);
  });

  it.each([
    ['torch.nn.modules.pooling', 'MaxPool2d', 'review'],
    ['torch.ao.quantization.observer', 'MinMaxObserver', 'review'],
    ['sklearn.gaussian_process._gpr', 'GaussianProcessRegressor', 'review'],
    ['my_package.text', 'Preprocessor', 'review'],
    ['catboost.core', 'Pool', 'block'],
    ['my_package', 'WorkerPool', 'block'],
    ['my_package', 'ThreadPoolExecutor', 'block'],
    ['my_package', 'FileReader', 'block'],
    ['pandas.io.pytables', 'HDFStore', 'block'],
    ['my_package', 'Outer.Inner', 'review'],
    ['my_package', 'os.system', 'block'],
    ['my_package.tools', 'subprocess.Popen', 'block'],
    ['my_package', 'Outer.run', 'block'],
  ])('%s.%s: %s', async (module, name, severity) => {
    const found = await scan('m.pkl', ops(proto4, short(module), short(name), '\x93)\x81.'));
    expect(found.map((one) => one.split(' ')[0])).toEqual([severity]);
  });

  it('does not parse text as a pickle', async () => {
    for (const text of ['channels:\n- defaults\n', 'numpy==2.0\nscikit-learn\n', '(a list)\n', '0 1 2\n']) {
      expect(await scan('conda.yaml', text)).toEqual([]);
    }
    expect(await scan('archive/data/0', Buffer.from([0x80, 0x02, 0x99, 0x12, 0x44]))).toEqual([]);
  });

  it('blocks content that Python may parse further than the scan, with any file name', async () => {
    const evil = ops('cos\nsystem\n(S"id"\ntR.');
    for (const start of [`I${'1'.repeat(3000)}\n`, 'Ng+1\n', 'Np1_0\n']) {
      expect((await scan('notes.txt', ops(start, evil))).map((one) => one.split(' ')[0])).toContain('block');
    }
    // A long text of protocol 0 is a text.
    expect((await scan('notes.txt', ops(`S'${'x'.repeat(3000)}'\n0`, evil))).join()).toContain('It imports os.system');
    for (const words of [
      'Install it.\n',
      'Some words\n',
      `Some ${'words '.repeat(500)}\n`,
      'pip install\n',
      'Fifty\n',
    ]) {
      expect(await scan('README.md', Buffer.from(words))).toEqual([]);
    }
  });

  it('blocks content that it cannot parse', async () => {
    expect(await scan('m.pkl', ops('\x80\x06N.'))).toEqual([expect.stringContaining('pickle-broken')]);
    expect(await scan('m.joblib', gzipSync('x'))).toEqual([expect.stringContaining('block pickle-broken')]);
    expect(await scan('m.joblib', 'BZh91AY')).toEqual([expect.stringContaining('block packed')]);
    expect(await scan('m.bin', 'some numbers')).toEqual([]);
    expect(await scan('m.bin', Buffer.from("7z\xbc\xaf'\x1c", 'latin1'))).toEqual([expect.stringContaining('archive')]);
  });

  it('ends, with any bytes', async () => {
    const seeds = Object.values(hostile);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }),
        async (seed, edits) => {
          const bytes = Buffer.from(seed);
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          expect(Array.isArray(await scan('m.pkl', bytes))).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(Array.isArray(await scan('m.pkl', Buffer.from(bytes)))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

function npy(header: string, data: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(header), data]);
}

describe('archives', () => {
  const good = zip({ 'archive/data.pkl': Buffer.from('\x80\x02N.', 'latin1'), 'archive/data/0': Buffer.alloc(300) });

  it('are scanned', async () => {
    expect(await scan('model.pt', good)).toEqual([]);
  });

  it('are rejected when readers could differ', async () => {
    const other = Buffer.from(good);
    other.write('archive/data.pkx', 30, 'latin1');
    const encrypted = Buffer.from(good);
    const directory = encrypted.indexOf('PK\x01\x02', 0, 'latin1');
    encrypted[directory + 8]! |= 1;
    const method = Buffer.from(good);
    method[directory + 10] = 12;
    const hidden = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(60), good]);
    const twice = zip({ a: 'x' });
    const bomb = Buffer.from(zip({ 'a.pkl': Buffer.alloc(4000) }));
    bomb.writeUInt32LE(10, bomb.indexOf('PK\x01\x02', 0, 'latin1') + 24);
    for (const bytes of [other, encrypted, method, hidden, bomb, good.subarray(0, -10), twice.subarray(0, 40)]) {
      expect((await scan('model.pt', bytes)).join()).toMatch(/block zip/);
    }
    expect(await scan('model.pt', zip({ '../a': 'x' }))).toEqual([expect.stringContaining('leaves its folder')]);
    let nested = zip({ 'a.txt': 'x' });
    for (let depth = 0; depth < 6; depth++) nested = zip({ 'a.zip': nested });
    expect((await scan('model.pt', nested)).join()).toMatch(/too deep/);
  });
});

describe('other formats', () => {
  const onnx = (domain: string, location?: string) => {
    const node = messageOf(bytesField(4, 'Add'), bytesField(7, domain));
    const target =
      location === undefined ? [] : [bytesField(13, messageOf(bytesField(1, 'location'), bytesField(2, location)))];
    const tensors = target.map((one) => bytesField(5, messageOf(one)));
    return messageOf(bytesField(7, messageOf(bytesField(1, node), ...tensors)));
  };

  it('ONNX: operators of others and weights from elsewhere', async () => {
    expect(await scan('m/a.onnx', onnx('ai.onnx.ml', 'w.bin'), ['m/w.bin'])).toEqual([]);
    expect(await scan('a.onnx', onnx('com.microsoft.pyop'))).toEqual([expect.stringContaining('onnx-operator')]);
    for (const location of ['../secret.bin', '/etc/passwd', 'file:///etc/passwd', 'a/../../b', 'w.bin', 'C:\\x']) {
      expect(await scan('a.onnx', onnx('', location))).toEqual([expect.stringContaining('onnx-external-data')]);
    }
    expect(await scan('a.onnx', 'no model')).toEqual([expect.stringContaining('onnx-broken')]);
  });

  it('safetensors: a valid header', async () => {
    const file = (header: object | string, data: number) => {
      const text = typeof header === 'string' ? header : JSON.stringify(header);
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(text.length));
      return Buffer.concat([length, Buffer.from(text), Buffer.alloc(data)]);
    };
    const tensor = (start: number, end: number) => ({ dtype: 'F32', shape: [2], data_offsets: [start, end] });
    expect(await scan('a.safetensors', file({ a: tensor(0, 8), b: tensor(8, 16) }, 16))).toEqual([]);
    for (const bytes of [
      file({ a: tensor(0, 8) }, 9),
      file({ a: tensor(0, 8), b: tensor(4, 12) }, 12),
      file({ a: tensor(0, 4) }, 4),
      file({ a: { dtype: 'F32', shape: [-1], data_offsets: [0, 8] } }, 8),
      file('[]', 0),
      file('{', 0),
      Buffer.alloc(4),
      Buffer.alloc(20, 0xff),
    ]) {
      expect(await scan('a.safetensors', bytes)).toEqual([expect.stringContaining('safetensors-header')]);
    }
  });

  it('GGUF, Keras, SavedModel, manifests and code', async () => {
    const text = (value: string) => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(value.length));
      return Buffer.concat([length, Buffer.from(value)]);
    };
    const gguf = (template: string) => {
      const head = Buffer.alloc(24);
      head.write('GGUF');
      head.writeUInt32LE(3, 4);
      head.writeBigUInt64LE(1n, 16);
      return Buffer.concat([head, text('tokenizer.chat_template'), Buffer.from([8, 0, 0, 0]), text(template)]);
    };
    expect(await scan('m.gguf', gguf('{{ messages[0].content }}'))).toEqual([]);
    expect(await scan('m.gguf', gguf("{{ cycler.__init__.__globals__.os.popen('id') }}"))).toEqual([
      expect.stringContaining('gguf-template'),
    ]);
    expect(await scan('m.gguf', gguf('x').subarray(0, 30))).toEqual([expect.stringContaining('gguf-broken')]);
    const keras = (config: object) => zip({ 'config.json': JSON.stringify(config) });
    expect(await scan('m.keras', keras({ module: 'keras.layers', class_name: 'Dense' }))).toEqual([]);
    expect(await scan('m.keras', keras({ module: 'keras.layers', class_name: 'Lambda' }))).toEqual([
      expect.stringContaining('keras-lambda'),
    ]);
    expect(await scan('m.keras', keras({ module: 'os', class_name: 'system' }))).toEqual([
      expect.stringContaining('keras-module'),
    ]);
    const h5 = Buffer.from('\x89HDF\r\n\x1a\n{"class_name": "Lambda"}', 'latin1');
    expect((await scan('m.h5', h5)).map((one) => one.split(' ').slice(0, 2).join(' '))).toEqual([
      'review keras-h5',
      'block keras-lambda',
    ]);
    expect(await scan('a/saved_model.pb', 'x WriteFile y')).toEqual([expect.stringContaining('tensorflow-operator')]);
    const mlmodel = (loader: string) => `flavors:\n  python_function: {"loader_module": ${loader}}\n`;
    expect(await scan('MLmodel', mlmodel('mlflow.sklearn'))).toEqual([]);
    expect(await scan('MLmodel', mlmodel('"\\x65vil"'))).toEqual([expect.stringContaining('loader evil')]);
    expect(await scan('code/a.py', 'import os')).toEqual([expect.stringContaining('review code')]);
  });
});
