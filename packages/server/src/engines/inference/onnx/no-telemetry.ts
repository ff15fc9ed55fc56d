/**
 * onnxruntime for Linux, from 1.30 on, sends what it does to its makers and keeps an id of the machine in `~/.cache/Microsoft`, unless
 * this variable stands in the process before it is loaded. Nobody asked Dais to tell anybody.
 */
export function disableTelemetry(): void {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
}
