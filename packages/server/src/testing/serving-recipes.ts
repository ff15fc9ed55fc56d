/** Requests for the operations of serving; see operation-recipes.ts. */
import { randomUUID } from 'node:crypto';
import type { RecipeWorld, Request } from './operation-recipes.ts';

const path = { endpoint: 'target' };

export const servingRecipes: Readonly<Record<string, (world: RecipeWorld) => Request | Promise<Request>>> = {
  // The two are exclusive: nothing starts.
  'rollout.start': () => ({ path, body: { model: 'models:/target/1', shadow: true, canary: 5 } }),
  // No rollout is under way, and none was.
  'rollout.promote': () => ({ path, body: {} }),
  'rollout.pause': () => ({ path, body: {} }),
  'rollout.resume': () => ({ path, body: {} }),
  'rollout.abort': () => ({ path, body: {} }),
  'rollout.revert': () => ({ path, body: {} }),
  // Nothing is quarantined.
  'endpoint.resume': () => ({ path, body: {} }),
  'rollout.list': () => ({ path }),
  'endpoint.figures': () => ({ path }),
  'endpoint.contract': () => ({ path }),
  'endpoint.invoke': () => ({ path }),
  'endpoint.listInvocable': () => ({}),
  // The model is not loaded: there are no requests.
  'endpoint.loadTest': () => ({ path, body: { run: randomUUID() } }),
  // Neither a version nor an alias: nothing is loaded.
  'modelTest.run': () => ({ path: { name: 'target' }, body: {} }),
};
