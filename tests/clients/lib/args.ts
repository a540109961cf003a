// Command lines: `--name value` pairs and bare switches; an unknown one is an error.
export class Args {
  readonly #values = new Map<string, string>();

  constructor(argv: readonly string[], options: readonly string[], switches: readonly string[]) {
    for (let at = 0; at < argv.length; at += 1) {
      const name = (argv[at] ?? "").replace(/^--/, "");
      const value = argv[at + 1];
      if (switches.includes(name)) {
        this.#values.set(name, "true");
      } else if (options.includes(name) && value !== undefined) {
        this.#values.set(name, value);
        at += 1;
      } else {
        throw new Error(
          `cannot read ${argv[at]}; known: ${[...options, ...switches].map((known) => `--${known}`).join(" ")}`,
        );
      }
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  required(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined) throw new Error(`--${name} is missing`);
    return value;
  }

  hex(name: string): `0x${string}` {
    const value = this.required(name);
    if (!/^0x[0-9a-fA-F]+$/.test(value)) throw new Error(`--${name} must be 0x and hexadecimal digits`);
    return value as `0x${string}`;
  }

  seconds(name: string, otherwise: number): number {
    const value = Number(this.#values.get(name) ?? otherwise);
    if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} must be a number of seconds`);
    return value * 1000;
  }
}
