/**
 * Formats an array of numbers for PostgreSQL. Points of one call have few different steps and times, so each is converted to
 * text once, which is most of the work.
 */
export function numberArray(numbers: Float64Array | readonly (number | null)[]): string {
  let array = '{';
  let before: number | null = null;
  let text = 'null';
  for (let index = 0; index < numbers.length; index++) {
    const number = numbers[index]!;
    if (number !== before) {
      before = number;
      text = String(number);
    }
    array += index === 0 ? text : `,${text}`;
  }
  return `${array}}`;
}
