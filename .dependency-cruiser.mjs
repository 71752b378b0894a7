// Which folder may import which; docs/architecture.md explains the layout. `npm test` holds it.

/** Folders of TypeScript, each with the others that it may import. Tests and benchmarks may import all. */
const MAY_IMPORT = {
  contract: [],
  catalog: ["contract"],
  sources: ["contract", "catalog"],
  stores: ["contract", "catalog"],
  functions: ["contract", "catalog", "sources", "stores"],
  // The preflight construct has its properties in the words of its function.
  lib: ["contract", "catalog", "functions"],
  // Nothing of the engine: the synthesized app is the only interface.
  emulator: [],
  local: ["contract", "catalog", "sources", "stores", "lib"],
  cli: ["contract", "catalog", "sources", "stores", "functions", "lib", "local", "examples"],
  examples: ["contract", "catalog", "sources", "functions", "local"],
};

const folders = Object.keys(MAY_IMPORT).join("|");

const layers = Object.entries(MAY_IMPORT).map(([folder, others]) => ({
  name: `${folder}-imports-only-what-is-below`,
  severity: "error",
  from: { path: `^${folder}/` },
  to: {
    path: `^(${folders}|test|bench)/`,
    pathNot: `^(${[folder, ...others].join("|")})/`,
  },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    ...layers,
    {
      name: "no-circles",
      severity: "error",
      from: { path: `^(${folders})/` },
      to: { circular: true },
    },
    {
      name: "only-lib-imports-the-cdk",
      severity: "error",
      from: { pathNot: "^(lib|test|node_modules)/" },
      to: { path: "node_modules/(aws-cdk-lib|constructs|cdk-nag)/" },
    },
    {
      name: "only-the-demo-imports-the-example",
      severity: "error",
      from: { path: `^(${folders})/`, pathNot: "^(examples/|cli/commands/demo[.]ts$)" },
      to: { path: "^examples/" },
    },
    {
      name: "only-end-to-end-tests-use-the-example",
      comment:
        "Another example breaks none of the engine's tests; test/shop has a catalog for them.",
      severity: "error",
      from: { path: "^test/(?!examples/|pipeline/|stack/|bench/)" },
      to: { path: "^examples/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
  },
};
