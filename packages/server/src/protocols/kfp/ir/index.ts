/** The IR of Kubeflow Pipelines: parsed, validated and compiled to a plan. */
export { KFP_FORMAT, kfpCompiler } from './kfp-compiler.ts';
export { readPipelineFile, type PipelineDocument } from './pipeline-file.ts';
