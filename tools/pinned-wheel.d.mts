/** The address of a file on a page of an index, in the JSON form. */
export function addressInJson(text: string, file: string): string | undefined;

/** The same in the HTML form. */
export function addressInHtml(text: string, file: string): string | undefined;
