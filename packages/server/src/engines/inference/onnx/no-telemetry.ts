/**
 * Disables the telemetry of onnxruntime for Linux (from 1.30 on), which sends events and stores an id of the machine in
 * `~/.cache/Microsoft` unless this variable is set before the library is loaded.
 */
export function disableTelemetry(): void {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
}
