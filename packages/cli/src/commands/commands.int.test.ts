import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kinds, type Change, type Event, type Resource } from '@dais/api';
import { CliFixture, type CliOptions } from '#testing/cli-fixture.ts';

let cli: CliFixture;
/** A port that nothing listens on. */
let nowhereUrl: string;
beforeAll(async () => {
  cli = await CliFixture.start();
  const server = createServer();
  await listen(server);
  nowhereUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.close();
});
afterAll(async () => {
  await cli.stop();
});

async function listen(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
}

const project = (name: string, description: string, more = '') =>
  `apiVersion: dais.dev/v1\nkind: Project\nmetadata:\n  name: ${name}\n${more}spec:\n  description: ${description}\n`;
const secret = (name: string, more = '') =>
  `apiVersion: dais.dev/v1\nkind: Secret\nmetadata:\n  name: ${name}\n${more}spec:\n  data:\n    url: https://example.com\n`;

async function file(name: string, text: string | Buffer): Promise<string> {
  const path = join(cli.folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  return path;
}

async function ok(words: readonly string[], options?: CliOptions): Promise<string> {
  const result = await cli.run(words, options);
  expect(result).toMatchObject({ code: 0, err: result.code === 0 ? result.err : '' });
  return result.out;
}

async function json<T>(words: readonly string[]): Promise<T> {
  return JSON.parse(await ok([...words, '-o', 'json'])) as T;
}

async function apply(text: string, ...words: string[]): Promise<string> {
  return await ok(['apply', '-f', '-', ...words], { stdin: text });
}

test('plan shows what apply then does, and exits with 10 only when something would change', async () => {
  const path = await file('plan.yaml', project('planned', 'first'));
  const before = await cli.run(['plan', '-f', path]);
  expect(before.code).toBe(10);
  expect(before.out).toBe('+ Project planned would be created\nPlan: 1 created. No changes were made.\n');
  expect(await ok(['apply', '-f', path])).toBe('+ Project planned created\n1 created.\n');
  expect(await ok(['plan', '-f', path])).toContain('No changes.');
  await writeFile(path, project('planned', 'second'));
  const after = await cli.run(['plan', '-f', path]);
  expect(after.code).toBe(10);
  expect(after.out).toContain('    spec.description: "first" → "second"\n');
});

test('the example of every kind can be applied unchanged', async () => {
  for (const kind of kinds) {
    const example = await ok(['explain', kind.kind, '--example']);
    const { changes } = JSON.parse(await apply(example, '-o', 'json')) as { changes: Change[] };
    expect(changes).toMatchObject([{ kind: kind.kind, action: 'create' }]);
  }
});

test('a folder with files, prune, quiet', async () => {
  await file('set/a.yaml', secret('set-a'));
  await file('set/deep/b.yml', secret('set-b'));
  await file('set/.hidden/c.yaml', secret('set-c'));
  await file('set/notes.txt', 'no manifest');
  expect(await ok(['apply', '-R', '-f', 'set', '--owner', 'set', '-q'])).toBe('2 created.\n');
  const flat = await cli.run(['apply', '-f', 'set', '--owner', 'set', '--prune', '-o', 'name']);
  expect(flat).toEqual({ code: 0, out: 'secret/set-a\nsecret/set-b\n', err: '' });
  expect(await ok(['get', 'secrets', '--owner', 'set', '-o', 'name'])).toBe('secret/set-a\n');
});

test('a folder with manifests only in subfolders has a hint; a missing path is named', async () => {
  await file('only-deep/x/y.yaml', secret('y'));
  const deep = await cli.run(['apply', '-f', 'only-deep', '-f', 'nothing.yaml']);
  expect(deep.code).toBe(3);
  expect(deep.err).toContain('only-deep: contains no .yaml, .yml or .json file; 1 are in subfolders: add -R');
  expect(deep.err).toContain('nothing.yaml: file not found');
});

test('prune without a set is rejected before anything is sent', async () => {
  const result = await cli.run(['apply', '-f', '-', '--prune'], { stdin: secret('x') });
  expect(result).toMatchObject({ code: 7, err: expect.stringContaining('--prune needs --owner') as string });
});

test('reports all problems of all files, with their lines', async () => {
  await file('bad/a.yaml', 'apiVersion: dais.dev/v1\nkind: Secret\nmetadata:\n  name: x\nspec:\n  dta: {}\n');
  await file('bad/b.yaml', `${project('Not A Label', 'x')}---\napiVersion: dais.dev/v1\nkind: Secrt\n`);
  const { code, err } = await cli.run(['apply', '-f', 'bad']);
  expect(code).toBe(7);
  await expect(err).toMatchFileSnapshot('__golden__/apply-refused.txt');
});

test('a file that is not UTF-8 is reported with the position', async () => {
  await file(
    'latin1.yaml',
    Buffer.concat([Buffer.from('kind: Secret\nname: caf'), Buffer.from([0xe9]), Buffer.from('\n')]),
  );
  const { code, err } = await cli.run(['plan', '-f', 'latin1.yaml']);
  expect(code).toBe(7);
  expect(err).toContain('latin1.yaml:2:10: invalid UTF-8 from here on');
});

test('get: table, wide, names, one as YAML, labels, missing ones', async () => {
  await apply(project('listed', 'shown', '  labels:\n    team: vision\n'));
  expect(await ok(['get', 'projects', '-l', 'team=vision'])).toMatch(
    /^NAME {5}DESCRIPTION {3}AGE\nlisted {3}shown {9}\d+s\n$/,
  );
  expect(await ok(['get', 'proj', 'listed', '-o', 'wide'])).toContain('team=vision');
  expect(await ok(['get', 'project/listed', '-o', 'yaml'])).toMatch(/^apiVersion: dais.dev\/v1\nkind: Project\n/);
  const some = await cli.run(['get', 'projects', 'listed', 'nope', '-o', 'name']);
  expect(some).toMatchObject({
    code: 3,
    out: 'project/listed\n',
    err: expect.stringContaining('no Project "nope"') as string,
  });
});

test('an empty list has the command that creates an entry, and stays JSON for a program', async () => {
  await apply(project('empty', 'nothing here'));
  const people = await cli.run(['get', 'secrets', '-p', 'empty']);
  expect(people.out).toBe('');
  expect(people.err).toBe(
    'No secrets in project empty. Create one with dais apply -f FILE; `dais explain Secret --example` prints an example.\n',
  );
  expect(await json(['get', 'secrets', '-p', 'empty', '-q'])).toEqual({ items: [] });
});

test('all projects in one list', async () => {
  await apply(project('other', 'another one'));
  await apply(secret('over-there'), '-p', 'other');
  const out = await ok(['get', 'secrets', '-A']);
  expect(out.split('\n')[0]).toMatch(/^PROJECT {2,}NAME/);
  expect(out).toMatch(/^other {2,}over-there/m);
});

test('an unknown kind, and a misspelled one', async () => {
  const { code, err } = await cli.run(['get', 'secretz']);
  expect(code).toBe(7);
  expect(err).toContain('There is no kind "secretz" (did you mean secrets?)');
});

test('describe shows spec, conditions and events, without secrets', async () => {
  await apply(secret('described', '  annotations:\n    why: for the test\n'));
  // An event is listed only with its number, which it gets after the change is committed.
  await expect.poll(async () => await ok(['describe', 'secret', 'described'])).toContain('resource.created');
  const out = await ok(['describe', 'secret', 'described']);
  expect(out).toMatch(/^Secret described\n/);
  expect(out).toContain('Annotation why   for the test');
  expect(out).toMatch(/resource\.created {2,}owner/);
  expect(out).not.toContain('https://example.com');
});

test('revisions remember the commit of a checkout, without its credentials', async () => {
  const { runProgram } = await import('#processes.ts');
  const repository = join(cli.folder, 'checkout');
  await file('checkout/deploy/s.yaml', project('from-git', 'one'));
  const git = async (...args: string[]) => {
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'init.defaultBranch=main'];
    const done = await runProgram('git', ['-C', repository, ...identity, ...args], { variables: process.env });
    expect(done).toMatchObject({ code: 0 });
    return done.stdout.trim();
  };
  await git('init', '-q');
  await git('remote', 'add', 'origin', 'https://user:token@git.example.com/team/deploy.git');
  await git('add', '.');
  await git('commit', '-qm', 'first');
  const commit = await git('rev-parse', 'HEAD');
  await ok(['apply', '-R', '-f', '.'], { workingFolder: repository });
  await writeFile(join(repository, 'deploy/s.yaml'), project('from-git', 'two'));
  await file('checkout/new.yaml', project('from-git-new', 'not added'));
  await ok(['apply', '-R', '-f', '.'], { workingFolder: repository });
  const { items } = await json<{ items: { source?: unknown }[] }>(['history', 'project', 'from-git']);
  const source = { remote: 'https://git.example.com/team/deploy.git', commit, path: 'deploy/s.yaml' };
  expect(items.map((item) => item.source)).toEqual([
    { ...source, dirty: true },
    { ...source, dirty: false },
  ]);
  const untracked = await json<Resource>(['get', 'project', 'from-git-new']);
  expect(untracked.metadata.source).toEqual({ ...source, path: 'new.yaml', dirty: true });
  expect(await ok(['history', 'project', 'from-git'])).toContain(`git.example.com/team/deploy@${commit.slice(0, 8)}`);
});

