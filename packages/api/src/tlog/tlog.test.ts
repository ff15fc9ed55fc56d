import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromBase64, toBase64 } from './base64.ts';
import {
  checkpointText,
  parseCheckpoint,
  parseVerifierKey,
  signedNote,
  splitNotes,
  verifierKeyText,
} from './checkpoint.ts';
import {
  consistencyPath,
  coveringNodes,
  GrowingTree,
  inclusionPath,
  provesConsistency,
  rootOfInclusion,
  sameHash,
  type Hash,
  type TreeHasher,
  type TreeNode,
} from './tree.ts';
import { LogVerifier, type LogEntry, type LogFinding } from './verify-log.ts';

const sha = (...parts: (Uint8Array | string)[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const hasher: TreeHasher = {
  leaf: (entry) => sha('\0', entry),
  node: (left, right) => sha(Uint8Array.of(1), left, right),
  empty: sha(),
};

function nth<T>(list: readonly T[], at: number): T {
  const one = list[at];
  if (one === undefined) throw new Error(`there is no ${at}`);
  return one;
}

/** MTH of RFC 6962 as its text defines it. */
function definition(leaves: readonly Hash[]): Hash {
  if (leaves.length === 0) return hasher.empty;
  if (leaves.length === 1) return nth(leaves, 0);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return hasher.node(definition(leaves.slice(0, k)), definition(leaves.slice(k)));
}

const leavesOf = (n: number) => Array.from({ length: n }, (_, at) => hasher.leaf(`entry ${at}`));
const treeOf = (leaves: readonly Hash[]) => {
  const tree = new GrowingTree(hasher);
  for (const leaf of leaves) tree.append(leaf);
  return tree;
};

test('the tree has the roots of the test vectors of RFC 6962', () => {
  // From the reference implementation of Certificate Transparency: eight entries, roots after each.
  const entries = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const roots = [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];
  const tree = new GrowingTree(hasher);
  for (const [at, hex] of entries.entries()) {
    tree.append(sha('\0', Buffer.from(hex, 'hex')));
    expect(Buffer.from(tree.root()).toString('hex')).toBe(nth(roots, at));
  }
});

test('it grows as defined, from any size on, and reports every complete subtree once', () => {
  fc.assert(
    fc.property(fc.nat(70), fc.nat(70), (first, more) => {
      const leaves = leavesOf(first + more);
      const tree = new GrowingTree(hasher, treeOf(leaves.slice(0, first)).range);
      const reported: TreeNode[] = [];
      for (const leaf of leaves.slice(first)) tree.append(leaf, (node) => reported.push(node));
      expect(tree.root()).toEqual(definition(leaves));
      for (const { level, index, hash } of reported) {
        expect(hash).toEqual(definition(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)));
      }
      const all = (n: number) => Array.from({ length: 8 }, (_, at) => Math.floor(n / 2 ** (at + 1)));
      expect(reported.length).toBe(
        all(first + more).reduce((sum, n) => sum + n, 0) - all(first).reduce((sum, n) => sum + n, 0),
      );
    }),
  );
});

test('proofs verify true statements only', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 80 }), fc.nat(), fc.nat(), async (size, a, b) => {
      const leaves = leavesOf(size);
      const part = async (from: number, to: number) => definition(leaves.slice(from, to));
      const index = a % size;
      const path = await inclusionPath(index, size, part);
      const root = definition(leaves);
      const proof = { index, size, leaf: nth(leaves, index), path };
      expect(rootOfInclusion(hasher, proof)).toEqual(root);
      const wrong = [
        rootOfInclusion(hasher, { ...proof, leaf: hasher.leaf('another') }),
        rootOfInclusion(hasher, { ...proof, path: [...path, root] }),
        ...(path.length > 0 ? [rootOfInclusion(hasher, { ...proof, path: path.slice(1) })] : []),
        ...(size > 1 ? [rootOfInclusion(hasher, { ...proof, index: (index + 1) % size })] : []),
      ];
      for (const other of wrong) expect(other === undefined || !sameHash(other, root)).toBe(true);

      const old = 1 + (b % size);
      const consistent = {
        old,
        size,
        oldRoot: definition(leaves.slice(0, old)),
        root,
        path: await consistencyPath(old, size, part),
      };
      expect(provesConsistency(hasher, consistent)).toBe(true);
      expect(provesConsistency(hasher, { ...consistent, oldRoot: hasher.leaf('x') })).toBe(false);
      expect(provesConsistency(hasher, { ...consistent, path: [...consistent.path, root] })).toBe(false);
    }),
  );
});

