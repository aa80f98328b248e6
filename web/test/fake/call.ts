import type { World } from "./world.ts";

export type Body = Record<string, unknown>;
export interface Call {
  world: World;
  method: string;
  path: string[];
  query: URLSearchParams;
  body: Body;
  key: string | null;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    text: string,
  ) {
    super(text);
  }
}
