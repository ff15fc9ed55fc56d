/** Checks the operators of an ONNX model and the files of its weights. */
import { ProtobufError, ProtobufReader } from '#lib/formats/protobuf-reader.ts';
import type { Findings } from './scan-finding.ts';

/** Graphs inside graphs. */
const MOST_DEPTH = 32;
/** Domains whose operators only compute. `com.microsoft`: those that are part of the runtime. */
const KNOWN_DOMAINS: ReadonlySet<string> = new Set([
  '',
  'ai.onnx',
  'ai.onnx.ml',
  'ai.onnx.preview.training',
  'com.microsoft',
  'com.microsoft.nchwc',
]);

/** `beside`: paths of the other files of the model, relative to the folder of this one. */
export function scanOnnx(bytes: Buffer, beside: ReadonlySet<string>, findings: Findings): void {
  try {
    new OnnxScan(bytes, beside, findings).model();
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    findings.add('onnx-broken', 'block', `It cannot be read as an ONNX model: ${error.message}.`);
  }
}

class OnnxScan {
  readonly #reader: ProtobufReader;
  readonly #beside: ReadonlySet<string>;
  readonly #findings: Findings;
  #depth = 0;
  #graphs = 0;

  constructor(bytes: Buffer, beside: ReadonlySet<string>, findings: Findings) {
    this.#reader = new ProtobufReader(bytes);
    this.#beside = beside;
    this.#findings = findings;
  }

  model(): void {
    this.#fields({
      7: () => this.#graph(),
      // Functions have their nodes in field 7; training graphs start with graphs.
      25: () => this.#message({ 7: () => this.#node() }),
      20: () => this.#message({ 1: () => this.#graph(), 2: () => this.#graph() }),
    });
    if (this.#graphs === 0) throw new ProtobufError('it has no graph');
  }

  #graph(): void {
    this.#graphs += 1;
    this.#message({
      1: () => this.#node(),
      5: () => this.#tensor(),
      15: () => this.#sparse(),
    });
  }

  #node(): void {
    let operator = '';
    let domain = '';
    this.#message({
      4: () => (operator = this.#reader.text()),
      7: () => (domain = this.#reader.text()),
      5: () => this.#attribute(),
    });
    if (!KNOWN_DOMAINS.has(domain)) {
      this.#findings.add('onnx-operator', 'block', `${domain}::${operator} is code that is not part of ONNX Runtime.`);
    }
  }

  #attribute(): void {
    this.#message({
      5: () => this.#tensor(),
      6: () => this.#graph(),
      10: () => this.#tensor(),
      11: () => this.#graph(),
      22: () => this.#sparse(),
      23: () => this.#sparse(),
    });
  }

  #sparse(): void {
    this.#message({ 1: () => this.#tensor(), 2: () => this.#tensor() });
  }

  #tensor(): void {
    let location: string | undefined;
    let external = false;
    this.#message({
      13: () => {
        let key = '';
        let value = '';
        this.#message({ 1: () => (key = this.#reader.text()), 2: () => (value = this.#reader.text()) });
        if (key === 'location') location = value;
      },
      14: () => (external = this.#reader.int32() === 1),
    });
    if (external || location !== undefined) this.#external(location ?? '');
  }

  #external(location: string): void {
    const plain = location.replace(/^\.\//, '');
    const leaves =
      /^[/\\]|^[a-z][a-z0-9+.-]*:/i.test(plain) || plain.split(/[\\/]/).includes('..') || plain.includes('\0');
    if (leaves) {
      this.#findings.add(
        'onnx-external-data',
        'block',
        `The model loads weights from ${JSON.stringify(location)}, which is outside of the model.`,
      );
    } else if (!this.#beside.has(plain)) {
      this.#findings.add(
        'onnx-external-data',
        'block',
        `The model loads weights from ${JSON.stringify(location)}, which does not exist.`,
      );
    }
  }

  #message(fields: Readonly<Record<number, () => unknown>>): void {
    if (this.#depth >= MOST_DEPTH) throw new ProtobufError('it is nested too deeply');
    this.#depth += 1;
    this.#reader.message(() => this.#fields(fields));
    this.#depth -= 1;
  }

  #fields(fields: Readonly<Record<number, () => unknown>>): void {
    while (this.#reader.next()) {
      const read = fields[this.#reader.field];
      if (read === undefined) this.#reader.skip();
      else read();
    }
  }
}