test('history, rollback to the previous and to a numbered revision, and an unknown one', async () => {
  for (const text of ['one', 'two', 'three']) await apply(project('rolled', text));
  const described = async () =>
    (await json<Resource<{ description: string }>>(['get', 'project', 'rolled'])).spec.description;
  expect(await ok(['rollback', 'project', 'rolled'])).toContain('now revision 4');
  expect(await described()).toBe('two');
  await ok(['rollback', 'project/rolled', '--to', '1']);
  expect(await described()).toBe('one');
  expect(await ok(['history', 'project', 'rolled'])).toMatch(/^5 +\d+s +rollback/m);
  const missing = await cli.run(['rollback', 'project', 'rolled', '--to', '99']);
  expect(missing).toMatchObject({ code: 4, err: expect.stringContaining('has no revision 99') as string });
});

test('delete: by name, by label only with --yes, referenced by others, missing', async () => {
  await apply(['a', 'b', 'c'].map((name) => secret(`del-${name}`, '  labels:\n    del: "yes"\n')).join('---\n'));
  expect(await ok(['delete', 'secret', 'del-a'])).toBe('Secret del-a deleted.\n');
  const unconfirmed = await cli.run(['delete', 'secrets', '-l', 'del=yes']);
  expect(unconfirmed).toMatchObject({ code: 7, err: expect.stringContaining('del-b, del-c') as string });
  expect(await ok(['delete', 'secrets', '-l', 'del=yes', '--yes', '--wait', '-o', 'name'])).toBe(
    'secret/del-b\nsecret/del-c\n',
  );
  expect((await cli.run(['delete', 'secret', 'del-a'])).code).toBe(3);
  const channel = await ok(['explain', 'AlertChannel', '--example']);
  await apply(
    `${secret('held')}---\n${channel.replace('operations-desk', 'holder').replace(/type: webhook\n *url: .*/, 'type: slack\n    url: {secret: held, key: url}')}`,
  );
  const held = await cli.run(['delete', 'secret', 'held']);
  expect(held.code).toBe(4);
  expect(held.err).toMatch(/"held" is used by .*holder/);
});

