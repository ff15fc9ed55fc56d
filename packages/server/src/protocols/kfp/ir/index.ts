/** The IR of Kubeflow Pipelines: read, checked, and made a plan. */
export { KFP_FORMAT, kfpCompiler } from './kfp-compiler.ts';
export { pipelineInfo, readPipelineFile, type PipelineDocument, type PipelineInfo } from './pipeline-file.ts';
