/**
 * What of a supervisor is its runtime: it loads the same modules of Node, nothing of ours, and says so at once.
 */

import "node:buffer";
import "node:child_process";
import { writeSync } from "node:fs";
import "node:os";
import "node:path";
import "node:process";
import "node:timers/promises";
import "node:url";

writeSync(1, "up\n");
