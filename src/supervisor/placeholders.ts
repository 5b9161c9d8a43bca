/**
 * What stands for something that is known only when a service is started.
 *
 * @module
 */

/** The values by the word between braces. */
export interface Placeholders {
  readonly port: number | undefined;
  readonly host: string;
  readonly name: string;
  readonly dir: string;
}

/** Replaces `{port}`, `{host}`, `{name}` and `{dir}`; anything else in braces stays, and so does an unknown port. */
export function fillIn(text: string, values: Placeholders): string {
  return text.replace(
    /\{(port|host|name|dir)\}/g,
    (whole, word: keyof Placeholders) => String(values[word] ?? whole),
  );
}