test('--wait ends when everything is ready, and lists the others after the timeout', async () => {
  const receiver = createServer((_request, response) => response.end());
  await listen(receiver);
  try {
    expect(await apply(project('waited', 'no controller'), '--wait')).toContain('1 created.');
    const port = (receiver.address() as AddressInfo).port;
    const channel = (await ok(['explain', 'AlertChannel', '--example']))
      .replace('operations-desk', 'waits')
      .replace(/url: .*/, `url: http://127.0.0.1:${port}/`);
    // Its URL is on this machine, which the server may not call: the channel never becomes ready.
    expect(await apply(channel)).toContain('1 created.');
    await expect
      .poll(() => ok(['get', 'AlertChannel', 'waits', '-o', 'json']), { timeout: 60_000 })
      .toContain('"reason"');
    const { code, err } = await cli.run(['apply', '-f', '-', '--wait', '--timeout', '1500ms'], { stdin: channel });
    expect(code).toBe(8);
    expect(err).toMatch(/^AlertChannel waits is not ready: \w+: /m);
  } finally {
    receiver.close();
  }
});

test('edit: a change, no change, a rejected one that keeps the text', async () => {
  await apply(project('edited', 'before'));
  const editor = (script: string) => ({ environment: { editor: script } });
  expect(await ok(['edit', 'project', 'edited'], editor(`sed -i s/before/after/`))).toContain('revision 2');
  const same = await cli.run(['edit', 'project', 'edited'], editor('true'));
  expect(same).toMatchObject({ code: 0, err: 'No changes.\n' });
  const broken = await cli.run(['edit', 'project', 'edited'], editor('sed -i s/description/descripton/'));
  expect(broken.code).toBe(7);
  const kept = /saved in (\S+)/.exec(broken.err)?.[1] ?? '';
  expect(await readFile(kept, 'utf8')).toContain('descripton: after');
  const failed = await cli.run(['edit', 'project', 'edited'], editor('false'));
  expect(failed.err).toContain('The editor exited with code 1. No changes.');
  const { rm } = await import('node:fs/promises');
  for (const { err } of [broken, failed]) {
    await rm(join(/saved in (\S+)/.exec(err)?.[1] ?? '', '..'), { recursive: true });
  }
});

