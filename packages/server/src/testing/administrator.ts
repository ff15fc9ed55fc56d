/** For end-to-end tests: the first administrator of a Dais with accounts. */
import { readFile } from 'node:fs/promises';

/** Returns a token of a new administrator. `ownerToken`: file in the data folder. */
export async function administratorToken(url: string, ownerToken: string): Promise<string> {
  const owner = { authorization: `Bearer ${(await readFile(ownerToken, 'utf8')).trim()}` };
  const json = { 'content-type': 'application/json' };
  const post = async (path: string, headers: Readonly<Record<string, string>>, body: object) => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { ...json, ...headers },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const invited = await post('/api/v1/invitations/administrators', owner, { email: 'ada@example.com' });
  const secret = new URL(((await invited.json()) as { link: string }).link).hash.slice(1);
  const accepted = await post('/auth/invitation/accept', {}, { secret, password: 'gravel-orbit-mango-7' });
  const cookie = accepted.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const made = await post('/api/v1/tokens', { cookie, origin: url }, { title: 'test' });
  return ((await made.json()) as { token: string }).token;
}
