/** Runs components of Kubeflow Pipelines. */
export { kfpDialect } from './kfp-dialect.ts';
