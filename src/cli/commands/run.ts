import { type Command } from "../command.ts";
export const RUN: Command = { name: "run", usage: "", summary: "x", details: "", options: {}, run: (): number => 0 };
