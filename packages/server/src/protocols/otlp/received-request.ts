import type { IncomingHttpHeaders } from 'node:http';
import type { Operation } from '@dais/api';
import { ProtobufError } from '#lib/formats/protobuf-reader.ts';
import { JsonError } from './decode-json.ts';
import { MAX_ITEMS, Refusal, TooManyItems, type ReceivedBody } from './otlp-http.ts';

/** The request of an exporter, with its body decompressed. */
export interface ReceivedRequest extends ReceivedBody {
  readonly headers: IncomingHttpHeaders;
  /** Calls an operation as the caller of the request. */
  readonly call: (operation: Operation, input: unknown) => Promise<unknown>;
}

/** Decodes a body. @throws Refusal for an invalid body, and for one with too many items */
export function decodedBody<Decoded>(
  { bytes, encoding }: ReceivedBody,
  decode: { readonly json: (bytes: Buffer) => Decoded; readonly protobuf: (bytes: Buffer) => Decoded },
  names: { readonly message: string; readonly items: string },
): Decoded {
  try {
    return decode[encoding](bytes);
  } catch (error) {
    if (error instanceof TooManyItems) {
      const text = `A request can have at most ${MAX_ITEMS} ${names.items}. Split the ${names.items} across several requests.`;
      throw new Refusal(text, 413);
    }
    if (error instanceof ProtobufError || error instanceof JsonError) {
      throw new Refusal(`The body is not an ${names.message}: ${error.message}.`);
    }
    throw error;
  }
}
