/**
 * The configuration, and what every text of manifests keeps to, whatever its kind; an entry of its own, so that what starts and watches
 * the other processes loads no other schemas.
 */
export { configSchema, configSpec, type ConfigInput, type ConfigSpec } from './spec.ts';
export { configFields, configVariable, type ConfigField } from './fields.ts';
export { API_VERSION, labelNameSchema, MAX_APPLY_DOCUMENTS } from '#manifest.ts';
export { StillHeld } from '#still-held.ts';
export { formatPath, MAX_DEPTH, schemaIssues } from '#validation.ts';
