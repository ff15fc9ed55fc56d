/**
 * The configuration, and the limits of all manifest texts; a separate entry, so that supervisors load no other schemas.
 */
export { configSchema, configSpec, type ConfigInput, type ConfigSpec } from './spec.ts';
export { configFields, configVariable, type ConfigField } from './fields.ts';
export { NODE_ROLES, nodeWork, type NodeRole, type NodeWork } from '#node-roles.ts';
export { API_VERSION, labelNameSchema, MAX_APPLY_DOCUMENTS } from '#manifest.ts';
export { StillHeld } from '#still-held.ts';
export { formatPath, MAX_DEPTH, schemaIssues } from '#validation.ts';
