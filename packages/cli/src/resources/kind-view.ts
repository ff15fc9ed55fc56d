/** Kinds as the command line shows them, including those that only a newer server has. */
import { DaisError, findKind, kinds, nearest, type Column, type DaisClient } from '@dais/api';

export interface KindView {
  readonly kind: string;
  readonly plural: string;
  readonly scope: 'org' | 'project';
  readonly columns: readonly Column[];
  readonly writeOnly: readonly string[];
}

/** The subject of a command: `secret NAME…` or `secret/NAME`. */
export interface Target {
  readonly kind: KindView;
  readonly names: readonly string[];
}

/** @throws DaisError `unknown_kind` with the nearest kind; `invalid_request` for `KIND/` without a name. */
export async function resolveTarget(words: readonly string[], connect: () => Promise<DaisClient>): Promise<Target> {
  const [first = '', ...names] = words;
  const slash = first.indexOf('/');
  const word = slash === -1 ? first : first.slice(0, slash);
  const name = slash === -1 ? undefined : first.slice(slash + 1);
  if (name === '') throw new DaisError('invalid_request', `"${first}" is not a resource: use KIND/NAME.`);
  return { kind: await resolveKind(word, connect), names: name === undefined ? names : [name, ...names] };
}

/** Same, for commands that act on one resource. @throws DaisError `invalid_request` when not exactly one is named. */
export async function resolveOne(
  words: readonly string[],
  connect: () => Promise<DaisClient>,
): Promise<{ readonly kind: KindView; readonly name: string }> {
  const { kind, names } = await resolveTarget(words, connect);
  const [name, ...more] = names;
  if (name === undefined) {
    const hint = `list them with \`dais get ${kind.plural}\``;
    throw new DaisError('invalid_request', `Give the name of a ${kind.kind}; ${hint}.`);
  }
  if (more.length > 0) throw new DaisError('invalid_request', `Only one name is allowed: remove "${more.join(' ')}".`);
  return { kind, name };
}

async function resolveKind(word: string, connect: () => Promise<DaisClient>): Promise<KindView> {
  // Kubernetes users write `feature-views`.
  const known = findKind(word) ?? findKind(word.replaceAll(/[-_]/g, ''));
  if (known !== undefined) {
    const { kind, plural, scope, columns, writeOnly = [] } = known;
    return { kind, plural, scope, columns, writeOnly };
  }
  const lower = word.toLowerCase();
  const served = await connect()
    .then((client) => client.server())
    .then((info) => info.kinds)
    // A server that does not respond has no further kinds; the word is invalid either way.
    .catch(() => []);
  const found = served.find((one) => one.kind.toLowerCase() === lower || one.plural === lower);
  if (found !== undefined) return { ...found, columns: [], writeOnly: [] };
  throw unknownKind(word);
}

/** Commands that list records, by the words that users try with `dais get`. */
const RECORD_COMMANDS: Readonly<Record<string, string>> = {
  run: 'dais runs',
  runs: 'dais runs',
  executions: 'dais runs',
  rollouts: 'dais rollout status ENDPOINT',
  predictions: 'dais predictions query ENDPOINT',
  versions: 'dais data versions DATASET',
  features: 'dais features list',
  labels: 'dais labels list',
  batches: 'dais batch list',
  events: 'dais events',
  audit: 'dais audit list',
  tokens: 'dais token list',
  sessions: 'dais session list',
  invitations: 'dais user list',
};

export function unknownKind(word: string): DaisError {
  const command = RECORD_COMMANDS[word.toLowerCase()];
  if (command !== undefined) {
    return new DaisError('unknown_kind', `"${word}" is not a kind of resource. List them with \`${command}\`.`);
  }
  const names = kinds.flatMap((kind) => [kind.plural, kind.kind, ...(kind.shortNames ?? [])]);
  const near = nearest(word, names);
  const hint = near === undefined ? `kinds: ${kinds.map((kind) => kind.plural).join(', ')}` : `did you mean ${near}?`;
  return new DaisError('unknown_kind', `There is no kind "${word}" (${hint}).`);
}
