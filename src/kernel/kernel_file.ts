/**
 * Files in which the kernel tells of itself.
 *
 * @module
 */

import type { LinuxLibc } from "../../ffi/libc.ts";
import { LINUX } from "../../ffi/symbols/linux_libc.ts";

const PART_SIZE = 65536;

/** The text of a file of the kernel's, which no runtime is asked for; undefined when there is none. */
export function kernelFile({ open, read, close }: LinuxLibc, path: string): string | undefined {
  const descriptor = open(new TextEncoder().encode(`${path}\0`), LINUX.O_RDONLY | LINUX.O_CLOEXEC);
  if (descriptor < 0) return undefined;
  try {
    const decoder = new TextDecoder();
    const part = new Uint8Array(PART_SIZE);
    for (let text = "";;) {
      const length = read(descriptor, part, BigInt(PART_SIZE));
      if (length < 0) return undefined;
      if (length === 0) return text;
      text += decoder.decode(part.subarray(0, length), { stream: true });
    }
  } finally {
    close(descriptor);
  }
}
