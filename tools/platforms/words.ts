/** What PLATFORMS.md says beside what was run. */

export const BEFORE = `# Platforms

This page is made by \`deno task platforms\` of what the tasks \`test\`, \`test:arm64\`, \`test:windows\` and
\`check:abi\` ran last.

- **executed**: tests ran there, natively or on what is named.
- **ABI-checked**: every constant, size, offset and prototype that is used was compared with the system's own headers by
  a compiler, and linked; nothing was executed.
- **untested**: it should work, and nobody has seen it work.`;

/** What nothing here runs on. */
export const UNTESTED: readonly (readonly string[])[] = [
  ["Linux in gVisor", "any", "any", "`slots`", "untested; chosen because that kernel accepts SEM_UNDO and ignores it"],
  ["Android", "any", "Bun", "`slots`", "untested; chosen because the system ends a process that calls semget"],
  ["any other", "any", "any", "none", "a `PLATFORM` error"],
];

export const AFTER = `## Mechanisms

| Mechanism | Where | What counts |
| --- | --- | --- |
| \`sysv\` | Linux, macOS | System V semaphores with SEM_UNDO, which the kernel undoes when a process dies |
| \`handles\` | Windows | open handles of a named object, which the kernel closes when a process dies |
| \`slots\` | Linux, macOS; Windows when it is asked for | locked files (flock, LockFileEx), which the kernel unlocks when a process dies; where \`sysv\` is denied or lies, and in Deno without \`--allow-ffi\` |
| \`memory\` | anywhere | variables of one process; for tests, only when it is asked for |

\`procref doctor\` says which one is chosen on a machine, and why. Processes in different IPC or PID namespaces cannot
share a service: that is a \`DOMAIN_MISMATCH\` error where they use one state directory.

A supervisor or reaper is started through \`setsid\` (util-linux or BusyBox) on Linux. Where \`setpriv\` of util-linux is
there, the kernel kills a service whose supervisor is killed; elsewhere the next client, a holder or \`procref gc\` does.
\`procref doctor\` says which it is.`;
