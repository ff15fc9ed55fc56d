/** A Dais with users and their permissions. */
import { Journey, secretManifest, type Person } from './journey.ts';

const person = (name: string): Person => ({ name, password: `${name} walks 7 gravel roads` });

/** Administers the organization. */
export const ada = person('ada@example.com');
/** Editor in the project `default`, through her team. */
export const grace = person('grace@example.com');
/** Administrator of the project `default`, without organization roles. */
export const pat = person('pat@example.com');
/** Viewer in the project `default`. */
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

/** Starts a Dais with accounts, and sets everyone's password. */
export async function startWithPeople(): Promise<Journey> {
  const journey = await Journey.start({ 'authentication.mode': 'accounts' });
  for (const one of [ada, grace, pat, bo, eve]) {
    const { link } = (await journey.call(one === ada ? '/api/v1/invitations/administrators' : '/api/v1/invitations', {
      email: one.name,
    })) as { readonly link: string };
    const secret = new URL(link).hash.slice(1);
    await journey.call('/auth/invitation/accept', { secret, password: one.password });
  }
  await journey.apply(HOUSE);
  return journey;
}
