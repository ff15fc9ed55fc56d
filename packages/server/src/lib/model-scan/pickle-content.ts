/** The content of a pickle, as far as its opcodes were interpreted. */
export interface PickleContent {
  /** `module name`, each once, in order of appearance. */
  readonly names: Map<string, readonly [module: string, name: string]>;
  /** Opcodes that call something or set its state. */
  calls: number;
  /** Names that are not strings of the pickle. */
  dynamic: boolean;
  /** Imports by extension code, from a registry that is not part of the file. */
  extension: boolean;
  /** It calls an object that it creates at load time: without a name, so no list applies. */
  callsMade: boolean;
  /** It reads an attribute of a module or class, or a private one of Python, with `getattr`. */
  reachesThrough: boolean;
  /** Suspicious strings, if it contains code. */
  readonly words: Set<string>;
  /** What `pickle.load` executes where `joblib.load` reads an array. */
  unlikeJoblib?: PickleContent;
}
