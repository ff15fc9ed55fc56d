/** The transparency log of the audit: checkpoints, proofs, verification. */
export {
  checkpointText,
  keyHashInput,
  parseCheckpoint,
  parseVerifierKey,
  signedNote,
  splitNotes,
  verifierKeyText,
} from '#tlog/checkpoint.ts';
export type { Checkpoint, NoteSignature, SignedCheckpoint, VerifierKey } from '#tlog/checkpoint.ts';
export {
  consistencyPath,
  coveringNodes,
  GrowingTree,
  inclusionPath,
  provesConsistency,
  rangeRoot,
  rootOfInclusion,
  sameHash,
} from '#tlog/tree.ts';
export type { CompactRange, Hash, TreeHasher, TreeNode } from '#tlog/tree.ts';
export { findingText, LogVerifier, RESTORED_ENTRY } from '#tlog/verify-log.ts';
export type { LogEntry, LogFinding, LogReport } from '#tlog/verify-log.ts';
export { fromBase64, toBase64 } from '#tlog/base64.ts';
