/** Tests that every environments engine must pass. */
import { DaisError, type ErrorCode } from '@dais/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BuiltEnvironment, Environments, PythonSpec } from './contract.ts';
import type { TestPackage } from './testing.ts';

/** Packages of the index of the subject. */
export const SUITE_PACKAGES: readonly TestPackage[] = [
  { name: 'alpha', version: '1.0', needs: ['beta>=1'] },
  { name: 'beta', version: '1.0' },
  { name: 'beta', version: '1.2' },
  { name: 'gamma', version: '3.0' },
];

export interface EnvironmentsSubject {
  readonly environments: Environments;
  /** A second engine on the same folder, like in another process. */
  second(): Environments;
  /** A spec whose packages come from `SUITE_PACKAGES`. */
  spec(requirements: readonly string[]): PythonSpec;
  /** Returns the output of a program of an environment. */
  run(built: BuiltEnvironment, program: string, args: readonly string[]): Promise<string>;
  end(): Promise<void>;
}

const SHOW_BETA = ['-c', 'import beta; print(beta.VERSION)'];

export function environmentsSuite(name: string, open: () => Promise<EnvironmentsSubject>): void {
  describe(`environments engine: ${name}`, () => {
    let subject: EnvironmentsSubject;
    let environments: Environments;
    beforeAll(async () => {
      subject = await open();
      environments = subject.environments;
    });
    afterAll(async () => await subject.end());

    test('locks the requirements and their dependencies deterministically', async () => {
      const spec = subject.spec(['alpha']);
      const lock = await environments.lock(spec);
      expect(lock.spec).toEqual(spec);
      expect(lock.digest).toMatch(/^[0-9a-f]{64}$/);
      expect(lock.text).toMatch(/^alpha==1\.0 .*^ *--hash=sha256:[0-9a-f]{64}/ms);
      expect(lock.text).toContain('beta==1.2');
      expect(await environments.lock(spec)).toEqual(lock);
      const other = await environments.lock(subject.spec(['alpha', 'beta<1.2']));
      expect(other.text).toContain('beta==1.0');
      expect(other.digest).not.toBe(lock.digest);
    });

    test('omits the dependencies of bare requirements unless they are required', async () => {
      const bare = await environments.lock({ ...subject.spec(['gamma']), bare: ['alpha'] });
      expect(bare.text).toContain('alpha==1.0');
      expect(bare.text).toContain('gamma==3.0');
      expect(bare.text).not.toContain('beta');
      const both = await environments.lock({ ...subject.spec(['alpha']), bare: ['beta<1.2', 'alpha'] });
      expect(both.text.match(/^alpha==/gm)).toHaveLength(1);
      expect(both.text).toContain('beta==1.2');
      const built = await environments.build(bare);
      expect(await subject.run(built, 'alpha-version', [])).toBe('1.0\n');
      await built.release();
    });

    test('builds an environment once, with its packages and their programs', async () => {
      const lock = await environments.lock(subject.spec(['alpha']));
      const first = await environments.build(lock);
      expect(first.digest).toBe(lock.digest);
      expect(first.folders.length).toBeGreaterThan(0);
      expect(await subject.run(first, 'python', SHOW_BETA)).toBe('1.2\n');
      expect(await subject.run(first, 'alpha-version', [])).toBe('1.0\n');
      const notes: string[] = [];
      const second = await environments.build(lock, { progress: ({ note }) => notes.push(note) });
      expect(second.path).toEqual(first.path);
      expect(notes).toEqual([]);
      await first.release();
      await first.release();
      await second.release();
    });

    test('builds once for concurrent requests in two processes', async () => {
      const other = subject.second();
      const lock = await environments.lock(subject.spec(['beta==1.0', 'gamma']));
      const built = await Promise.all(
        Array.from({ length: 10 }, async (_, index) => await (index % 2 === 0 ? environments : other).build(lock)),
      );
      expect(new Set(built.map(({ path }) => path.join())).size).toBe(1);
      expect((await other.list()).filter(({ digest }) => digest === lock.digest)).toHaveLength(1);
      expect(await subject.run(built[0]!, 'python', SHOW_BETA)).toBe('1.0\n');
      await Promise.all(built.map(async (one) => await one.release()));
    });

    test('supports a lock without packages and the programs of the machine', async () => {
      const bare = await environments.build(await environments.lock(subject.spec([])));
      expect(await subject.run(bare, 'python', ['-c', 'print(6 * 7)'])).toBe('42\n');
      await bare.release();
      const system = await environments.lock({ type: 'system' });
      const built = await environments.build(system);
      expect(built).toMatchObject({ digest: system.digest, folders: [], path: [] });
      await built.release();
      expect((await environments.list()).map(({ digest }) => digest)).not.toContain(system.digest);
    });

    test('accepts the lines of a lock, with and without hashes', async () => {
      const { text } = await environments.lock(subject.spec(['alpha', 'beta<1.2']));
      const withHashes = text.replaceAll(/^ *#.*\n/gm, '');
      const again = await environments.lock({ ...subject.spec([]), lock: withHashes });
      const frozen = await environments.lock({ ...subject.spec([]), lock: 'alpha==1.0\nbeta==1.0\n' });
      expect(frozen.digest).toBe(again.digest);
      const built = await environments.build(frozen);
      expect(await subject.run(built, 'python', SHOW_BETA)).toBe('1.0\n');
      await built.release();
      const both = environments.lock({ ...subject.spec(['alpha']), lock: 'beta==1.0' });
      await expectCode('invalid_request', both);
    });

    test('reports a package that no index has with the message of the resolver', async () => {
      const missing = await expectCode('invalid_request', environments.lock(subject.spec(['delta'])));
      expect(missing.message).toContain('delta was not found');
      const impossible = environments.lock(subject.spec(['alpha', 'beta<1']));
      expect((await expectCode('invalid_request', impossible)).message).toMatch(/alpha.*beta/s);
    });

    test.each(['-e .', '-r more.txt', 'file:///etc', './folder', 'x @ file:///x.whl', 'x @ git+https://x/y', '--pre'])(
      'rejects the line %s',
      async (line) => {
        const refused = await expectCode('invalid_request', environments.lock(subject.spec(['alpha', line])));
        expect(refused.issues).toMatchObject([{ path: 'requirements[1]' }]);
        const { text, ...rest } = await environments.lock(subject.spec(['beta']));
        await expectCode('invalid_request', environments.build({ ...rest, text: `${text}${line}\n` }));
      },
    );

    test('rejects a changed lock', async () => {
      const lock = await environments.lock(subject.spec(['alpha']));
      const changed = lock.text.replace('beta==1.2', 'beta==1.0');
      await expectCode('invalid_request', environments.build({ ...lock, text: changed }));
      await expectCode('invalid_request', environments.build({ ...lock, text: 'alpha==1.0\n' }));
    });

    test('names an unavailable Python version and a remedy', async () => {
      const refused = environments.lock({ ...subject.spec([]), version: '3.99' });
      expect((await expectCode('invalid_request', refused)).message).toContain('Python 3.99');
      await expectCode('invalid_request', environments.lock({ ...subject.spec([]), version: 'three' }));
    });

    test('an aborted call ends with the reason', async () => {
      const stop = new AbortController();
      const reason = new Error('enough');
      const locking = environments.lock(subject.spec(['alpha']), {
        signal: stop.signal,
        progress: () => stop.abort(reason),
      });
      await expect(locking).rejects.toBe(reason);
      const lock = await environments.lock(subject.spec(['gamma']));
      const again = new AbortController();
      const building = environments.build(lock, { signal: again.signal, progress: () => again.abort(reason) });
      await expect(building).rejects.toBe(reason);
      const built = await environments.build(lock);
      expect(await subject.run(built, 'gamma-version', [])).toBe('3.0\n');
      await built.release();
    });

    test('evicts the least recently used environment first, and never one in use', async () => {
      await environments.evict(0);
      expect(await environments.list()).toEqual([]);
      const locks = [];
      for (const line of ['alpha', 'beta', 'gamma']) locks.push(await environments.lock(subject.spec([line])));
      const [alpha, beta, gamma] = await Promise.all(locks.map(async (lock) => await environments.build(lock)));
      await beta!.release();
      await gamma!.release();
      await (await environments.build(locks[1]!)).release();
      const order = (await environments.list()).map(({ digest }) => digest);
      expect(order.at(-1)).toBe(locks[1]!.digest);
      for (const one of await environments.list()) expect(one.bytes).toBeGreaterThan(0);
      expect(await subject.second().evict(0)).toBeGreaterThan(0);
      expect((await environments.list()).map(({ digest }) => digest)).toEqual([alpha!.digest]);
      expect(await subject.run(alpha!, 'alpha-version', [])).toBe('1.0\n');
      await alpha!.release();
      await environments.evict(0);
      expect(await environments.list()).toEqual([]);
      const anew = await environments.build(locks[0]!);
      expect(await subject.run(anew, 'alpha-version', [])).toBe('1.0\n');
      await anew.release();
    });
  });
}

export async function expectCode(code: ErrorCode, work: Promise<unknown>): Promise<DaisError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error, `expected ${code}`).toBeInstanceOf(DaisError);
  expect(error).toMatchObject({ code });
  return error as DaisError;
}
