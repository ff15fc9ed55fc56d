import { expect, test } from 'vitest';
import { refusedByState } from '#action-states.ts';

const on = (deleting: boolean) => ({ kind: 'Secret', name: 'one', deleting });

test.each(['get', 'watch', 'history', 'delete'])('%s is allowed during deletion', (verb) => {
  expect(refusedByState(verb, on(true))).toBeUndefined();
});

test.each(['update', 'rollback', 'rotate'])('%s is rejected during deletion, with the reason', (verb) => {
  expect(refusedByState(verb, on(false))).toBeUndefined();
  expect(refusedByState(verb, on(true))).toMatchObject({
    code: 'being_deleted',
    message: 'Secret "one" is being deleted.',
  });
});
