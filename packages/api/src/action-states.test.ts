import { expect, test } from 'vitest';
import { refusedByState } from '#action-states.ts';

const on = (deleting: boolean) => ({ kind: 'Secret', name: 'one', deleting });

test.each(['get', 'watch', 'history', 'delete'])('%s fits what is being deleted', (verb) => {
  expect(refusedByState(verb, on(true))).toBeUndefined();
});

test.each(['update', 'rollback', 'rotate'])('%s does not, and says so', (verb) => {
  expect(refusedByState(verb, on(false))).toBeUndefined();
  expect(refusedByState(verb, on(true))).toMatchObject({
    code: 'being_deleted',
    message: 'Secret "one" is being deleted.',
  });
});
