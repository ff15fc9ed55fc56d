import { accessMatrix } from './testing/access-matrix.testing.ts';

accessMatrix({ every: 1 });
