export async function startHolder(_: string): Promise<never> { throw new Error("todo"); }
export async function killHolder(_: never): Promise<void> {}
