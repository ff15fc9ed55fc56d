import fc from 'fast-check';

/** Whether `npm run test:full` runs the test: it tries each property more often than the hundred times of every day. */
export const isLongRun = (fc.readConfigureGlobal()?.numRuns ?? 0) > 100;
