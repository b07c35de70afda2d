/** What the engine uses of WebAssembly; only the browser's library has its types. */
declare namespace WebAssembly {
  interface Module {
    readonly '': never;
  }
  const Module: new (code: Uint8Array) => Module;
  const Instance: new (
    module: Module,
    imports: Record<string, Record<string, unknown>>,
  ) => { readonly exports: unknown };
  interface Memory {
    readonly buffer: ArrayBufferLike;
  }
  const Memory: new (of: { initial: number; maximum: number; shared: boolean }) => Memory;
}