test('every part of a proof is made of complete subtrees', async () => {
  for (let size = 1; size < 70; size++) {
    for (let index = 0; index < size; index++) {
      await inclusionPath(index, size, async (from, to) => {
        const nodes = coveringNodes(from, to);
        expect(
          nodes.reduce((at, node) => (node.index * 2 ** node.level === at ? at + 2 ** node.level : -1), from),
        ).toBe(to);
        return hasher.empty;
      });
    }
  }
});

test('base64 is that of Node, and other text is rejected', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
      expect(fromBase64(toBase64(bytes))).toEqual(bytes);
    }),
  );
  for (const text of ['A', 'AAA', 'AB==', 'A===', 'AA=A', 'AA-_', ' AAAA', 'AAAA\n'])
    expect(fromBase64(text)).toBeUndefined();
});

const note = (size: number, origin = 'example.com/log') =>
  signedNote(checkpointText({ origin, size, root: sha(`${size}`) }), {
    name: 'example.com/log',
    keyHash: '0a0b0c0d',
    signature: new Uint8Array(64).fill(7),
  });

test('a checkpoint has the format of C2SP and is parsed back', () => {
  expect(note(12)).toMatch(
    /^example\.com\/log\n12\n[A-Za-z0-9+/]{43}=\n\n— example\.com\/log CgsMDQcH[A-Za-z0-9+/]+={0,2}\n$/,
  );
  const read = parseCheckpoint(note(12));
  expect(read?.checkpoint).toEqual({ origin: 'example.com/log', size: 12, root: sha('12') });
  expect(read?.signatures).toEqual([
    { name: 'example.com/log', keyHash: '0a0b0c0d', signature: new Uint8Array(64).fill(7) },
  ]);
  for (const broken of [
    '',
    note(12).slice(0, -1),
    note(12).replace('\n12\n', '\n012\n'),
    note(12).replace('— ', '- '),
  ]) {
    expect(parseCheckpoint(broken)).toBeUndefined();
  }
});

test('concatenated notes are separated; an incomplete one is the rest', () => {
  const all = [note(1), note(20), note(300)];
  const text = all.map((one) => `${one}\n`).join('');
  expect(splitNotes(text)).toEqual({ notes: all, rest: '' });
  for (let cut = 1; cut < nth(all, 2).length; cut++) {
    const { notes, rest } = splitNotes(text.slice(0, text.length - 1 - cut));
    expect(notes).toEqual(all.slice(0, 2));
    expect(nth(all, 2).startsWith(rest)).toBe(true);
  }
});

test('a verifier key is parsed back', () => {
  const key = { name: 'example.com/log', keyHash: '0a0b0c0d', publicKey: sha('key') };
  expect(parseVerifierKey(verifierKeyText(key))).toEqual(key);
  expect(parseVerifierKey('example.com/log+0a0b0c0d+AAAA')).toBeUndefined();
});

type NumberedEntry = LogEntry & { readonly seq: number };

/** A log of `n` entries with its checkpoints. */
function logOf(n: number, sizes: readonly number[], origin = 'first') {
  const entries: NumberedEntry[] = Array.from({ length: n }, (_, seq) => {
    const body = `{"actor":"a${seq % 3}","seq":${seq},"type":"t"}`;
    return { seq, body, leaf: hasher.leaf(body) };
  });
  const checkpoints = sizes.map((size) => ({
    origin,
    size,
    root: definition(entries.slice(0, size).map(({ leaf }) => leaf!)),
  }));
  return { entries, checkpoints };
}

function findingsOf(entries: readonly LogEntry[], checkpoints: ReturnType<typeof logOf>['checkpoints']): LogFinding[] {
  const verifier = new LogVerifier(hasher, checkpoints);
  for (const entry of entries) verifier.add(entry);
  return [...verifier.end().findings];
}
const entry = (seq: number, body: string): NumberedEntry => ({ seq, body, leaf: hasher.leaf(body) });
const whole = logOf(60, [10, 25, 40, 60]);
const with_ = (at: number, change: (one: NumberedEntry) => NumberedEntry) =>
  whole.entries.map((one) => (one.seq === at ? change(one) : one));
const types = (findings: readonly LogFinding[]) =>
  findings.map((one) =>
    'from' in one ? `${one.type} ${one.from}-${one.to}` : 'seq' in one ? `${one.type} ${one.seq}` : one.type,
  );

test('an unmodified log has no finding', () => {
  expect(findingsOf(whole.entries, whole.checkpoints)).toEqual([]);
  expect(findingsOf(logOf(63, []).entries, whole.checkpoints)).toEqual([]);
});

