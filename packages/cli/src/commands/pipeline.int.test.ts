import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Execution, PipelineGraph } from '@dais/api/executions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';

let dais: CliFixture;

beforeAll(async () => {
  dais = await CliFixture.shared();
  await write('pipeline.yaml', PIPELINE);
  await dais.run(['apply', '-f', 'pipeline.yaml'], inFolder());
});
afterAll(async () => {
  await dais.stop();
});

/** Without isolation, which does not matter here and is slower. */
const PIPELINE = `apiVersion: dais.dev/v1
kind: Pipeline
metadata:
  name: count
spec:
  parameters:
    until: {type: integer, default: 3}
    word: {default: rows}
  steps:
    make:
      run: seq 1 "$DAIS_INPUT_UNTIL" > rows
      isolation: none
      inputs:
        until: {parameter: until}
      outputs:
        rows: {path: rows}
        many: {path: rows, as: text}
    show:
      run: echo "$DAIS_INPUT_WORD $(wc -l < "$DAIS_INPUT_ROWS")"; test "$DAIS_INPUT_WORD" != fail
      isolation: none
      inputs:
        rows: {step: make, output: rows}
        word: {parameter: word}
    extra:
      run: echo extra
      isolation: none
      when: parameters.until > 100
      needs: [show]
---
apiVersion: dais.dev/v1
kind: Schedule
metadata:
  name: nightly
spec:
  pipeline: count
  when: {type: cron, cron: 0 3 * * *}
`;

const inFolder = () => ({ workingFolder: dais.folder });
const write = async (file: string, text: string) => await writeFile(join(dais.folder, file), text);

describe('a pipeline', () => {
  test('runs, and the results of its steps are printed', async () => {
    const { code, out, err } = await dais.run(['pipeline', 'run', 'count', '--param', 'until=5', '--param', 'word=7']);
    expect(err).toMatch(/^Pipeline run [0-9a-f-]{36}\n/);
    expect(err).toMatch(/succeeded make in \d+\.\d s/);
    expect(err).toMatch(/skipped {3}extra/);
    expect([code, out]).toEqual([0, expect.stringMatching(/^Pipeline run [0-9a-f-]{36} ended: succeeded\n$/)]);
    const id = out.split(' ')[2] ?? '';
    expect((await dais.run(['logs', id, '--step', 'show'])).out).toBe('7 5\n');
  });

  test('that fails prints the last lines, and can be rerun from a step', async () => {
    const failed = await dais.run(['pipeline', 'run', 'count', '--param', 'word=fail', '-o', 'json']);
    expect(failed.code).toBe(1);
    expect(failed.err).toContain('failed    show in');
    expect(failed.err).toMatch(/\n +fail 3\n/);
    expect(failed.err).toContain('error: 2 tasks did not succeed');
    const { id } = JSON.parse(failed.out) as Execution;
    const again = await dais.run(['pipeline', 'retry', id]);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('succeeded make (reused)')]);
    const anew = await dais.run(['pipeline', 'retry', id, '--from', 'make']);
    expect(anew.err).toMatch(/succeeded make in/);
    expect((await dais.run(['pipeline', 'retry', id, '--from', 'nothing'])).code).toBe(7);
  });

  test('is rejected with all problems', async () => {
    const { code, err } = await dais.run(['pipeline', 'run', 'count', '--param', 'until=x', '--param', 'wrd=1']);
    expect(code).toBe(7);
    expect(err).toContain('parameters.until');
    expect(err).toContain('parameters.wrd');
    expect((await dais.run(['pipeline', 'run', 'count', '--param', 'x'])).err).toContain('give it NAME=VALUE');
    expect((await dais.run(['pipeline', 'run', 'nobody'])).code).toBe(3);
  });

  test('is drawn as a graph', async () => {
    expect((await dais.run(['pipeline', 'graph', 'count'])).out).toBe(
      'make\nshow  (after make)\nextra  (if the condition is true; after show)\n',
    );
    const { out: dot } = await dais.run(['pipeline', 'graph', 'count', '--dot']);
    expect(dot).toContain('"make" -> "show";');
    const { out } = await dais.run(['pipeline', 'graph', 'count', '-o', 'json']);
    expect((JSON.parse(out) as PipelineGraph).nodes).toHaveLength(3);
  });

  test('Ctrl-C cancels its run', async () => {
    const slow = PIPELINE.split('---')[0]!
      .replace('name: count', 'name: slow')
      .replace('run: seq', 'run: sleep 300; seq');
    await write('slow.yaml', slow);
    await dais.run(['apply', '-f', 'slow.yaml'], inFolder());
    const abort = new AbortController();
    const running = dais.run(['pipeline', 'run', 'slow'], { signal: abort.signal });
    const isRunning = async () => (await dais.run(['runs', '--name', 'slow', '-o', 'json'])).out.includes('"running"');
    await expect.poll(isRunning, { timeout: 60_000, interval: 100 }).toBe(true);
    abort.abort();
    expect((await running).code).toBe(130);
  });
});

