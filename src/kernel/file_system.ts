/**
 * Which file systems do not keep locks as the counter of lock files needs them.
 *
 * @module
 */

import { realpathSync, statfsSync } from "node:fs";
import { parse } from "node:path";
import { FILE } from "../../ffi/symbols/windows_files.ts";
import { isWindows, wideText } from "../../ffi/windows.ts";
import { windowsFileCalls } from "../../ffi/windows_files.ts";
import { ProcrefError } from "../errors.ts";
import { attempting } from "./attempting.ts";

/**
 * By the numbers of linux/magic.h and of the file systems' own sources. Their locks are kept by a server, by another
 * kernel or by a program, if at all: they may not exclude, or stay when a process or a machine dies. The numbers that
 * macOS gives here are small ones.
 */
const UNFIT: { readonly [type: number]: string } = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xff534d42: "CIFS",
  0xfe534d42: "SMB2",
  0x5346414f: "AFS",
  0x6b414653: "AFS",
  0x73757245: "Coda",
  0x01021997: "9p",
  0x65735546: "FUSE or virtiofs",
  0x00c36400: "Ceph",
  0x01161970: "GFS2",
  0x7461636f: "OCFS2",
  0x0bd00bd0: "Lustre",
  0x47504653: "GPFS",
  0x20030528: "OrangeFS",
  0x786f4256: "a VirtualBox folder",
  0xbacbacbc: "a VMware folder",
};

/** The name of a file system whose locks cannot be relied on, by the number that statfs gives; undefined for others. */
export function unfitForLocks(type: number): string | undefined {
  // Some runtimes give numbers of 32 bits with a sign.
  return UNFIT[type >>> 0];
}

/**
 * Sees that locks can be kept in a directory.
 *
 * @throws ProcrefError `STATE_DIRECTORY` when its file system is shared with other machines or not the kernel's own;
 * `PERMISSION` when the runtime does not let us ask
 */
export function checkFileSystem(path: string): void {
  const unfit = isWindows() ? remoteDrive(path) : unfitHere(path);
  if (unfit === undefined) return;
  throw new ProcrefError(
    "STATE_DIRECTORY",
    `Cannot keep locks in ${path}: it is on ${unfit}, whose locks may not be given back when a process dies, or not be ` +
      "seen by all; choose a directory on this machine's own disk or in its memory",
    { details: { path } },
  );
}

function unfitHere(path: string): string | undefined {
  const doing = `see which file system ${path} is on (in Deno it needs --allow-sys=uid,statfs)`;
  const { type } = attempting(doing, path, () => statfsSync(path));
  return unfitForLocks(type);
}

/** What of Windows is another machine's: a drive that stands for a share, or a path that names one. */
function remoteDrive(path: string): string | undefined {
  const doing = `see which drive ${path} is on`;
  const { root } = parse(attempting(doing, path, () => realpathSync.native(path)));
  if (root.startsWith("\\\\")) return `the share ${root}`;
  const isRemote = windowsFileCalls().GetDriveTypeW(wideText(root)) === FILE.DRIVE_REMOTE;
  return isRemote ? `the network drive ${root}` : undefined;
}