test.each([
  [
    'an edited body',
    with_(30, (one) => ({ ...one, body: one.body.replace('a0', 'a9') })),
    ['edited 30', 'changed 25-40', 'changed 25-60'],
  ],
  [
    'an edited body with its hash',
    with_(30, (one) => entry(30, one.body.replace('a0', 'a9'))),
    ['changed 25-40', 'changed 25-60'],
  ],
  ['a deleted entry', whole.entries.filter(({ seq }) => seq !== 30), ['missing 30-31']],
  ['the deleted last entry below a checkpoint', whole.entries.filter(({ seq }) => seq !== 24), ['missing 24-25']],
  [
    'two swapped entries',
    with_(30, () => entry(30, nth(whole.entries, 31).body)).map((one) =>
      one.seq === 31 ? entry(31, nth(whole.entries, 30).body) : one,
    ),
    ['misplaced 30', 'misplaced 31', 'changed 25-40', 'changed 25-60'],
  ],
  ['a truncated end', whole.entries.slice(0, 50), ['truncated 50-60']],
  [
    'an entry taken out and all others written anew',
    logOf(59, []).entries.map(({ seq, body }) =>
      entry(seq, seq < 30 ? body : nth(whole.entries, seq + 1).body.replace(`"seq":${seq + 1}`, `"seq":${seq}`)),
    ),
    ['changed 25-40', 'truncated 59-60'],
  ],
  [
    'an entry put in',
    [
      ...whole.entries.slice(0, 30),
      entry(30, '{"actor":"mallory","seq":30,"type":"t"}'),
      ...whole.entries
        .slice(30)
        .map(({ seq, body }) => entry(seq + 1, body.replace(`"seq":${seq}`, `"seq":${seq + 1}`))),
    ],
    ['changed 25-40', 'changed 25-60'],
  ],
])('tampering is found: %s', (_name, entries, want) => {
  expect(types(findingsOf(entries, whole.checkpoints))).toEqual(want);
});

const line = (at: number) => ({ body: nth(whole.entries, at).body });
const lines = (...positions: readonly number[]) => positions.map(line);
const span = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

test.each([
  ['nothing', lines(...span(0, 60)), []],
  ['a deleted line', lines(...span(0, 30), ...span(31, 60)), ['missing 30-31']],
  ['the deleted first line', lines(...span(1, 60)), ['missing 0-1']],
  ['two deleted blocks', lines(...span(0, 10), ...span(14, 40), ...span(50, 60)), ['missing 10-14', 'missing 40-50']],
  ['the deleted line before the last', lines(...span(0, 58), 59), ['missing 58-59']],
  ['two swapped lines', lines(...span(0, 30), 31, 30, ...span(32, 60)), ['missing 30-31', 'misplaced 32']],
  ['a repeated line', lines(...span(0, 31), 30, ...span(31, 60)), ['misplaced 31']],
  [
    'a number that was raised beyond all others',
    [...lines(...span(0, 30)), { body: '{"actor":"a0","seq":9007199254740991,"type":"t"}' }, ...lines(...span(31, 60))],
    ['misplaced 30', 'changed 25-40', 'changed 25-60'],
  ],
  [
    'a line that is no entry',
    [...lines(...span(0, 30)), { body: 'no entry' }, ...lines(...span(31, 60))],
    ['misplaced 30', 'changed 25-40', 'changed 25-60'],
  ],
])('lines of a file have only the numbers in their text: %s', (_name, entries, want) => {
  expect(types(findingsOf(entries, whole.checkpoints))).toEqual(want);
});

test('a restored log reports what is missing, and hides no change', () => {
  const restored = entry(30, '{"data":{"after":"second","before":"first","size":30},"seq":30,"type":"audit.restored"}');
  const rest = Array.from({ length: 20 }, (_, at) => entry(31 + at, `{"actor":"later","seq":${31 + at},"type":"t"}`));
  const entries = [...whole.entries.slice(0, 30), restored, ...rest];
  const second = [35, 51].map((size) => ({
    origin: 'second',
    size,
    root: definition(entries.slice(0, size).map(({ leaf }) => leaf!)),
  }));
  const checkpoints = [...whole.checkpoints, ...second];
  expect(types(findingsOf(entries, checkpoints))).toEqual(['restored 30-40', 'restored 30-60']);
  const edited = (at: number) =>
    entries.map((one) => (one.seq === at ? entry(at, one.body.replace(/"a\d"|"later"/, '"x"')) : one));
  expect(types(findingsOf(edited(20), checkpoints))).toEqual([
    'changed 10-25',
    'changed 10-35',
    'restored 30-40',
    'changed 10-51',
    'restored 30-60',
  ]);
  expect(types(findingsOf(edited(33), checkpoints))).toEqual([
    'changed 25-35',
    'restored 30-40',
    'changed 25-51',
    'restored 30-60',
  ]);
  const elsewhere = { origin: 'third', size: 45, root: sha('x') };
  expect(types(findingsOf(entries, [...second, elsewhere]))).toEqual(['branch']);
});
