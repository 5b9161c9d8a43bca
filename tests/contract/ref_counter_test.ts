import process from "node:process";
import { test } from "node:test";
import { libc } from "../../ffi/libc.ts";
import { openRefCounter } from "../../src/kernel/open.ts";
import { HANDLES_CAPABILITIES } from "../../src/kernel/handles_ref_counter.ts";
import { MEMORY_CAPABILITIES } from "../../src/kernel/memory_ref_counter.ts";
import { SLOTS_CAPABILITIES } from "../../src/kernel/slots_ref_counter.ts";
import { sysvCapabilities } from "../../src/kernel/sysv_ref_counter.ts";
import { refCounterContract } from "../../src/testing/mod.ts";
import { uniqueName } from "../harness/names.ts";

/** What the kernel of this machine has. */
const KERNEL_CAPABILITIES = process.platform === "win32"
  ? [HANDLES_CAPABILITIES, SLOTS_CAPABILITIES]
  : [sysvCapabilities(libc().semaphores), SLOTS_CAPABILITIES];

for (const capabilities of [MEMORY_CAPABILITIES, ...KERNEL_CAPABILITIES]) {
  refCounterContract({
    test: (name, body) => void test(name, body),
    open: (name) => openRefCounter(name, { mechanism: capabilities.mechanism }),
    uniqueName: () => uniqueName(capabilities.mechanism),
    capabilities,
  });
}