test('edit: a concurrent change is shown and can be overwritten', async () => {
  await apply(project('raced', 'theirs-0'));
  const theirs = await file('theirs.yaml', project('raced', 'theirs-1'));
  const seen = join(cli.folder, 'seen');
  // First: another user applies during the edit. Then: keep the shown text and save again.
  const script = await file(
    'editor.sh',
    `if [ -e ${seen} ]; then cp "$1" ${seen}; echo "# mine" >> "$1"; else : > ${seen}; sed -i s/theirs-0/mine/ "$1"; ` +
      `curl -fsS -X POST -H 'content-type: application/yaml' --data-binary @${theirs} ${cli.server.url}/api/v1/apply > /dev/null; fi\n`,
  );
  expect(await ok(['edit', 'project', 'raced'], { environment: { editor: `sh ${script}` } })).toContain('revision 3');
  expect(await readFile(seen, 'utf8')).toContain('#!   spec.description: "theirs-0" → "theirs-1"');
  expect((await json<Resource<{ description: string }>>(['get', 'project', 'raced'])).spec.description).toBe('mine');
});

test('events: a list, of one resource, of the organization', async () => {
  await apply(secret('eventful'));
  await expect
    .poll(async () => await ok(['events', 'secret', 'eventful']))
    .toMatch(/resource\.created +Secret eventful +owner/);
  const { items } = await json<{ items: Event[] }>(['events', 'projects', 'planned', '--limit', '1']);
  expect(items).toMatchObject([{ type: 'resource.created', subject: { name: 'planned' } }]);
  expect(await ok(['events', '--organization', '--type', 'resource.created'])).toContain('Project default');
});

test('watching prints the list, then changes, until it is stopped', async () => {
  const stop = new AbortController();
  let out = '';
  const watching = cli.run(['get', 'secrets', '-w', '-l', 'watched=yes'], {
    signal: stop.signal,
    onOut: (text) => {
      out += text;
    },
  });
  await expect.poll(() => out).toContain('NAME');
  await apply(secret('watched', '  labels:\n    watched: "yes"\n'));
  await expect.poll(() => out).toMatch(/^watched /m);
  await ok(['delete', 'secret', 'watched']);
  await expect.poll(() => out).toContain('watched (deleted)');
  stop.abort();
  expect((await watching).code).toBe(130);
});

test('watching events for a program: one JSON object a line', async () => {
  const stop = new AbortController();
  let out = '';
  const watching = cli.run(['events', '-w', '-o', 'json'], {
    signal: stop.signal,
    onOut: (text) => {
      out += text;
    },
  });
  // A watch starts when it is open: the manifest is applied until the watch has seen one change.
  let round = 0;
  await expect
    .poll(async () => {
      await apply(secret('seen', `  labels:\n    round: "${round++}"\n`));
      return out;
    })
    .toContain('"seen"');
  stop.abort();
  await watching;
  for (const line of out.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('type');
});

test('actions: a known one, fields, an unknown one', async () => {
  await apply(secret('acted'));
  expect(await ok(['action', 'secret', 'acted', 'rotate'])).toContain('sealedWith:');
  const wrong = await cli.run(['action', 'secret', 'acted', 'rotat']);
  expect(wrong).toMatchObject({ code: 7, err: expect.stringContaining('did you mean rotate?') as string });
  const field = await cli.run(['action', 'secret/acted', 'rotate', '--set', 'x=1']);
  expect(field.code).toBe(7);
});

test('keys: listed, and replaced by a new one', async () => {
  await apply(secret('sealed'));
  const before = await json<{ items: { fingerprint: string }[] }>(['admin', 'keys']);
  expect(await ok(['admin', 'rotate-keys', '--wait'])).toContain('is the new current key');
  const after = await json<{ items: { fingerprint: string; current: boolean; values: number }[] }>(['admin', 'keys']);
  expect(after.items[0]).toMatchObject({ current: true });
  expect(after.items[0]?.fingerprint).not.toBe(before.items[0]?.fingerprint);
  expect(await ok(['admin', 'keys'])).toMatch(/ not needed +0$/m);
});

test('node tokens: created once, listed without the token, revoked; a role that does not exist is refused', async () => {
  const created = await cli.run([
    'admin',
    'create-node-token',
    '--role',
    'worker',
    '--uses',
    '2',
    '--expires-in',
    '10m',
  ]);
  expect(created).toMatchObject({ code: 0, out: expect.stringMatching(/^dais_join_[\w-]{32}\n$/) as string });
  expect(created.err).toContain('DAIS_NODE_JOIN_TOKEN');
  const { items } = await json<{ items: { id: string; roles: string[]; uses: number }[] }>(['admin', 'node-tokens']);
  const { id = '' } = items.find(({ uses }) => uses === 2) ?? {};
  const listed = await ok(['admin', 'node-tokens']);
  expect(listed).toMatch(new RegExp(`^${id} +worker +0 of 2 `, 'm'));
  expect(listed).not.toContain(created.out.trim());
  expect(await ok(['admin', 'revoke-node-token', id])).toBe(`Token ${id} is revoked.\n`);
  expect(await cli.run(['admin', 'revoke-node-token', id])).toMatchObject({ code: 3 });
  const wrong = await cli.run(['admin', 'create-node-token', '--role', 'workers']);
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('Allowed choices') as string });
});

