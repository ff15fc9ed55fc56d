import { accessMatrix } from './testing/access-matrix.testing.ts';

// All of it: access-matrix.full.test.ts.
accessMatrix({ every: 8 });
