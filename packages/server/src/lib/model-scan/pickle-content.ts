/** What the opcodes of a pickle say, as far as they were executed. */
export interface PickleContent {
  /** `module name`, each once, in the order in which they came. */
  readonly names: Map<string, readonly [module: string, name: string]>;
  /** Opcodes that call something or set its state. */
  calls: number;
  /** Names that no text in the pickle gives. */
  dynamic: boolean;
  /** Imports by extension code, from a registry that is not part of the file. */
  extension: boolean;
  /** It calls something that it made itself while it is loaded: not a name, so no list knows what runs. */
  callsMade: boolean;
  /** It takes an attribute of a module or class, or one that Python keeps for itself, by `getattr`. */
  reachesThrough: boolean;
  /** Texts that a reader wants to know of, where it contains code. */
  readonly words: Set<string>;
  /** What `pickle.load` executes where `joblib.load` reads an array. */
  unlikeJoblib?: PickleContent;
}
