/**
 * A configuration in a JSON file that may change while the program runs.
 *
 * | what happens to the file | what the program has |
 * | --- | --- |
 * | a new, good text: written in place, renamed over it, or a link turned to it | the new configuration, `onChange` |
 * | a bad text: half written, no JSON, refused by the program | the old one, `onBad`, once for each text |
 * | it is gone | the old one, `onBad`; the next file that appears is read |
 * | the same text again | the old one, and nobody is told |
 *
 * The directory is watched, not the file: an editor that saves by renaming leaves a watch on a file behind. What the
 * system tells is only the hint to look; bursts of it are one look.
 *
 * @module
 */

import { type FSWatcher, readFileSync, statSync, watch } from "node:fs";
import { dirname, resolve } from "node:path";
import { ProcrefError } from "../errors.ts";
import { attempting } from "../kernel/attempting.ts";
import { tell } from "./lifecycle.ts";

/** How a configuration is read and watched. */
export interface ConfigOptions<T> {
  /** Turns what the JSON says into a configuration, or throws an error that says what is wrong with it. */
  readonly validate: (json: unknown) => T;
  /** Is told of each new configuration, and of the one before it. What it throws is told as `onBad` is. */
  readonly onChange?: (value: T, old: T) => unknown;
  /** Is told why a new text is not used: a line on standard error unless given. */
  readonly onBad?: (error: ProcrefError) => void;
  /** Whether the file is watched: true unless given. Without it, `reload()` reads it again. */
  readonly watch?: boolean;
  /** For how long the file must be quiet before it is read, in milliseconds: 100 unless given. */
  readonly debounceMs?: number;
}

/** Long enough for an editor that removes the file before it writes the new one. */
const DEBOUNCE_MS = 100;

/** A configuration that is kept up to date. Dispose it to watch no more. */
export class WatchedConfig<T> implements Disposable {
  /** The file. */
  readonly path: string;
  readonly #options: ConfigOptions<T>;
  readonly #debounceMs: number;
  #value: T;
  #text: string;
  #stamp: string;
  #watcher: FSWatcher | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** For {@link loadConfig}. */
  constructor(path: string, options: ConfigOptions<T>) {
    this.path = resolve(path);
    this.#options = options;
    this.#debounceMs = options.debounceMs ?? DEBOUNCE_MS;
    // Begun before the file is read: what changes in between is seen again.
    if (options.watch !== false) this.#watcher = this.#watch();
    try {
      this.#stamp = this.#look();
      this.#text = this.#read();
      this.#value = this.#parse(this.#text);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** The configuration: the last good one. */
  get value(): T {
    return this.#value;
  }

  /**
   * Reads the file again, now.
   *
   * @returns whether there is a new configuration. It never throws: a bad text is told to `onBad`
   */
  reload(): boolean {
    try {
      this.#stamp = this.#look();
      const text = this.#read();
      if (text === this.#text) return false;
      this.#text = text;
      const [value, old] = [this.#parse(text), this.#value];
      this.#value = value;
      this.#told(this.#options.onChange?.(value, old));
      return true;
    } catch (error) {
      this.#bad(error);
      return false;
    }
  }

  /** Watches no more; the last configuration stays. Safe to call again. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #watch(): FSWatcher {
    const directory = dirname(this.path);
    return attempting(`watch ${directory}`, directory, () => {
      const watcher = watch(directory, { persistent: false }, () => this.#soon());
      // It keeps no program running, which Deno must be told once more.
      watcher.unref();
      watcher.on("error", (error) => this.#bad(error));
      return watcher;
    });
  }

  /** Anything in the directory may be the file's affair: it can be a link through others. */
  #soon(): void {
    // Not put off by what comes meanwhile: a log beside the file may never be quiet.
    if (this.#watcher === undefined || this.#timer !== undefined) return;
    const seen = this.#stampNow();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#watcher === undefined) return;
      if (this.#stampNow() === seen) this.#reloadUnlessGone();
      else this.#soon();
    }, this.#debounceMs);
    this.#timer.unref?.();
  }

  /** Times of files go by steps of milliseconds and say too little of whether there is another text: it is read. */
  #reloadUnlessGone(): void {
    if (this.#stamp !== "" || this.#stampNow() !== "") this.reload();
  }

  /** What tells the file, or the one that a link leads to, from what it was; empty when there is none. */
  #stampNow(): string {
    const status = statSync(this.path, { throwIfNoEntry: false, bigint: true });
    return status === undefined ? "" : `${status.dev} ${status.ino} ${status.mtimeNs} ${status.ctimeNs} ${status.size}`;
  }

  #look(): string {
    return attempting(`read ${this.path}`, this.path, () => this.#stampNow());
  }

  #read(): string {
    return attempting(`read the configuration ${this.path}`, this.path, () => readFileSync(this.path, "utf8"));
  }

  #parse(text: string): T {
    try {
      // Editors of Windows may begin with a mark of the byte order.
      return this.#options.validate(JSON.parse(text.replace(/^\uFEFF/, "")));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ProcrefError("BROKEN_FILE", `Cannot use the configuration ${this.path}: ${why}`, {
        cause,
        details: { path: this.path },
      });
    }
  }

  #told(result: unknown): void {
    if (result instanceof Promise) result.catch((error) => this.#bad(error));
  }

  #bad(cause: unknown): void {
    const message = `Cannot follow the configuration ${this.path}: ${(cause as Error)?.message ?? String(cause)}`;
    const error = cause instanceof ProcrefError
      ? cause
      : new ProcrefError("OTHER", message, { cause, details: { path: this.path } });
    if (this.#options.onBad !== undefined) this.#options.onBad(error);
    else tell(`${error.message}; the old one stays`);
  }
}

/**
 * Reads a JSON file as the configuration of this program, and watches it.
 *
 * A new text that is no JSON, or that `validate` refuses, changes nothing: the program keeps the configuration that it
 * has, and `onBad` is told. For a reload at SIGHUP, pass `() => config.reload()` to {@link handleSignals}. Nothing is
 * written. The watch keeps no program running, and ends with it.
 *
 * @param path the file
 * @param options what makes a configuration of it, and who is told of changes
 * @returns the configuration, kept up to date until it is disposed
 * @throws ProcrefError `BROKEN_FILE` when the first text is bad; `IO` when there is none; `PERMISSION`
 *
 * @example
 * ```ts
 * import { loadConfig } from "@procref/core/lifecycle";
 * import { writeFileSync } from "node:fs";
 * import assert from "node:assert/strict";
 *
 * const validate = (json: unknown): { port: number } => {
 *   const { port } = json as { port: unknown };
 *   if (typeof port !== "number") throw new Error("port must be a number");
 *   return { port };
 * };
 * writeFileSync("example.json", '{ "port": 8080 }');
 * using config = loadConfig("example.json", { validate, onBad: (error) => console.warn(error.message) });
 * writeFileSync("example.json", '{ "port": "none" }');
 * assert.equal(config.reload(), false);
 * assert.equal(config.value.port, 8080);
 * ```
 */
export function loadConfig<T>(path: string, options: ConfigOptions<T>): WatchedConfig<T> {
  return new WatchedConfig(path, options);
}
