/** The page of the results. */

import { median, quantile } from "../statistics.ts";
import type { PeerFigures } from "./main.ts";
import type { Skipped } from "./peers.ts";

/** The page, before it is formatted. */
export function benchmarksPage(machine: string, figures: readonly PeerFigures[], skipped: readonly Skipped[]): string {
  const sorted = [...figures].sort((one, other) => median(one.pairNs) - median(other.pairNs));
  const rows = sorted.map(({ name, about, pairNs, handOverMs, coldMs, privateKib, left }) =>
    `| ${
      [
        name,
        about,
        time(median(pairNs)),
        `${median(handOverMs).toFixed(1)} ms (${quantile(handOverMs, 0.99).toFixed(1)} ms)`,
        `${(coldMs / 1000).toFixed(2)} s`,
        `${(privateKib / 1024).toFixed(1)} MiB`,
        left,
      ].join(" | ")
    } |`
  );
  return `# Beside the peers

Made by \`deno task bench:peers\`: the same work, in one run, in a random order. Machine: ${machine}.

| Peer | What it does | Acquire and release | From SIGKILL to the next owner (p99) | 100 cold clients | Own memory of a client | Left by a SIGKILL |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

- Acquire and release: one process, nobody else; the median of five processes. For locks it is lock and unlock.
- From SIGKILL to the next owner: until the next one, who waits, says so; the median and the 99th percentile. The time
  that a line through a pipe takes is in it.
- 100 cold clients: from the first start to the last one that has acquired and released once. With runtimes that is the
  start of the runtime.
- Left by a SIGKILL: when the only owner dies. What procref leaves is used again by the next one, and removed by the last
  one or by \`procref gc\`; a service with a supervisor leaves nothing, because the supervisor removes it.
${skipped.map(({ name, why }) => `- Not measured: ${name}: ${why}`).join("\n")}
`;
}

function time(ns: number): string {
  if (ns < 10_000) return `${(ns / 1000).toFixed(2)} us`;
  return ns < 1_000_000 ? `${(ns / 1000).toFixed(0)} us` : `${(ns / 1e6).toFixed(1)} ms`;
}
