/** The IR of Kubeflow Pipelines: read, checked, and made a plan. */
export { KFP_FORMAT, kfpCompiler } from './kfp-compiler.ts';
export { readPipelineFile, type PipelineDocument } from './pipeline-file.ts';
