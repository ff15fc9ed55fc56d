import { expect, test } from 'vitest';
import { commandFamilies, commands } from '#commands/list.ts';
import { openTerminal } from '#output/terminal.ts';
import { parseCommandLine } from '#program.ts';

async function parse(...words: string[]) {
  let out = '';
  let err = '';
  const streams = {
    stdin: {},
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
  };
  const parsed = await parseCommandLine(words, openTerminal(streams, { color: false }), '1.2.3');
  return { parsed, out, err };
}

test('dais alone, --help and help are one text', async () => {
  const { out, parsed } = await parse();
  expect(parsed).toEqual({ exitCode: 0 });
  await expect(out).toMatchFileSnapshot('__golden__/help.txt');
  expect((await parse('--help')).out).toBe(out);
  expect((await parse('help')).out).toBe(out);
});

test.each(commands.map((command) => command.name))('dais %s --help', async (name) => {
  const { out, parsed } = await parse(...name.split(' '), '--help');
  expect(parsed).toEqual({ exitCode: 0 });
  await expect(out).toMatchFileSnapshot(`__golden__/help-${name.replace(' ', '-')}.txt`);
  expect((await parse('help', ...name.split(' '))).out).toBe(out);
});

test.each(Object.keys(commandFamilies))('dais %s lists its subcommands', async (name) => {
  const { out, err } = await parse(name);
  expect(out + err).toContain(`Usage: dais ${name}`);
});

test.each(commands.flatMap(({ name, examples }) => examples.map((example) => [name, example.command] as const)))(
  'the example of %s is valid: dais %s',
  async (name, command) => {
    const words = command
      .replace(/^.*\| dais /, '')
      .replace(/ [<>|].*$/, '')
      .split(' ');
    const { parsed, err } = await parse(...words);
    expect(err).toBe('');
    expect(parsed).toHaveProperty('invocation');
    const own = command.includes('| dais') ? words[0] : name;
    expect('invocation' in parsed && parsed.invocation.definition.name).toBe(own);
  },
);

test('a command of two words belongs to a group that lists it', () => {
  const families = new Set(commands.flatMap(({ name }) => name.split(' ').slice(0, -1)));
  expect([...families].toSorted()).toEqual(Object.keys(commandFamilies).toSorted());
});

test('every command has examples', () => {
  expect(commands.filter((command) => command.examples.length === 0 || command.examples.length > 4)).toEqual([]);
});

test.each([
  [['gte'], "unknown command 'gte' (did you mean get?)"],
  [['help', 'gte'], "unknown command 'gte'"],
  [['predict', '--help'], "unknown command 'predict'"],
  [['data', 'dif', '--help'], "unknown command 'dif' (did you mean diff?)"],
  [['get'], "missing required argument 'kind'"],
  [['apply'], "required option '-f, --file <path>' not specified"],
  [['get', 'secrets', '--watchh'], "unknown option '--watchh' (did you mean --watch?)"],
  [['get', 'secrets', '-o', 'xml'], 'Allowed choices are table, wide, json, yaml, name.'],
  [['history', 'a', 'b', '--limit', 'many'], 'Not a whole number.'],
  [['apply', '-f', 'a', '--timeout', 'soon'], 'Not a duration such as 90s, 5m or 1h.'],
  [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish.'],
  [['version', 'now'], 'too many arguments'],
])('%j is rejected with exit code 2', async (words, want) => {
  const { parsed, err } = await parse(...words);
  expect(parsed).toEqual({ exitCode: 2 });
  expect(err).toContain(want);
});

test('options are accepted at any position', async () => {
  const { parsed } = await parse('-p', 'a', 'apply', '-f', 'x', '-f', 'y', '-o', 'json', '--timeout', '90s');
  expect(parsed).toMatchObject({
    invocation: {
      globals: { project: 'a', output: 'json', color: true },
      options: { file: ['x', 'y'], timeout: 90_000 },
    },
  });
});

test('the version', async () => {
  expect((await parse('--version')).out).toBe('1.2.3\n');
});
