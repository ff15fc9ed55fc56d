/** `dais endpoint resume ENDPOINT`. */
import { resumeEndpointOperation } from '@dais/api/serving';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';

export const resumeEndpoint: Run<{ readonly reason?: string }> = async (context, [endpoint = ''], { reason = '' }) => {
  const client = await context.connect();
  const resumed = await client.perform(resumeEndpointOperation, { endpoint, reason });
  if (await printedForPrograms(context, resumed)) return exitCodes.ok.code;
  context.terminal.out(`${resumed.models.join(', ')} of ${endpoint} reloaded.\n`);
  return exitCodes.ok.code;
};
