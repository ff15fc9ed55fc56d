/**
 * Computes, from the bytes of an ONNX file alone, how much memory and time a run can need at most. Nothing is loaded into a
 * runtime, so a hostile file costs no more than its own size to analyze.
 */

export interface OnnxBoundOptions {
  /** Rows that one run may have: the bound holds for every batch from 0 rows up to this. */
  readonly maxBatch: number;
  /** Largest size of every other open dimension of an input. Without it, a model that has one is not bounded. */
  readonly maxOpenDimension?: number;
  /** Bytes of text that the inputs of one run may have in total. Default 1 MiB. */
  readonly maxTextBytes?: number;
  /** Size in bytes of each external data file, by its location as the ONNX file writes it. */
  readonly externalData?: ReadonlyMap<string, number>;
}

/** The node whose outputs take the most memory, for messages. */
export interface LargestNode {
  readonly operator: string;
  readonly node: string;
  readonly bytes: number;
}

export type OnnxBound =
  | {
      readonly bounded: true;
      /** Memory that loading and one run at the largest admitted batch need at most: weights, inputs, outputs of all nodes, scratch. */
      readonly peakBytes: number;
      /** The part of `peakBytes` that does not depend on the batch: the loaded model. */
      readonly loadBytes: number;
      /** Estimate of arithmetic operations of one run at the largest admitted batch; 10⁹ take about one second on one core. */
      readonly operations: number;
      readonly largest: LargestNode | undefined;
    }
  | {
      readonly bounded: false;
      /** Names the operator and the node: "operator Loop in node `x`: …". */
      readonly reason: string;
    };

/** Never throws for a malformed file: that is a reason. */
export function boundOnnx(_file: Buffer, _options: OnnxBoundOptions): OnnxBound {
  return { bounded: false, reason: 'the analysis of graphs is not implemented' };
}
