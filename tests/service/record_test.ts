import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { isProcrefError, process as processes, type ProcrefError, ServiceInfo, SharedService } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import { removeTree, uniqueName, withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { startSleeper } from "../harness/sleeper.ts";

interface Watched {
  readonly service: SharedService;
  readonly warnings: ProcrefError[];
  readonly starts: number[];
}

function watched(directory: string, name = uniqueName()): Watched {
  const warnings: ProcrefError[] = [];
  const starts: number[] = [];
  const service = new SharedService(name, {
    directory,
    onFirstAcquire(): { pid: number; port: number } {
      const pid = startSleeper();
      starts.push(pid);
      return { pid, port: 1234 };
    },
  });
  service.addEventListener("warning", (event) => warnings.push(event.detail));
  return { service, warnings, starts };
}

/** The one record below a state directory. */
function recordPath(directory: string): string {
  const [entry] = readdirSync(directory);
  return join(directory, entry, "record.json");
}

test("ServiceInfo survives JSON, and rejects what is none", () => {
  const info = new ServiceInfo(process.pid, 80, { host: "::1" }).setMetadata("a", "b");
  const back = ServiceInfo.fromJSON(JSON.parse(JSON.stringify(info)));
  assert.deepEqual(back.toJSON(), info.toJSON());
  assert.deepEqual(back.identity, processes.identityOf(process.pid));
  assert.deepEqual(back.metadata, { a: "b" });
  assert.equal(ServiceInfo.withPid(process.pid).port, undefined);
  assert.equal(new ServiceInfo(process.pid, 80, { start: "another time" }).isAlive(), false);
  assert.equal(new ServiceInfo(undefined, 80).isAlive(), true);
  for (const value of [null, "x", 1, [], {}, { pid: 2.5 }, { pid: "2" }, { port: -1 }, { start: "x", port: 1 }]) {
    assert.throws(() => ServiceInfo.fromJSON(value), (error) => isProcrefError(error, "SERVICE_INFO"));
  }
  assert.throws(() => info.setMetadata("a", 1 as unknown as string), (error) => isProcrefError(error, "SERVICE_INFO"));
});

test("a record is owner-only, complete, and gone with its directory after the last release", async () => {
  await withDirectory(async (directory) => {
    const { service } = watched(directory);
    const handle = await service.acquire();
    const path = recordPath(directory);
    if (!onWindows) assert.equal(lstatSync(path).mode & 0o777, 0o600);
    if (!onWindows) assert.equal(lstatSync(join(path, "..")).mode & 0o777, 0o700);
    assert.deepEqual(
      readdirSync(join(path, "..")).sort(),
      ["holders", "mechanism", "record.json"],
      "no temporary file is left",
    );
    const record = JSON.parse(readFileSync(path, "utf8"));
    assert.equal(record.name, service.name);
    assert.equal(record.phase, "READY");
    assert.equal(record.info.pid, handle.pid);
    await handle.release();
    assert.deepEqual(readdirSync(directory), []);
  });
});

/** What may stand where a record should be. Each is treated as absent and reported. */
const SPOILT: Record<string, (path: string, text: string) => void> = {
  "empty": (path) => writeFileSync(path, ""),
  "half-written": (path, text) => writeFileSync(path, text.slice(0, text.length / 2)),
  "not JSON": (path) => writeFileSync(path, "pid=1"),
  "not UTF-8": (path) => writeFileSync(path, new Uint8Array([0xff, 0xfe, 0x00])),
  "an array": (path) => writeFileSync(path, "[]"),
  "null": (path) => writeFileSync(path, "null"),
  "of another format": (path, text) => writeFileSync(path, text.replace('"procref": 1', '"procref": 2')),
  "of another service": (path, text) => writeFileSync(path, text.replace('"namespace": ""', '"namespace": "other"')),
  "of an unknown phase": (path, text) => writeFileSync(path, text.replace("READY", "GONE")),
  "without a generation": (path, text) => writeFileSync(path, text.replace(/"generation": \d+/, '"generation": "x"')),
  "without a service": (path, text) => writeFileSync(path, text.replace('"info"', '"information"')),
  "with PID 0": (path, text) => writeFileSync(path, text.replace(/"pid": \d+/, '"pid": 0')),
  "with PID -1": (path, text) => writeFileSync(path, text.replace(/"pid": \d+/, '"pid": -1')),
  "with a PID and no start time": (path, text) => writeFileSync(path, text.replace(/"start": .*/, "")),
  "huge": (path, text) => writeFileSync(path, text + " ".repeat(70_000)),
  "deeply nested": (path) => writeFileSync(path, "[".repeat(60_000)),
  "a link to elsewhere": (path, text) => {
    rmSync(path);
    writeFileSync(`${path}.elsewhere`, text);
    symlinkSync(`${path}.elsewhere`, path);
  },
  "a dangling link": (path) => {
    rmSync(path);
    symlinkSync(`${path}.nowhere`, path);
  },
  "a directory": (path) => {
    rmSync(path);
    mkdirSync(path);
  },
  "a pipe": (path) => {
    rmSync(path);
    execFileSync("mkfifo", [path]);
  },
};

for (const [kind, spoil] of Object.entries(SPOILT)) {
  test(`a record that is ${kind} is treated as absent and reported, never trusted`, {
    skip: kind.includes("link") && notOnWindows("links") || kind === "a pipe" && notOnWindows("pipes"),
  }, async () => {
    await withDirectory(async (directory) => {
      // A leftover: its service runs, nobody holds it, and then its record is spoilt.
      const { service, warnings, starts } = watched(directory);
      const leftover = startSleeper();
      const before = new SharedService(service.name, {
        directory,
        onFirstAcquire: () => ({ pid: leftover }),
        reaper: false,
        onLastRelease: () => Promise.reject(new Error("left behind")),
        stopTimeoutMs: 1000,
      });
      await assert.rejects((await before.acquire()).release());
      const path = recordPath(directory);
      spoil(path, readFileSync(path, "utf8"));
      if (kind === "a directory") {
        // Not even to be replaced by a file: that is an error, and nothing is lost.
        await assert.rejects(service.acquire(), (error) => isProcrefError(error, "IO"));
        rmSync(path, { recursive: true });
      }
      await service.use((handle) => assert.deepEqual([handle.pid], starts));
      assert.ok(warnings.length > 0 || kind === "a directory");
      for (const warning of warnings) {
        assert.ok(["SERVICE_INFO", "IO"].includes(warning.code));
        assert.ok(warning.message.includes(path));
      }
      assert.ok(processes.isAlive(leftover), "what an unbelievable record names is not touched");
      processes.kill(leftover);
    });
  });
}

test(
  "a record of another user is not trusted",
  { skip: notOnWindows("owners") || process.getuid!() !== 0 && "needs root to give a file away" },
  async () => {
    await withDirectory(async (directory) => {
      const { service, warnings, starts } = watched(directory);
      const first = await service.acquire();
      const path = recordPath(directory);
      chownSync(path, 12345, 12345);
      const other = watched(directory, service.name);
      const joining = other.service.acquire();
      // The holder writes it again within a second or so; it belongs to us then.
      const second = await joining;
      assert.equal(second.pid, first.pid);
      assert.equal(lstatSync(path).uid, process.getuid!());
      assert.ok([...warnings, ...other.warnings].some(({ message }) => message.includes("belongs to user 12345")));
      assert.equal(starts.length, 1);
      await second.release();
      await first.release();
    });
  },
);

test("a record that a cleaner removed while the service is held is written again, and nobody starts a second one", async () => {
  await withDirectory(async (directory) => {
    const holder = watched(directory);
    const first = await holder.service.acquire();
    const path = recordPath(directory);
    rmSync(join(path, ".."), { recursive: true });
    const other = watched(directory, holder.service.name);
    const second = await other.service.acquire();
    assert.equal(second.pid, first.pid);
    assert.ok(existsSync(path));
    assert.deepEqual(other.starts, []);
    await second.release();
    await first.release();
    assert.deepEqual(readdirSync(directory), []);
  });
});

test("the last release stops a service whose record was removed a moment ago", async () => {
  await withDirectory(async (directory) => {
    const { service } = watched(directory);
    const handle = await service.acquire();
    rmSync(recordPath(directory));
    await handle.release();
    assert.ok(!processes.isAlive(handle.pid!));
    assert.deepEqual(readdirSync(directory), []);
  });
});

test("a record of an earlier boot is nobody's, and one of another container is an error", async () => {
  await withDirectory(async (directory) => {
    const { service, warnings, starts } = watched(directory);
    const handle = await service.acquire();
    const path = recordPath(directory);
    const text = readFileSync(path, "utf8");
    const write = (change: (domain: Record<string, string>) => void): void => {
      const record = JSON.parse(text);
      change(record.domain);
      mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
      writeFileSync(path, JSON.stringify(record), { mode: 0o600 });
    };
    await handle.release();

    write((domain) => domain.ipc = "ipc:[1]");
    await assert.rejects(service.acquire(), (error) => isProcrefError(error, "DOMAIN_MISMATCH"));
    assert.equal(await service.count(), 0);
    write((domain) => domain.pid = "pid:[1]");
    await assert.rejects(service.acquire(), (error) => isProcrefError(error, "DOMAIN_MISMATCH"));

    write((domain) => domain.boot = "00000000-0000-0000-0000-000000000000");
    await service.use((again) => assert.equal(again.pid, starts[1]));
    assert.deepEqual(warnings.filter(({ code }) => code !== "DOMAIN_MISMATCH"), []);
  });
});

test("a squatted state directory is refused: link, file, wide mode", async () => {
  await withDirectory(async (parent) => {
    const real = join(parent, "real");
    mkdirSync(real, { mode: 0o700 });
    const places: Record<string, () => void> = {
      link: () => symlinkSync(real, join(parent, "link")),
      file: () => writeFileSync(join(parent, "file"), ""),
      wide: () => {
        mkdirSync(join(parent, "wide"));
        chmodSync(join(parent, "wide"), 0o755);
      },
    };
    if (onWindows) { for (const place of ["link", "wide"]) delete places[place]; }
    for (const [place, make] of Object.entries(places)) {
      make();
      const { service, starts } = watched(join(parent, place));
      await assert.rejects(
        service.acquire(),
        (error) => isProcrefError(error, "STATE_DIRECTORY") && error.message.includes(place),
      );
      assert.deepEqual(starts, []);
    }
  });
});

test("a service directory that somebody squats inside the state directory is refused", {
  skip: notOnWindows("links"),
}, async () => {
  await withDirectory(async (directory) => {
    const { service } = watched(directory);
    const handle = await service.acquire();
    const own = join(recordPath(directory), "..");
    await handle.release();
    mkdirSync(join(directory, "elsewhere"), { mode: 0o700 });
    symlinkSync(join(directory, "elsewhere"), own);
    await assert.rejects(service.acquire(), (error) => isProcrefError(error, "STATE_DIRECTORY"));
    assert.deepEqual(readdirSync(join(directory, "elsewhere")), []);
    assert.equal(await service.count(), 0);
  });
});

test("a read-only or full state directory gives the reference back and says so", async () => {
  await withDirectory(async (directory) => {
    const { service } = watched(directory);
    const handle = await service.acquire();
    const own = join(recordPath(directory), "..");
    await handle.release();
    // A directory where the temporary file would be stands for any failure to write.
    mkdirSync(join(own, "record.json.tmp", "full"), { recursive: true, mode: 0o700 });
    await assert.rejects(service.acquire(), (error) => isProcrefError(error, "IO") && error.message.includes(own));
    assert.equal(await service.count(), 0);
    removeTree(own);
    await service.use(() => {});
  });
});

test("metadata and record reach a service that is acquired later", async () => {
  await withDirectory(async (directory) => {
    const name = uniqueName();
    const first = new SharedService(name, {
      directory,
      onFirstAcquire: () => new ServiceInfo(startSleeper(), 9).setMetadata("url", "kv://näme").setMetadata("x", ""),
    });
    await using one = await first.acquire();
    const second = watched(directory, name);
    await using two = await second.service.acquire();
    assert.deepEqual(two.info.toJSON(), one.info.toJSON());
    assert.equal(two.info.getMetadata("url"), "kv://näme");
    await eventually(() => processes.isAlive(two.info.identity!), "the identity is that of the process");
  });
});

test("a service that cannot be put on record is stopped, and the error says why", async () => {
  await withDirectory(async (directory) => {
    let pid = 0;
    const name = uniqueName();
    const service = new SharedService(name, {
      directory,
      onFirstAcquire(): { pid: number } {
        // The disk fills up while the service starts: a directory in the way stands for it.
        mkdirSync(join(recordPath(directory), "..", "record.json.tmp", "full"), { recursive: true, mode: 0o700 });
        pid = startSleeper();
        return { pid };
      },
    });
    await assert.rejects(service.acquire(), (error) => isProcrefError(error, "IO"));
    assert.ok(!processes.isAlive(pid));
    assert.equal(await service.count(), 0);
  });
});