test('version: of both, and only of the command when no server responds', async () => {
  expect(await ok(['version'])).toContain(`at ${cli.server.url} (embedded PostgreSQL`);
  expect(await ok(['version', '--url', nowhereUrl])).toContain(`not reachable at ${nowhereUrl}`);
});

test('no server: the error names the selected one and the remedy, with exit code 6', async () => {
  const nowhere = { environment: { data: join(cli.folder, 'nowhere') } };
  const named = await cli.run(['get', 'secrets', '--url', nowhereUrl], nowhere);
  expect(named).toMatchObject({ code: 6, err: expect.stringContaining(`${nowhereUrl} (from --url)`) as string });
  const variable = await cli.run(['get', 'secrets'], {
    environment: { ...nowhere.environment, url: nowhereUrl },
  });
  expect(variable.err).toContain('(from DAIS_URL)');
  const problem = await cli.run(['get', 'secrets', '--url', nowhereUrl, '-o', 'json'], nowhere);
  expect(JSON.parse(problem.err)).toMatchObject({ code: 'server_unreachable', status: 503 });
});

test('doctor finds no problem here, and a wrong configuration, data folder and proxy elsewhere', async () => {
  const { findings } = JSON.parse((await cli.run(['doctor', '-o', 'json', '--data', cli.server.data])).out) as {
    findings: { name: string; state: string; detail: string; remedy?: string }[];
  };
  const state = (name: string) => findings.find((finding) => finding.name === name)?.state;
  expect(['node', 'in use', 'PostgreSQL', 'server', 'server: database', 'clock'].map(state)).toEqual(
    Array(6).fill('ok'),
  );
  const config = await file('wrong-config.yaml', 'apiVersion: dais.dev/v1\nkind: DaisConfig\nspec:\n  prot: 1\n');
  const sick = await cli.run(['doctor', '--config', config, '--data', config], {
    environment: { variables: { PATH: '/nonexistent', HTTPS_PROXY: 'nonsense' }, url: nowhereUrl },
  });
  expect(sick.code).toBe(1);
  expect(sick.out).toMatch(/problem +configuration +.*wrong-config.yaml:4: spec.prot/);
  expect(sick.out).toMatch(/warning +git +is not installed/);
  expect(sick.out).toMatch(/warning +proxy +HTTPS_PROXY is not an http:\/\/ address/);
  expect(sick.out).toMatch(/problem +server +no server at http:\/\/127.0.0.1:/);
  expect(sick.out).toMatch(/problem +data +.*is not a folder/);
});

test('config: explained by field and by variable, printed without secrets', async () => {
  expect(await ok(['config', 'explain', 'DAIS_DATABASE_URL'])).toMatch(/^database\.url {3}text; never shown\n/);
  expect(await ok(['config', 'explain', 'keys'])).toContain('only when keys.type is kms');
  const near = await cli.run(['config', 'explain', 'databse.url']);
  expect(near).toMatchObject({ code: 3, err: expect.stringContaining('did you mean database.url?') as string });
  const config = await file(
    'view.yaml',
    'apiVersion: dais.dev/v1\nkind: DaisConfig\nspec:\n  database:\n    url: postgres://dais:hunter2@db/dais\n',
  );
  const shown = await ok(['config', 'view', '--config', config]);
  expect(shown).toContain('kind: DaisConfig');
  expect(shown).not.toContain('hunter2');
});

