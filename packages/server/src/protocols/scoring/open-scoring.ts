/** Chooses where a body is parsed: short ones in place, long ones and Parquet on a thread of its own. */
import { BodyThread, LONG_BODY, toTensors } from '#gateway/index.ts';
import type { JsonValue } from '#lib/json-reader.ts';
import { programBeside } from '#lib/process.ts';
import { OpenedScoring } from './opened-scoring.ts';
import { readText, type BodyForm } from './scoring-body.ts';

export type OpenScoring = (body: Buffer, form: BodyForm) => OpenedScoring | Promise<OpenedScoring>;

/** One thread for all requests, started on first use. */
export function scoringOpener(): OpenScoring {
  const thread = new BodyThread<Readonly<Record<string, JsonValue>>>(
    programBeside(import.meta.url, './scoring-thread'),
  );
  return (body, form) => {
    if (form === 'parquet' || body.length > LONG_BODY) return openThere(body, form);
    const { given, params } = readText(form, body);
    return new OpenedScoring(params, (described) => toTensors(given, described));
  };

  async function openThere(body: Buffer, form: BodyForm): Promise<OpenedScoring> {
    const { meta, decode, close } = await thread.open(body, form);
    try {
      return new OpenedScoring(meta, decode, close);
    } catch (error) {
      close();
      throw error;
    }
  }
}
