/** Monitors and their results; a separate entry, so that other commands and pages do not load it. */
export { monitorKind, monitorSpec, weekdays, type MonitorCheck, type MonitorSpec } from '#kinds/monitor.ts';
export type { MonitorBaseline } from '#kinds/monitor.ts';
export { nameOfCheck } from '#kinds/monitor-check.ts';
export {
  acknowledgeMonitorAlertOperation,
  listAllMonitorAlertsOperation,
  listModelDecisionsOperation,
  listMonitorAlertsOperation,
  listMonitorDecisionsOperation,
  listMonitorReportsOperation,
  listMonitorSummariesOperation,
  readMonitorHistoryOperation,
  readMonitorReportOperation,
  readMonitorReportPageOperation,
  readMonitorSummaryOperation,
} from '#operations/monitoring.ts';
export type {
  ColumnComparison,
  Correction,
  DriftMethod,
  MonitorAlert,
  MonitorAttributions,
  MonitorBaselineUsed,
  MonitorDecision,
  MonitorEstimate,
  MonitorExample,
  MonitorFairness,
  MonitorHistory,
  MonitorPerformance,
  MonitorReport,
  MonitorReportHead,
  MonitorResult,
  MonitorSeries,
  MonitorState,
  MonitorSummary,
  CheckStatus,
  PerformanceMetric,
  ServedVersion,
} from '#records/monitoring.ts';
