/** The program of the thread that parses long bodies and Parquet; see `open-scoring.ts`. */
import { readBodies, toTensors } from '#gateway/index.ts';
import { readText, type BodyForm } from './scoring-body.ts';

async function read(form: BodyForm, body: Buffer) {
  return form === 'parquet' ? await (await import('./parquet.ts')).readParquet(body) : readText(form, body);
}

readBodies(async (body, how) => {
  const { given, params } = await read(how as BodyForm, body);
  return { meta: params, decode: (described) => toTensors(given, described) };
});