test('completion: names come from the server', async () => {
  await apply(secret('completed-name'));
  expect(await ok(['__complete', 'get', 'secrets', 'completed-'])).toBe('completed-name\tSecret\n');
  expect(await ok(['__complete', 'get', 'secrets', '-p', 'planned', 'completed-'])).toBe('');
  expect(await ok(['__complete', 'apply', '-f', ''])).toBe(':files\n');
});

test.each(['bash', 'zsh', 'fish'])('the %s script is valid in that shell', async (shell) => {
  const { runProgram } = await import('#processes.ts');
  const path = await file(`completion.${shell}`, await ok(['completion', shell]));
  const checked = await runProgram(shell, ['-n', path], { variables: process.env });
  // 127: the shell is not installed.
  expect([0, 127]).toContain(checked.code);
  expect(checked.code === 0 ? checked.stderr : '').toBe('');
});

test('bash completes a kind and a name', async () => {
  const { runProgram } = await import('#processes.ts');
  await apply(secret('by-bash'));
  const script = await file('completion.bash', await ok(['completion', 'bash']));
  const answer = await ok(['__complete', 'get', 'secrets', 'by-']);
  const stub = `dais() { [[ "$*" == '__complete get secrets by-' ]] && printf '${answer.replace('\n', '\\n').replace('\t', '\\t')}'; }`;
  const ask = `${stub}; source ${script}; COMP_LINE='dais get secrets by-'; COMP_POINT=20; _dais; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await runProgram('bash', ['-c', ask], { variables: process.env });
  expect(stdout).toBe('by-bash\n');
});

test('open prints the URL, and how to reach it from elsewhere', async () => {
  const { out, err } = await cli.run(['open'], {
    environment: { variables: { SSH_CONNECTION: '10.0.0.1 5000 10.0.0.2 22' } },
  });
  expect(out).toBe(`${cli.server.url}/\n`);
  expect(err).toMatch(/ssh -L (\d+):127\.0\.0\.1:\1 10\.0\.0\.2/);
});

test('get points to the command that lists records, and accepts kinds written with hyphens', async () => {
  const runs = await cli.run(['get', 'runs']);
  expect(runs.code).not.toBe(0);
  expect(runs.err).toContain('List them with `dais runs`.');
  expect(await cli.run(['get', 'feature-views'])).toMatchObject({ code: 0 });
});

test('lineage explains its argument, and prints a node without edges', async () => {
  expect((await cli.run(['lineage', 'nothing'])).err).toContain('Use MODEL/VERSION, DATASET@VERSION');
  expect((await cli.run(['lineage', 'a/1', '--upstream', '--downstream'])).err).toContain('--upstream or --downstream');
});

test('deploy without a version names the missing model', async () => {
  const { code, err } = await cli.run(['deploy', 'absent', '--to', 'delays']);
  expect(code).toBe(3);
  expect(err).toContain('absent');
});

test('deploy without a version takes the alias champion, else the newest version', async () => {
  const send = async (method: string, path: string, body: object) => {
    const answer = await fetch(`${cli.server.url}/api/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBeLessThan(300);
  };
  const manifest = { apiVersion: 'dais.dev/v1', kind: 'Model', metadata: { name: 'fares' }, spec: {} };
  await send('POST', 'apply', { sources: [{ file: '-', text: JSON.stringify(manifest) }] });
  expect((await cli.run(['deploy', 'fares', '--to', 'prices'])).err).toContain('Model "fares" has no version.');
  for (let n = 0; n < 2; n++) await send('POST', 'registry/models/fares/versions', { source: 's3://bucket/model' });
  const newest = await cli.run(['deploy', 'fares', '--to', 'prices']);
  expect(newest.err).toContain('Deploying models:/fares/2 (the latest version; the alias `champion` is not set).');
  await send('PUT', 'registry/models/fares/aliases/champion', { version: '1' });
  const champion = await cli.run(['deploy', 'fares', '--to', 'prices']);
  expect(champion.err).toContain('Deploying models:/fares@champion (the alias `champion`).');
});
