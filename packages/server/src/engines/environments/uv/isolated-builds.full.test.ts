/** Builds of packages without a wheel: their code is isolated. Hostile packages stop on their own. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DaisError } from '@dais/api';
import { afterAll, describe, expect, test } from 'vitest';
import { bundledPath } from '#engines/isolation/bubblewrap/bundled-bubblewrap.ts';
import type { IsolationOptions } from '#engines/isolation/contract.ts';
import { openIsolation } from '#engines/isolation/open-isolation.ts';
import { silentLog } from '#lib/log.ts';
import { run } from '#lib/process.ts';
import { bubblewrap, isolationFolder } from '../../../../../../tools/bubblewrap.mjs';
import { findPython } from '../../../../../../tools/python.mjs';
import { uv } from '../../../../../../tools/uv.mjs';
import type { Environments, PythonSpec } from '../contract.ts';
import { expectCode } from '../suite.ts';
import { packageFile, TestIndex, type TestPackage } from '../testing.ts';
import { openUvEnvironments, type UvOptions } from './uv-environments.ts';

const MIB = 2 ** 20;
const PATH = `${dirname((await findPython()).path)}:/usr/bin:/bin`;
const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-builds-'));
  ends.push(async () => {
    await run('chmod', ['-R', 'u+w', folder], { env: { PATH } });
    await rm(folder, { recursive: true });
  });
  return folder;
}

interface Opened {
  readonly environments: Environments;
  readonly folder: string;
  readonly index: TestIndex;
}

async function open(
  packages: readonly TestPackage[],
  more: Partial<UvOptions> = {},
  isolated: IsolationOptions = {},
): Promise<Opened> {
  const index = await new TestIndex(packages).start();
  // The machine may have no bubblewrap.
  await bubblewrap();
  const isolation = openIsolation({ bundled: [bundledPath(isolationFolder())], ...isolated });
  ends.push(async () => {
    await isolation.close();
    await index.end();
  });
  const folder = await temporary();
  const environments = openUvEnvironments({
    folder,
    maxBytes: 2 ** 34,
    uv: await uv(),
    index: index.url,
    sourceBuilds: 'isolated',
    outbound: index.net.client({ fail: (code, detail, cause) => new DaisError(code, detail, { cause }) }),
    environment: { PATH },
    now: () => Date.now(),
    log: silentLog,
    isolation,
    ...more,
  });
  return { environments, folder, index };
}

const spec = (...requirements: string[]): PythonSpec => ({ type: 'python', requirements, indexes: [] });

const alpha: TestPackage = { name: 'alpha', version: '1.0' };
const wheel = packageFile(alpha);

/** A source archive of `alpha` whose build first runs this Python program. */
function built(program: string): TestPackage {
  const source = `
import base64
${program}
def build_wheel(folder, *_):
    open(folder + '/${wheel.file}', 'wb').write(base64.b64decode('${wheel.bytes.toString('base64')}'))
    return '${wheel.file}'
`;
  return { ...alpha, source };
}

/** Fails the build with a list of successful attacks. */
function hostile(locations: Readonly<Record<string, string | number>>): string {
  return `
import glob, json, os, signal, socket
at = json.loads(${JSON.stringify(JSON.stringify(locations))})
done = []
def attempt(what, action):
    try:
        action()
        done.append(what)
    except BaseException:
        pass
attempt('reads a file of the server', lambda: open(at['canary']).read())
attempt('lists the folder of the server', lambda: os.listdir(at['outside']))
attempt('writes a file of the server', lambda: open(at['outside'] + '/new', 'w'))
attempt('reads the shared cache', lambda: os.listdir(at['folder'] + '/cache'))
attempt('reads the environments of others', lambda: [open(one).read() for one in [glob.glob(at['folder'] + '/environments/*.json')[0]]])
attempt('writes to the Python of the machine', lambda: open(os.path.dirname(os.__file__) + '/hostile.py', 'w'))
attempt('reaches a port of the machine', lambda: socket.create_connection(('127.0.0.1', at['port']), 2))
attempt('reaches another network', lambda: socket.create_connection(('192.0.2.1', 80), 2))
attempt('reaches a socket of the machine', lambda: socket.socket(socket.AF_UNIX).connect(at['socket']))
attempt('signals the server', lambda: os.kill(at['pid'], 0))
attempt('sees the variables of the server', lambda: [name for name in os.environ if 'CANARY' in name][0])
attempt('sees processes of the machine', lambda: (lambda names: names[0])([one for one in os.listdir('/proc') if one.isdigit() and int(one) > 200]))
for line in open('/proc/self/status') if os.path.exists('/proc/self/status') else []:
    if line.startswith('CapEff') and int(line.split()[1], 16) != 0: done.append('has capabilities')
    if line.startswith('NoNewPrivs') and line.split()[1] != '1': done.append('may gain rights')
if done: raise SystemExit('could: ' + '; '.join(done))
`;
}

