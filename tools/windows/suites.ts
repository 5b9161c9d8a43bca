/** What of the suite runs on Windows: the rest is about mechanisms of other systems. */
export const SUITES = [
  "tests/contract/ref_counter_test.ts",
  "tests/kernel/object_name_test.ts",
  "tests/kernel/handles_test.ts",
  "tests/ffi/last_error_test.ts",
  "tests/ffi/windows_test.ts",
  "tests/multiprocess",
] as const;

/** What needs Linux below Windows. */
export const WINE_SUITES = ["tools/windows/killed_from_linux_test.ts"] as const;
