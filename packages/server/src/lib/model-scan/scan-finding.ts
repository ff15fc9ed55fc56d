/** Findings in the bytes of a model. */

/**
 * `block`: loading could execute anything, or the file cannot be scanned. `review`: loading runs code of a known
 * library, so it belongs in a separate process.
 */
export type ScanSeverity = 'block' | 'review';

export interface ScanFinding {
  readonly file: string;
  /** `pickle-import`, `onnx-operator`, …: what kind of finding. */
  readonly rule: string;
  readonly severity: ScanSeverity;
  /** What was found, for a person. */
  readonly detail: string;
}

/** Random access to bytes: a model can be larger than memory. */
export interface ScannedFile {
  /** Below the model's folder. */
  readonly path: string;
  readonly size: number;
  read(offset: number, length: number): Promise<Buffer>;
}

/** The findings of one file, each once. */
export class Findings {
  readonly #file: string;
  readonly #found = new Map<string, ScanFinding>();

  constructor(file: string) {
    this.#file = file;
  }

  add(rule: string, severity: ScanSeverity, detail: string, inside?: string): void {
    const file = inside === undefined ? this.#file : `${this.#file}!${inside}`;
    const shortened = detail.length > 300 ? `${detail.slice(0, 300)}…` : detail;
    // A hostile file can have a million findings: the first hundred are sufficient.
    if (this.#found.size < 100)
      this.#found.set(`${file}\n${rule}\n${shortened}`, { file, rule, severity, detail: shortened });
  }

  list(): readonly ScanFinding[] {
    return [...this.#found.values()];
  }
}
