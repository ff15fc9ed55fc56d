import { expect, test } from 'vitest';
import { createLineLog, type LineLogOptions } from '#lib/telemetry/line-log.ts';

function log(format: LineLogOptions['format'], level: LineLogOptions['level'] = 'info') {
  const lines: string[] = [];
  const made = createLineLog({
    format,
    level,
    write: (line) => void lines.push(line),
    now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    version: '1.2.3',
    role: 'control',
    pid: 7,
  });
  return { log: made, lines };
}

test('JSON lines carry ECS names, and an error its causes', () => {
  const { log: one, lines } = log('json');
  const error = new Error('outer', { cause: new Error('inner') });
  one.error('it failed', { error, requestId: 'r', status: 500, durationMs: 1.5, count: 12n });
  expect(lines[0]).toMatch(/^\{.*\}\n$/);
  expect(JSON.parse(lines[0]!)).toEqual({
    '@timestamp': '2026-01-02T03:04:05.006Z',
    'log.level': 'error',
    message: 'it failed',
    'ecs.version': '8.17.0',
    'event.dataset': 'dais.control',
    'service.name': 'dais',
    'service.version': '1.2.3',
    'service.node.role': 'control',
    'process.pid': 7,
    'http.request.id': 'r',
    'http.response.status_code': 500,
    'event.duration': 1_500_000,
    'dais.count': '12',
    'error.type': 'Error',
    'error.message': 'outer',
    'error.stack_trace': expect.stringMatching(/Error: outer[^]*caused by Error: inner/),
  });
});

test('text lines are for people', () => {
  const { log: one, lines } = log('text');
  one.info('ready', { url: 'http://127.0.0.1:7070', detail: 'two words', missing: undefined });
  expect(lines).toEqual(['03:04:05.006 INFO  ready url=http://127.0.0.1:7070 detail="two words"\n']);
});

test('levels below the threshold are not written; the threshold can be moved', () => {
  const { log: one, lines } = log('text', 'warn');
  one.info('a');
  one.setLevel('debug');
  one.debug('b');
  expect(lines).toEqual(['03:04:05.006 DEBUG b\n']);
});

test('a line break in a message does not make a second line of JSON', () => {
  const { log: one, lines } = log('json');
  one.info('a\nb');
  expect(lines[0]!.split('\n')).toHaveLength(2);
});
