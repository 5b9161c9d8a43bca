import assert from "node:assert/strict";
import { test } from "node:test";
import { procref, procrefJson, RunningCommand } from "../harness/command.ts";
import { onGround } from "../harness/command_ground.ts";
import { asText, UP_AND_COPY, words } from "../harness/command_words.ts";
import { commandText } from "../../src/cli/terminal.ts";

test("a service is shown without the empty words at its end, and a procref run that holds it by its client", async () => {
  await onGround(async (_, options, name) => {
    const service = words("while :; do sleep 0.1; done", "await sleep()");
    const start = asText([...service, "x", "", "y", "", "", ""]);
    const client = [...UP_AND_COPY, "--", "more words"];
    const args = ["run", name, "--start", start, "--ready", "running", "--", ...client];
    await using command = new RunningCommand(args, options);
    await command.says(/up\n/);

    const { command: shown, holders } = await procrefJson(["status", name], options);
    assert.deepEqual(shown.slice(-3), ["x", "", "y"]);
    assert.deepEqual(holders.map(({ client }: { client: string[] }) => client), [client]);
    assert.ok(holders[0].command.includes(name), "its own words are there as well");

    const lines = (await procref(["status", name], options)).out.trimEnd().split("\n");
    assert.ok(lines.some((line) => line.startsWith("process ") && line.endsWith(" x '' y")), lines.join("\n"));
    assert.ok(lines.at(-1)!.endsWith(`Z  ${commandText(client)}`), lines.join("\n"));
    assert.match((await procref(["ls"], options)).out, / x '' y\n$/);
    // Who is kept from stopping it is told the same.
    assert.ok((await procref(["stop", name], options)).err.trimEnd().endsWith(commandText(client)));

    command.process.stdin!.end();
    await command.ended;
  });
});