describe('manifests', () => {
  test('are checked without a server, each problem at its line', async () => {
    const away = { ...inFolder(), environment: { url: 'http://127.0.0.1:9' } };
    const right = await dais.run(['pipeline', 'lint', 'pipeline.yaml'], away);
    expect([right.code, right.out, right.err]).toEqual([0, '2 manifests without errors.\n', '']);
    await write(
      'wrong.yaml',
      PIPELINE.replace('step: make, output: rows', 'step: mke, output: rows').replace('0 3 *', '0 33 *'),
    );
    const { code, err } = await dais.run(['pipeline', 'lint', 'wrong.yaml'], away);
    expect(code).toBe(7);
    expect(err).toContain('wrong.yaml:22:');
    expect(err).toContain('there is no step mke');
    expect(err).toContain('wrong.yaml:36:');
    // The server rejects the same.
    await write('anchor.yaml', PIPELINE.replace('spec:', 'spec: &all').replace(/$/, '\nmore: *all\n'));
    const anchored = await dais.run(['pipeline', 'lint', 'anchor.yaml'], away);
    expect([anchored.code, anchored.err]).toEqual([
      7,
      expect.stringMatching(/anchor\.yaml:\d+:\d+: an anchor is not allowed/),
    ]);
    await write('broken.yaml', 'a: [');
    expect((await dais.run(['pipeline', 'lint', 'broken.yaml'], away)).err).toContain('broken.yaml:1:');
  });
});

test('past runs of a schedule are backfilled', async () => {
  const words = ['pipeline', 'backfill', 'nightly', '--from', '2026-01-01', '--to', '2026-01-02T12:00:00Z'];
  const { code, out } = await dais.run(words);
  expect([code, out]).toEqual([0, '2 runs will start:\n  2026-01-01T03:00:00.000Z\n  2026-01-02T03:00:00.000Z\n']);
  expect((await dais.run(words)).out).toBe('Nothing to backfill.\n');
  const result = await dais.run(['pipeline', 'times', 'nightly', '--count', '2', '-o', 'json']);
  const { next, latest } = JSON.parse(result.out) as { next: string[]; latest: { at: string }[] };
  expect(next).toEqual([expect.stringMatching(/T03:00:00.000Z$/), expect.stringMatching(/T03:00:00.000Z$/)]);
  expect(latest.map(({ at }) => at)).toEqual(['2026-01-02T03:00:00.000Z', '2026-01-01T03:00:00.000Z']);
  expect((await dais.run(['pipeline', 'times', 'nightly'])).out).toMatch(/^NEXT +IN\n\d{4}-/);
  const { out: schedule } = await dais.run(['get', 'schedule', 'nightly', '-o', 'json']);
  expect(schedule).toContain('"pipeline": "count"');
  expect((await dais.run(['pipeline', 'backfill', 'nightly', '--from', 'monday'])).code).toBe(7);
  const states = async () =>
    (JSON.parse((await dais.run(['runs', '--name', 'nightly', '-o', 'json'])).out) as { items: Execution[] }).items.map(
      ({ state }) => state,
    );
  await expect.poll(states, { timeout: 60_000, interval: 100 }).toEqual(['succeeded', 'succeeded']);
});
