/** The program of a thread that analyzes one ONNX file. */
import { insideThread } from '#lib/process.ts';
import { analyze, type AnalysisRequest } from './onnx-analysis.ts';

const { port, data } = insideThread();
await analyze(data as AnalysisRequest, (message) => port.postMessage(message));
