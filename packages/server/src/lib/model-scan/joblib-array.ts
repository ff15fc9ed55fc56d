/**
 * Arrays in joblib files: an object that describes the array, then a byte with the length of a padding, the padding,
 * and the bytes of the array; an array of objects is a nested pickle instead.
 */
import type { PickleBytes } from './pickle-bytes.ts';
import { PickleError } from './pickle-error.ts';
import { Dict, Dtype, Items, Named, type Value } from './pickle-values.ts';

const CLASS = 'joblib.numpy_pickle.NumpyArrayWrapper';
const SUBCLASSES: ReadonlySet<string> = new Set([
  'numpy.ndarray',
  'numpy.memmap',
  'numpy.matrix',
  'numpy.matrixlib.defmatrix.matrix',
]);
const KEYS: ReadonlySet<string> = new Set([
  'subclass',
  'shape',
  'order',
  'dtype',
  'allow_mmap',
  'numpy_array_alignment_bytes',
]);
/** Joblib aligns arrays to 16 bytes. A byte from 1 to 16 is no opcode: `pickle.load` ends with an error there. */
const MAX_PADDING = 16;
const PADDING = 0xff;

export function isWrapperClass(value: Value): boolean {
  return value instanceof Named && value.full === CLASS;
}

/** What follows the wrapper with this state. @throws PickleError unless joblib and this scan certainly read the same. */
export function readWrapper(state: Value): { readonly hasObjects: boolean; readonly bytes: number } {
  const entries = state instanceof Dict && state.isExact ? state.entries : new Map<string, Value>();
  if ([...entries.keys()].some((key) => !KEYS.has(key))) throw unclear('it has an unknown field');
  const dtype = entries.get('dtype');
  const subclass = entries.get('subclass');
  const shape = entries.get('shape');
  if (!(subclass instanceof Named) || !SUBCLASSES.has(subclass.full)) throw unclear('its class is not a NumPy class');
  if (!(dtype instanceof Dtype) || !dtype.isExact) throw unclear('the size of its elements is unknown');
  if (!(shape instanceof Items)) throw unclear('its shape is unknown');
  const sizes = shape.values.map((size) => {
    if (typeof size !== 'number' || size < 0) throw unclear('its shape is unknown');
    return size;
  });
  if (dtype.hasObjects) return { hasObjects: true, bytes: 0 };
  if (typeof entries.get('numpy_array_alignment_bytes') !== 'number') {
    throw new PickleError(
      'an array is not aligned, as by joblib before 1.2, and other readers could read it differently',
    );
  }
  // An array without bytes may have any shape.
  const bytes = sizes.includes(0) ? 0 : sizes.reduce((product, size) => product * size, dtype.size);
  if (!Number.isSafeInteger(bytes)) throw unclear('it is larger than the file size limit');
  return { hasObjects: false, bytes };
}

export function skipPadding(from: PickleBytes): void {
  const length = from.byte();
  if (length < 1 || length > MAX_PADDING) throw unclear('it has no padding');
  if (from.take(length).some((byte) => byte !== PADDING)) throw unclear('its padding has unexpected bytes');
}

function unclear(why: string): PickleError {
  return new PickleError(`a joblib array cannot be skipped: ${why}`);
}

/** Opcodes that create the wrapper of an array: frames, the memo, and the construction. */
const AROUND = [0x95, 0x70, 0x71, 0x72, 0x94];
export const CREATION = {
  arguments: new Set([...AROUND, 0x29]),
  creation: new Set([...AROUND, 0x81]),
};
