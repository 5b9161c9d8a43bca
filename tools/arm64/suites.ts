/** What of the suite runs on arm64, and what would make sense there and does not. */

import type { RuntimeName } from "../../tests/harness/runtime.ts";
import type { LeftOut } from "../suite/results.ts";

export const CONTRACT = "tests/contract/ref_counter_test.ts";
/** Each step over lock files takes the emulator ten milliseconds and more, and the contract has a hundred thousand. */
export const OF_CONTRACT = "RefCounter (sysv) ";

const IN_BOTH = [
  CONTRACT,
  "tests/ffi/layout_test.ts",
  "tests/ffi/symbols_test.ts",
  "tests/ffi/checked_test.ts",
  "tests/ffi/errno_test.ts",
  ...[
    ...["choice", "file_stamp", "file_watch", "handles", "object_name", "path_lock", "slots_rivals", "slots"],
    ...["slots_vanishing", "state_directory", "sysv_errors", "sysv_operations", "sysv_removed", "sysv_set", "sysv_xnu"],
  ].map((name) => `tests/kernel/${name}_test.ts`),
  ...["group", "is_alive", "manager", "proc_files", "process_watch", "stop", "variables"]
    .map((name) => `tests/process/${name}_test.ts`),
  "tests/semaphore/semaphore_crash_test.ts",
  "tests/semaphore/slot_manager_test.ts",
  "tests/registry/register_and_find_test.ts",
  "tests/lifecycle/hooks_test.ts",
] as const;

/** What they start is of both runtimes mostly, whoever runs them; for its own part Deno takes three times as long. */
const IN_BUN = [
  "tests/semaphore/file_semaphore_test.ts",
  "tests/registry/peers_faults_test.ts",
  "tests/lifecycle/config_test.ts",
  "tests/lifecycle/instance_test.ts",
  "tests/lifecycle/signals_test.ts",
  "tests/group/killed_test.ts",
  "tests/cli/lock_test.ts",
] as const;

export const SUITES: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: IN_BOTH,
  bun: [...IN_BOTH, ...IN_BUN],
};

/** What of it runs where there is no time for all: the counter, and who a process is. */
export const SHORT: readonly string[] = [
  CONTRACT,
  "tests/ffi/symbols_test.ts",
  ...["is_alive", "proc_files"].map((name) => `tests/process/${name}_test.ts`),
];

const SLOW: readonly LeftOut[] = [
  {
    what: "`tests/kernel/state_file_test.ts`",
    why: "its thousands of durable writes did not end within eight minutes",
  },
  {
    what: "`semaphore_contention_test.ts` and `semaphore_waiting_test.ts` of `tests/semaphore`",
    why: "1,000 hand-overs take the emulator more time than the test has; the other one measures how fast one is",
  },
  {
    what: "`tests/group/faults_test.ts`",
    why: "a program takes the emulator longer to start than the limits that it sets",
  },
  {
    what:
      "`tests/process/linux_access_test.ts`; `concurrent_test.ts` and `killed_at_each_step_test.ts` of `tests/registry`",
    why: "they start programs by the dozen, which takes the emulator minutes",
  },
  {
    what: "`tests/lifecycle/daemon_test.ts`",
    why: "a daemon is started by the path of its runtime, which the emulator has no hold of",
  },
  {
    what: "`tests/registry/state_test.ts`, `tests/group/group_test.ts`, `tests/lifecycle/serve_test.ts`",
    why: "they take the emulator a minute and more each, and say less about the platform than what runs",
  },
];

export const LEFT_OUT: Readonly<Record<RuntimeName, readonly LeftOut[]>> = {
  deno: [
    ...SLOW,
    {
      what: IN_BUN.map((file) => `\`${file}\``).join(", "),
      why: "they run in Bun, mostly with processes of both runtimes; the emulator takes three times as long for Deno",
    },
  ],
  bun: SLOW,
};
