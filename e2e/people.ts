/** A Dais with users and their permissions. */
import { WITH_ACCOUNTS, type SharedKind } from '../packages/server/src/testing/shared-dais.ts';
import { Journey, secretManifest, type Person } from './journey.ts';

const person = (name: string): Person => ({ name, password: `${name} walks 7 gravel roads` });

/** Administers the organization. */
export const ada = person('ada@example.com');
/** Editor in the project, through her team. */
export const grace = person('grace@example.com');
/** Administrator of the project, without organization roles. */
export const pat = person('pat@example.com');
/** Viewer in the project. */
export const bo = person('bo@example.com');
/** Has an account without roles. */
export const eve = person('eve@example.com');

const HOUSE = `apiVersion: dais.dev/v1
kind: Team
metadata:
  name: vision
spec:
  description: Image models
  members: [grace@example.com]
---
apiVersion: dais.dev/v1
kind: ServiceAccount
metadata:
  name: ci
spec:
  description: Deploys models from the main branch
  owner: ada@example.com
---
apiVersion: dais.dev/v1
kind: RoleBinding
metadata:
  name: vision-editors
spec:
  role: editor
  teams: [vision]
---
apiVersion: dais.dev/v1
kind: RoleBinding
metadata:
  name: administrators
spec:
  role: admin
  users: [pat@example.com]
---
apiVersion: dais.dev/v1
kind: RoleBinding
metadata:
  name: readers
spec:
  role: viewer
  users: [bo@example.com]
---
apiVersion: dais.dev/v1
kind: OrganizationPolicy
metadata:
  name: production
spec:
  description: Production secrets belong to whoever is called at night
  cedar: |
    @id("production-by-operations")
    @message("Production secrets are changed by team operations; ask at the operations desk")
    @severity("blocking")
    @control("SOC2-CC6.1")
    forbid(principal, action in [Dais::Action::"secret:write", Dais::Action::"secret:delete"], resource)
    when { resource.hasTag("stage") && resource.getTag("stage") == "prod" };
---
${secretManifest('dev-db', 'for development')}---
${secretManifest('prod-db', 'for production').replace('team: vision', 'team: vision\n    stage: prod')}`;

/** Starts a separate Dais with accounts, with everyone and their permissions in the project `default`. */
export async function startWithPeople(): Promise<Journey> {
  const journey = await Journey.start({ ...(await WITH_ACCOUNTS.flags()) });
  await inviteEveryone(async (path, body) => await journey.call(path, body));
  await journey.apply(HOUSE);
  return journey;
}

const WITH_PEOPLE: SharedKind = {
  name: 'people',
  flags: WITH_ACCOUNTS.flags,
  prepare: async (url, token) => {
    const post = async (path: string, body: string | object): Promise<unknown> => {
      const isText = typeof body === 'string';
      const type = isText ? 'application/yaml' : 'application/json';
      const headers = { 'content-type': type, authorization: `Bearer ${token}` };
      const response = await fetch(`${url}${path}`, {
        method: 'POST',
        headers,
        body: isText ? body : JSON.stringify(body),
      });
      if (!response.ok) throw new Error(await response.text());
      return await response.json();
    };
    await inviteEveryone(post);
    // Two files must not create what is outside of projects at the same time.
    await post('/api/v1/apply', HOUSE);
  },
};

/**
 * The same in a project of this name, for a test that changes no account: everyone has these permissions in each of these projects,
 * and the same sessions and tokens.
 */
export async function shareWithPeople(project: string): Promise<Journey> {
  const journey = await Journey.shared(project, WITH_PEOPLE);
  await journey.apply(HOUSE);
  return journey;
}

/** Creates the accounts with their passwords. */
async function inviteEveryone(post: (path: string, body: object) => Promise<unknown>): Promise<void> {
  for (const one of [ada, grace, pat, bo, eve]) {
    const path = one === ada ? '/api/v1/invitations/administrators' : '/api/v1/invitations';
    const { link } = (await post(path, { email: one.name })) as { readonly link: string };
    const secret = new URL(link).hash.slice(1);
    await post('/auth/invitation/accept', { secret, password: one.password });
  }
}
