import { expect, test } from 'vitest';
import { ecsProblems } from './ecs.mjs';

const whole = { '@timestamp': '2026-01-02T03:04:05.006Z', 'ecs.version': '8.17.0' };

test.each([
  ['nothing else', {}, []],
  ['names with dots and nested ones', { 'http.request.id': 'r', event: { duration: 5 } }, []],
  ['what is its own', { 'dais.any': { thing: [1] } }, []],
  ['a field that ECS does not have', { thing: 1 }, ['thing is no field of ECS']],
  ['a number as text', { 'process.pid': '7' }, ['process.pid is no long: "7"']],
  ['a name as an address', { 'client.ip': 'localhost' }, ['client.ip is no ip: "localhost"']],
  ['a list where there is one value', { 'rule.id': ['a'] }, ['rule.id is a list']],
  ['one value where there is a list', { 'event.type': 'info' }, ['event.type is no list']],
  ['a value that is never', { 'event.outcome': 'ok' }, ['event.outcome is never ok']],
  [
    'a type that does not go with the category',
    { event: { category: ['configuration'], type: ['denied'] } },
    ['event.type denied is not of configuration'],
  ],
])('%s', (_, fields, problems) => {
  expect(ecsProblems({ ...whole, ...fields }, 'dais')).toEqual(problems);
});

test('time and version are always there', () => {
  expect(ecsProblems({}, 'dais')).toEqual(['@timestamp is missing', 'ecs.version is missing']);
});
