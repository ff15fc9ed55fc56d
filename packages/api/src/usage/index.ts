/** Usage of steps, models, storage and queries. */
export {
  exportOrganizationUsageOperation,
  exportUsageOperation,
  listOrganizationUsageOperation,
  listOwnUsageOperation,
  listUsageOperation,
  organizationUsageSeriesOperation,
  sumOrganizationUsageOperation,
  sumOwnUsageOperation,
  sumUsageOperation,
  usageOperations,
  usageSeriesOperation,
} from '#operations/usage.ts';
export { usageGroups, usageMeasures, usageTypes } from '#records/usage.ts';
export type { UsageGroup, UsageMeasure, UsageRecord, UsageSum, UsageType } from '#records/usage.ts';
