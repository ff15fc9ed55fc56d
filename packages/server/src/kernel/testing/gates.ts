/** Promises that a test resolves, so that something waits exactly where it should. */

export interface Gate {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

const made: Gate[] = [];

export function gate(): Gate {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  const one = { promise, resolve };
  made.push(one);
  return one;
}

/** For `afterEach`: releases all waiting callers of a failed test. */
export function openGates(): void {
  for (const { resolve } of made.splice(0)) resolve();
}
