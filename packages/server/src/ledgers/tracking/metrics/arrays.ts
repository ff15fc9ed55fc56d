/**
 * An array of numbers as PostgreSQL reads it. What is logged together has few different steps and times: each is made
 * text once for all that follow, which is most of the work.
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
