function of(folder: string, names: readonly string[]): string[] {
  return names.map((name) => `${folder}/${name}_test.ts`);
}

/**
 * What of the suite runs on Windows: the rest is about mechanisms of other systems. Each file is a part of its own, for
 * Deno panics in Wine now and then, and a part begins anew then.
 */
export const SUITES: readonly string[] = [
  "tests/contract/ref_counter_test.ts",
  "tests/kernel/object_name_test.ts",
  "tests/kernel/handles_test.ts",
  "tests/kernel/file_stamp_test.ts",
  "tests/kernel/file_watch_test.ts",
  "tests/kernel/state_file_test.ts",
  "tests/kernel/path_lock_test.ts",
  ...of("tests/kernel", ["blocking_wait", "file_clean_up"]),
  ...of("tests/lifecycle", ["config", "daemon", "hooks", "instance", "serve", "signals"]),
  "tests/kernel/slots_rivals_test.ts",
  "tests/kernel/slots_vanishing_test.ts",
  ...of("tests/group", ["faults", "group", "killed"]),
  "tests/cli/doctor_test.ts",
  "tests/cli/gc_test.ts",
  "tests/cli/documented_commands_test.ts",
  "tests/cli/look_test.ts",
  "tests/cli/run_test.ts",
  "tests/cli/stop_test.ts",
  "tests/cli/terminal_test.ts",
  "tests/cli/usage_test.ts",
  "tests/cli/words_test.ts",
  ...of("tests/cli", ["mismatch", "placeholders", "shown_command"]),
  "tests/ffi/last_error_test.ts",
  "tests/ffi/windows_test.ts",
  ...of("tests/multiprocess", [
    "counter_children",
    "counter_crash",
    "counter_killed_at_each_step",
    "counter_leaks",
    "counter_leavers",
    "counter_threads",
  ]),
  "tests/process/manager_test.ts",
  "tests/process/windows_test.ts",
  "tests/process/variables_test.ts",
  "tests/process/working_directory_test.ts",
  "tests/process/stop_test.ts",
  "tests/process/is_alive_test.ts",
  "tests/process/process_watch_test.ts",
  "tests/process/group_test.ts",
  "tests/registry/concurrent_test.ts",
  "tests/registry/killed_at_each_step_test.ts",
  "tests/registry/peers_faults_test.ts",
  "tests/registry/register_and_find_test.ts",
  "tests/registry/state_test.ts",
  ...of("tests/semaphore", [
    "file_semaphore",
    "semaphore_contention",
    "semaphore_crash",
    "semaphore_waiting",
    "slot_manager",
  ]),
  "tests/service/acquire_release_test.ts",
  "tests/service/callbacks_test.ts",
  "tests/service/client_process_test.ts",
  "tests/service/crash_test.ts",
  "tests/service/holders_test.ts",
  "tests/service/killed_at_each_step_test.ts",
  "tests/service/nested_test.ts",
  "tests/service/record_test.ts",
  "tests/service/refused_test.ts",
  "tests/service/release_with_parent_test.ts",
  "tests/service/service_log_test.ts",
  ...of("tests/service", ["options", "shown"]),
  "tests/supervisor/burst_test.ts",
  "tests/supervisor/channels_test.ts",
  "tests/supervisor/configuration_test.ts",
  "tests/supervisor/crash_loop_test.ts",
  "tests/supervisor/killed_at_each_step_test.ts",
  "tests/supervisor/killed_at_random_test.ts",
  "tests/supervisor/log_test.ts",
  "tests/supervisor/module_test.ts",
  "tests/supervisor/permissions_test.ts",
  "tests/supervisor/port_test.ts",
  "tests/supervisor/promises_test.ts",
  "tests/supervisor/readiness_test.ts",
  "tests/supervisor/reaper_test.ts",
  "tests/supervisor/restart_test.ts",
  "tests/supervisor/slots_test.ts",
  "tests/supervisor/start_failure_test.ts",
  "tests/supervisor/stop_test.ts",
  "tests/supervisor/strangers_test.ts",
  "tests/supervisor/supervisor_killed_test.ts",
  "tests/supervisor/survives_test.ts",
  ...of("tests/supervisor", ["release", "same_port"]),
];

/** What needs Linux below Windows. */
export const WINE_SUITES = ["tools/windows/killed_from_linux_test.ts", "tools/windows/wine_files_test.ts"] as const;

/** What of it runs where there is no time for all. */
export const SHORT: readonly string[] = [
  "tests/contract/ref_counter_test.ts",
  "tests/service/acquire_release_test.ts",
  ...of("tests/supervisor", ["burst", "supervisor_killed"]),
];

/** What would make sense there and does not run, beside the tests that say so themselves. */
export const LEFT_OUT = [
  {
    what: "`tests/multiprocess` by `slots`",
    why: "with Wine's one server it takes ten minutes in Deno, and two files did not end within minutes in Bun",
  },
  {
    what: "`tests/supervisor/late_start_test.ts`",
    why: "it waits out limits of time, three minutes in Wine, for texts that are the same everywhere",
  },
] as const;