const WAYS: readonly (readonly [string, IsolationOptions])[] = [
  ['bubblewrap with control groups', {}],
  ['bubblewrap without control groups', { limits: 'rlimit' }],
  ['bubblewrap without /proc', { boundaries: ['bubblewrap-without-proc'], limits: 'rlimit' }],
];

describe.each(WAYS)('%s', (_, isolated) => {
  test('isolates the code of a package and installs its wheel', async () => {
    const outside = await temporary();
    const canary = join(outside, 'canary');
    await writeFile(canary, 'canary');
    const socket = join(outside, 'socket');
    const servers = [createServer((one) => one.destroy()).listen(0, '127.0.0.1'), createServer().listen(socket)];
    await Promise.all(servers.map(async (server) => await once(server, 'listening')));
    ends.push(async () => {
      for (const server of servers) await new Promise<void>((resolve) => server.close(() => resolve()));
    });
    const packages: TestPackage[] = [];
    const { environments, folder, index } = await open(packages, {}, isolated);
    // Files of other users, in the shared cache and among the environments.
    index.files.push(packageFile({ name: 'other', version: '1.0' }));
    const other = await environments.build(await environments.lock(spec('other')));
    const { port } = servers[0]!.address() as AddressInfo;
    const paths = { outside, canary, folder, socket, port, pid: process.pid };
    index.files.push(packageFile(built(hostile(paths))));
    const lock = await environments.lock(spec('alpha'));
    const environment = await environments.build(lock);
    const [bin = ''] = environment.path;
    const { stdout } = await run(join(bin, 'alpha-version'), [], { env: { PATH } });
    expect(stdout.toString()).toBe('1.0\n');
    expect(await readFile(canary, 'utf8')).toBe('canary');
    expect((await readdir(outside)).toSorted()).toEqual(['canary', 'socket']);
    expect(await readdir(join(folder, 'builds'))).toEqual([]);
    await Promise.all([environment.release(), other.release()]);
  }, 120_000);
});

describe.each(WAYS.slice(0, 2))('%s', (_, isolated) => {
  test.each<[string, string, RegExp]>([
    [
      'memory',
      'held = []\nfor _ in range(1024): held.append(bytearray(1 << 20))',
      /memory limit of 512 MiB|MemoryError|alloc/,
    ],
    [
      'processes',
      'import os, time\nfor _ in range(300):\n    if os.fork() == 0: time.sleep(5); os._exit(0)',
      /limit of 100 processes|Resource temporarily unavailable|BlockingIOError/,
    ],
    [
      'files',
      'import time\nfor n in range(20): open(f"/tmp/{n}", "wb").write(bytes(16 << 20))\ntime.sleep(4)',
      /disk limit of 128 MiB/,
    ],
    ['time', 'import time\ntime.sleep(30)', /time limit of 5 s/],
  ])(
    'limits %s of a build and reports the reason to its owner',
    async (limit, program, reason) => {
      // On a busy machine a build may take long until it reaches another limit.
      const wallMs = limit === 'time' ? 5000 : 100_000;
      const buildLimits = { memoryBytes: 512 * MIB, processes: 100, diskBytes: 128 * MIB, wallMs };
      const { environments, folder } = await open([built(program)], { buildLimits }, isolated);
      const error = await expectCode('invalid_request', environments.lock(spec('alpha')));
      expect(error.message).toMatch(reason);
      expect(await readdir(join(folder, 'builds'))).toEqual([]);
    },
    120_000,
  );
});

