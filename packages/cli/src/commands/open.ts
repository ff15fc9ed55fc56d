import { openBrowser } from '#connection/browser.ts';
import { chooseServer } from '#connection/connect.ts';
import { isLoopback } from '#connection/proxies.ts';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { remark } from '#output/result.ts';

export const run: Run = async (context) => {
  const { environment, globals, terminal } = context;
  const { url } = await chooseServer(environment, globals);
  const address = `${url.replace(/\/+$/, '')}/`;
  terminal.out(`${address}\n`);
  // Checked first: a browser would only show its own error page.
  const client = await context.connect();
  await client.server();
  if (await openBrowser(address, environment.variables)) return exitCodes.ok.code;
  remark(context, 'No browser is available. Open the URL manually.');
  const ssh = environment.variables['SSH_CONNECTION'];
  if (ssh !== undefined && isLoopback(address)) {
    const port = new URL(address).port || '80';
    const host = ssh.split(' ')[2] ?? 'HOST';
    remark(context, `From your own machine: ssh -L ${port}:127.0.0.1:${port} ${host}`);
  }
  return exitCodes.ok.code;
};
