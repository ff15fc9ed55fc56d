/** Requests to the operations of provisioned users and groups; see operation-recipes.ts. */
import { randomUUID } from 'node:crypto';
import type { RecipeWorld, Request } from './operation-recipes.ts';

/** No configuration names it. */
export const TRIED_PROVIDER = 'tried';

const query = { provider: TRIED_PROVIDER };
const body = () => ({ provider: TRIED_PROVIDER, userName: `${randomUUID()}@example.com` });

export const provisioningRecipes: Readonly<Record<string, (world: RecipeWorld) => Request | Promise<Request>>> = {
  'provisionedUser.list': () => ({ query }),
  'provisionedUser.get': async (world) => ({ path: { id: await world.provisionedUser() }, query }),
  'provisionedUser.create': () => ({ body: body() }),
  'provisionedUser.replace': async (world) => ({ path: { id: await world.provisionedUser() }, body: body() }),
  'provisionedUser.delete': async (world) => ({ path: { id: await world.provisionedUser() }, query }),
  'provisionedGroup.list': () => ({ query }),
  'provisionedGroup.get': async (world) => ({ path: { id: await world.provisionedGroup() }, query }),
  'provisionedGroup.create': () => ({ body: { provider: TRIED_PROVIDER, displayName: randomUUID() } }),
  'provisionedGroup.change': async (world) => ({
    path: { id: await world.provisionedGroup() },
    body: { provider: TRIED_PROVIDER },
  }),
  'provisionedGroup.delete': async (world) => ({ path: { id: await world.provisionedGroup() }, query }),
};