test('a build reaches its index through the proxy, and no other host', async () => {
  const reach = (url: string) => `
import os, urllib.request
proxy = os.environ['HTTP_PROXY']
opener = urllib.request.build_opener(urllib.request.ProxyHandler({'http': proxy, 'https': proxy}))
opener.open(${JSON.stringify(url)}, timeout=10).read()`;
  const { environments, index } = await open([]);
  index.files.push(packageFile(built(reach(`${index.url}/alpha/`))));
  await environments.lock(spec('alpha'));
  const others = await index.net.serve((_, response) => response.end('other'));
  const second = await open([]);
  second.index.files.push(packageFile(built(reach(others))));
  const error = await expectCode('address_refused', second.environments.lock(spec('alpha')));
  expect(error.message).toMatch(/Connection to \S+ was refused: the host is not in the allowed hosts of this program/);
}, 120_000);

describe('a package in its environment', () => {
  test('is rejected when it changes which Python runs', async () => {
    const files = { 'alpha-1.0.data/data/pyvenv.cfg': 'home = /var/lib/keys/bin\n' };
    const { environments, folder } = await open([{ ...alpha, files }]);
    const lock = await environments.lock(spec('alpha'));
    const error = await expectCode('invalid_request', environments.build(lock));
    expect(error.message).toContain('`pyvenv.cfg`');
    expect(await readdir(join(folder, 'environments'))).toEqual([]);
  });

  test.each([
    ['a link to a folder', 'os.symlink("/etc", venv + "/lib/evil")'],
    ['a link by way of another one', 'os.symlink("..", venv + "/up"); os.symlink("up/up/../..", venv + "/evil")'],
    ['a pipe', 'os.mkfifo(venv + "/evil")'],
  ])('is rejected when it creates %s', async (_, action) => {
    const { environments, folder, index } = await open([]);
    const program = `
import glob, os
try:
    for venv in glob.glob(${JSON.stringify(`${folder}/environments/*`)}): ${action}
except FileExistsError:
    pass`;
    index.files.push(packageFile(built(program)));
    const lock = await environments.lock(spec('alpha'));
    const error = await expectCode('invalid_request', environments.build(lock));
    expect(error.message).toMatch(/is a link out of it or not a file/);
    expect(await readdir(join(folder, 'environments'))).toEqual([]);
  });
});

describe('without isolation, builds', () => {
  const landlock: IsolationOptions = { boundaries: ['landlock'] };

  test('are rejected with the reason and a remedy', async () => {
    const { environments } = await open([built('')], {}, landlock);
    const error = await expectCode('invalid_request', environments.lock(spec('alpha')));
    expect(error.message).toMatch(/a build needs namespaces, which this machine does not permit/);
  });

  test('run with the permissions of Dais if the operator allows it', async () => {
    const folder = await temporary();
    await mkdir(join(folder, 'seen'));
    const program = `open(${JSON.stringify(join(folder, 'seen', 'ran'))}, 'w')`;
    const { environments } = await open([built(program)], { sourceBuilds: 'any' }, landlock);
    await environments.lock(spec('alpha'));
    expect(await readdir(join(folder, 'seen'))).toEqual(['ran']);
  });
});

test('are rejected if they could read credentials of the operator’s index, unless the operator permits it', async () => {
  const withPassword = async (sourceBuilds: UvOptions['sourceBuilds']) => {
    const { index } = await open([built('')]);
    index.password = 'bob:s3cret/word';
    const url = new URL(index.url);
    url.username = 'bob';
    url.password = encodeURIComponent('s3cret/word');
    const outbound = index.net.client({ fail: (code, detail, cause) => new DaisError(code, detail, { cause }) });
    return (await open([], { index: url.href, outbound, sourceBuilds })).environments;
  };
  const error = await expectCode('invalid_request', (await withPassword('isolated')).lock(spec('alpha')));
  expect(error.message).toMatch(/could read the credentials of the operator’s index/);
  await (await withPassword('any')).lock(spec('alpha'));
});
