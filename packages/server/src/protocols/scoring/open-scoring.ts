/** Where a body is read: a short one at once, a long one and Parquet on a thread of its own. */
import { BodyThread, LONG_BODY, toTensors } from '#gateway/index.ts';
import type { JsonValue } from '#lib/formats/json-reader.ts';
import { programUrl } from '#lib/process.ts';
import { OpenedScoring } from './opened-scoring.ts';
import { readText, type BodyForm } from './scoring-body.ts';

export type OpenScoring = (body: Buffer, form: BodyForm) => OpenedScoring | Promise<OpenedScoring>;

/** One thread for all that it opens, started with the first that needs it. */
export function scoringOpener(): OpenScoring {
  const thread = new BodyThread<Readonly<Record<string, JsonValue>>>(programUrl(import.meta.url, './scoring-thread'));
  return (body, form) => {
    if (form === 'parquet' || body.length > LONG_BODY) return openThere(body, form);
    const { given, params } = readText(form, body);
    return new OpenedScoring(params, (described) => toTensors(given, described));
  };

  async function openThere(body: Buffer, form: BodyForm): Promise<OpenedScoring> {
    const { told, decode, close } = await thread.open(body, form);
    try {
      return new OpenedScoring(told, decode, close);
    } catch (error) {
      close();
      throw error;
    }
  }
}
