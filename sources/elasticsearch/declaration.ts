// How sources and tables of Elasticsearch are declared.
import { z } from "zod";
import { checkedNumber, checkedText, isText, wholeFrom } from "../../contract/checked-value.ts";
import { shown } from "../../contract/mistake.ts";
import { declareSystem } from "../declaration.ts";
import { cursorSchema } from "../table-fields.ts";
import { elasticsearchSecretSchema } from "./secret.ts";

const MAX_PREFERENCE_LENGTH = 500;

export const placeSchema = z.strictObject({
  /** One index, alias or pattern. */
  index: checkedText({
    isSound: (name) => /^[^A-Z\s"*\\<>|,/?#:_+-][^A-Z\s"\\<>|,/?#:]*$/.test(name),
    problem: "is not a name of an index, alias or pattern",
    wanted: "one lower-case name, which may end in *",
  }),
});

const preferenceSchema = z.string().superRefine((preference, context) => {
  const mistake = mistakeInPreference(preference);
  if (mistake === undefined) return;
  const [problem, fix] = mistake;
  context.addIssue({
    code: "custom",
    message: `${shown(preference)} ${problem}`,
    params: { fix },
  });
});

function mistakeInPreference(preference: string): [problem: string, fix: string] | undefined {
  if (!isText(preference) || preference.length > MAX_PREFERENCE_LENGTH)
    return [
      "is not a search preference",
      `write one of at most ${MAX_PREFERENCE_LENGTH} characters, such as "_only_nodes:rack:reports"`,
    ];
  if (preference.startsWith("_shards"))
    return [
      "leaves out all other shards, and their rows",
      'name nodes in place of shards, such as "_prefer_nodes:a,b"',
    ];
  if (
    preference.startsWith("_") &&
    !/^(_local|_only_local|_(only|prefer)_nodes:.+)$/.test(preference)
  )
    return [
      "is not one that Elasticsearch knows",
      'write "_local", "_only_local", "_only_nodes:…", "_prefer_nodes:…", or a word without "_" first',
    ];
  return undefined;
}

export const budgetFields = {
  /** Shards of one node that a batch may search at the same time. Default 1. */
  shardsAtOnce: checkedNumber(wholeFrom(1, 100), 1),
  /** Which copies respond, as the search preference names them, such as `_only_nodes:rack:reports`. Default: any. */
  preference: preferenceSchema.nullable().default(null),
};

const TEXT = [
  ...["keyword", "constant_keyword", "wildcard", "text", "match_only_text", "ip", "version"],
  ...["annotated_text", "search_as_you_type", "icu_collation_keyword", "counted_keyword"],
];
const INTEGERS = ["byte", "short", "integer", "token_count"];
const FRACTIONS = ["half_float", "float", "double", "scaled_float"];
const OBJECTS = ["object", "nested", "flattened", "passthrough"];
const SHAPES = ["geo_point", "geo_shape", "point", "shape"];
const RANGES = [
  ...["integer_range", "long_range", "float_range", "double_range", "date_range", "ip_range"],
];
const SEARCH_AIDS = [
  ...["completion", "dense_vector", "histogram", "join", "percolator", "rank_features"],
  ...["rank_vectors", "semantic_text", "sparse_vector", "aggregate_metric_double"],
];

export const elasticsearch = declareSystem({
  name: "elasticsearch",
  title: "Elasticsearch",

  from: placeSchema,
  placeWords: "an Elasticsearch index",
  placeForm: "INDEX",
  parsePlace: (typed) => ({ index: typed }),
  showPlace: ({ index }) => index,
  nameOf: ({ index }) => index.replace(/[-_.]?\*.*$/, ""),

  fields: {
    /** How changed rows are found. Without it the whole index is read each time, which suits a small one. */
    cursor: cursorSchema.optional(),
  },
  cursorField: "cursor",
  place: placeSchema,
  reading: ({ from, cursor }) => ({
    from,
    cursor: cursor ?? null,
    readsAllRows: cursor === undefined,
  }),

  budget: budgetFields,

  // Each field may also hold an array of its type.
  types: {
    string: [
      ...[...TEXT, ...INTEGERS, ...FRACTIONS, "long", "unsigned_long", "boolean"],
      ...["date", "date_nanos"],
    ],
    boolean: ["boolean"],
    int: INTEGERS,
    long: [...INTEGERS, "long"],
    float: ["half_float", "float"],
    double: [...FRACTIONS, ...INTEGERS, "long", "rank_feature"],
    decimal: [...FRACTIONS, ...INTEGERS, "long", "unsigned_long", "keyword"],
    date: ["date"],
    timestamp: ["date", "date_nanos", "long"],
    epoch_seconds: ["date", "integer", "long"],
    binary: ["binary"],
    json: [...OBJECTS, ...SHAPES, ...RANGES, ...SEARCH_AIDS, ...FRACTIONS, "long"],
    // Any field may hold an array; "nested" is a list of structs.
    list: ["nested", "dense_vector"],
    map: ["object", "flattened", "passthrough"],
    struct: ["object", "passthrough", "geo_point"],
  },
  listTypes: [],
  listsOf: { nested: "object" },
  idColumn: { path: "_id", description: "Elasticsearch's id of the document." },
  versions: "cursor",
  readsWithoutField: true,

  secret: elasticsearchSecretSchema,
  leastSecret: '{"nodes": ["https://…:9200"]}',
  showAddress: ({ nodes }) => nodes.join(", "),
  addressForm: {
    short: "URL",
    example: "https://user:password@host:9200",
    long: "a URL like https://user:password@host:9200 (other characters than letters and digits percent-encoded)",
  },
  parseAddress: (typed) => {
    if (!URL.canParse(typed) || !/^https?:/.test(typed)) return undefined;
    const url = new URL(typed);
    const { username, password } = url;
    url.username = "";
    url.password = "";
    return {
      nodes: [url.href.replace(/\/$/, "")],
      ...(username === ""
        ? {}
        : { username: decodeURIComponent(username), password: decodeURIComponent(password) }),
    };
  },
});
