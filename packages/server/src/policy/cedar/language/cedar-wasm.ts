import type * as CedarModule from '@cedar-policy/cedar-wasm/nodejs';

/** The reference implementation of Cedar: parses, validates, and decides where the compiled evaluator may not. */
export type CedarWasm = typeof CedarModule;

let loading: Promise<CedarWasm> | undefined;

/** Loaded when first needed: 4 MB, 20 ms, 15 MB of memory that a Dais without policies never uses. */
export async function loadCedarWasm(): Promise<CedarWasm> {
  loading ??= import('@cedar-policy/cedar-wasm/nodejs');
  return await loading;
}
