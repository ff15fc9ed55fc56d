/** The program of the thread that parses long requests; see `open-rest.ts`. */
import { readBodies } from '#gateway/index.ts';
import type { LongRest, RestBodyFormat } from './open-rest.ts';
import { readRest } from './rest-request.ts';

readBodies((body, how) => {
  const { length, nan } = how as RestBodyFormat;
  const { id, parameters, outputs, inputs } = readRest(body, length, nan);
  return { meta: { id, parameters, outputs } satisfies LongRest, decode: () => inputs };
});
