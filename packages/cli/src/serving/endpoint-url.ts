/** `dais endpoint url ENDPOINT`. */
import type { DaisClient } from '@dais/api';
import { predictionUrl, readEndpointContractOperation, type PredictionProtocol } from '@dais/api/serving';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';

interface Options {
  readonly protocol: PredictionProtocol;
}

export const printEndpointUrl: Run<Options> = async (context, [endpoint = ''], { protocol }) => {
  const url = await readPredictionUrl(await context.connect(), endpoint, protocol);
  if (!(await printedForPrograms(context, { endpoint, protocol, url }))) context.terminal.out(`${url}\n`);
  return exitCodes.ok.code;
};

/** Returns the URL of the gateway for predictions. @throws DaisError `invalid_state` for an endpoint without a model. */
export async function readPredictionUrl(
  client: DaisClient,
  endpoint: string,
  protocol: PredictionProtocol,
): Promise<string> {
  const contract = await client.perform(readEndpointContractOperation, { endpoint });
  return predictionUrl(contract, client.url, protocol);
}
