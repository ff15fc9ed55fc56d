/** For tests of every operation: requests about findings of the Monitor `target`. */
import type { Request } from './operation-recipes.ts';

const monitor = { path: { monitor: 'target' } };
const window = { path: { monitor: 'target', window: 'latest' } };

export const monitoringRecipes: Readonly<Record<string, () => Request>> = {
  'monitor.run': () => ({ path: { name: 'target' }, body: {} }),
  'monitorSummary.list': () => ({}),
  'monitorSummary.get': () => monitor,
  'monitorReport.list': () => monitor,
  'monitorReport.get': () => window,
  'monitorReport.page': () => window,
  'monitorHistory.get': () => monitor,
  'monitorAlert.list': () => monitor,
  'monitorAlert.listAll': () => ({}),
  'monitorAlert.acknowledge': () => ({ path: { monitor: 'target', alert: 'alert' }, body: {} }),
  'monitorDecision.list': () => monitor,
  'monitorDecision.listOfModel': () => ({ path: { model: 'target' } }),
};
