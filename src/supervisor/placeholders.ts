/**
 * What stands for something that is known only when a service is started.
 *
 * @module
 */

/** What is the same in every life of a service. */
export interface Names {
  readonly name: string;
  /** Empty for a service without one. */
  readonly namespace: string;
  /** The service's own directory. */
  readonly dir: string;
}

/** The values by the word between braces. */
export interface Placeholders extends Names {
  readonly port: number | undefined;
  readonly host: string;
}

/**
 * Replaces `{port}`, `{host}`, `{name}`, `{namespace}` and `{dir}`; anything else in braces stays, and so does an unknown
 * port.
 */
export function fillIn(text: string, values: Placeholders): string {
  return text.replace(
    /\{(port|host|name|namespace|dir)\}/g,
    (whole, word: keyof Placeholders) => String(values[word] ?? whole),
  );
}
