/**
 * Names: which are allowed, and what the kernel and the file system call the object of a name.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { ProcrefError } from "../errors.ts";

/** Who shares an object: all processes of one user, or all processes of the machine. */
export type Scope = "user" | "system";

/** A user's identity: a number, or on Windows a text. */
export type User = number | string;

/** A name with all that tells it from other objects of the same name. */
export interface ObjectName {
  /** The name itself. */
  readonly name: string;
  /** The project or worktree that it belongs to; empty for none. */
  readonly namespace: string;
  /** Who shares it. */
  readonly scope: Scope;
  /** SHA-256 of all that tells it apart, its first 16 bytes at least: for keys and fingerprints. */
  readonly digest: Uint8Array;
  /** A file name of at most 73 bytes: a readable part, a dot, 32 hexadecimal digits. */
  readonly fileName: string;
}

const LONGEST_NAME = 200;
// Controls, lone surrogates, line separators, and the marks that make a text read in another order than it is.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u;

/**
 * Checks a name: 1 to 200 bytes of printable UTF-8 without `/`, `\`, NUL and control characters.
 *
 * @param what what the name is for, for the message
 * @throws ProcrefError `INVALID_NAME`
 */
export function checkName(name: unknown, what: string): asserts name is string {
  const problem = nameProblem(name);
  if (problem !== undefined) {
    throw new ProcrefError(
      "INVALID_NAME",
      `Cannot use ${JSON.stringify(name) ?? String(name)} as a ${what}: ${problem}; ` +
        `use 1 to ${LONGEST_NAME} bytes of printable text without / and \\`,
    );
  }
}

function nameProblem(name: unknown): string | undefined {
  if (typeof name !== "string") return `it is ${name === null ? "null" : typeof name}, not text`;
  if (name.trim() === "") return "it is empty";
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > LONGEST_NAME) return `it is ${bytes} bytes long`;
  if (/[/\\]/.test(name)) return "it contains a slash or backslash";
  if (UNPRINTABLE.test(name)) return "it contains a character that cannot be printed";
  return undefined;
}

/**
 * Gives a name its identity.
 *
 * @param name the name, as {@link checkName} allows it
 * @param user the effective user; it is part of the identity unless the scope is `system`
 * @param options `namespace` separates projects, `scope` users, and `directory` (an absolute path) those who keep
 * their state elsewhere
 * @throws ProcrefError `INVALID_NAME`, `INVALID_ARGUMENT`
 */
export function objectName(
  name: string,
  user: User,
  options: { namespace?: string; scope?: Scope; directory?: string } = {},
): ObjectName {
  const { namespace = "", scope = "user", directory = "" } = options;
  checkName(name, "name");
  if (namespace !== "") checkName(namespace, "namespace");
  if (scope !== "user" && scope !== "system") {
    throw new ProcrefError("INVALID_ARGUMENT", `Cannot use ${String(scope)} as a scope: use "user" or "system"`);
  }
  const identity = JSON.stringify(["procref", 1, scope, scope === "user" ? user : "", directory, namespace, name]);
  const digest = createHash("sha256").update(identity).digest();
  const readable = name.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 40);
  return {
    name,
    namespace,
    scope,
    digest: new Uint8Array(digest),
    fileName: `${readable}.${digest.toString("hex").slice(0, 32)}`,
  };
}

const FILE_NAME = /^[A-Za-z0-9_-]{1,40}\.([0-9a-f]{32})$/;

/**
 * Reads the identity of a name back from its file name, which holds half of the digest: enough for key and fingerprint
 * of its kernel object. The name itself is not in it; what stands for it is the file name.
 *
 * @param fileName what may be an {@link ObjectName.fileName}
 * @param scope who shares the object
 * @returns undefined when it is none
 */
export function objectNameOfFile(fileName: string, scope: Scope): ObjectName | undefined {
  const [, digits] = FILE_NAME.exec(fileName) ?? [];
  if (digits === undefined) return undefined;
  const digest = Uint8Array.from(digits.match(/../g)!, (byte) => parseInt(byte, 16));
  return { name: fileName, namespace: "", scope, digest, fileName };
}
