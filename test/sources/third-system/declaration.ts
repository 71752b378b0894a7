// A made-up system that is not one of Sluice's own: folders of files with a JSON object a line.
import { z } from "zod";
import { checkedNumber, checkedText, wholeFrom } from "../../../contract/checked-value.ts";
import { declareSystem } from "../../../sources/declaration.ts";

export const placeSchema = z.strictObject({
  /** The file's name in the source's folder. */
  file: checkedText({
    isSound: (name) => /^[\w-]+\.jsonl$/.test(name),
    problem: "is not the name of a file of JSON lines",
    wanted: "a name without a folder, such as orders.jsonl",
  }),
});

export const storedPlaceSchema = placeSchema.extend({ comment: z.string() });

export const secretSchema = z.strictObject({ folder: z.string().min(1) });

export const budgetFields = {
  /** Lines of one batch at most. */
  linesAtOnce: checkedNumber(wholeFrom(1, 100), 7),
};

export const jsonLines = declareSystem({
  name: "jsonl",
  title: "JSON lines",

  from: placeSchema,
  placeWords: "a file of JSON lines",
  placeForm: "FILE.jsonl",
  parsePlace: (typed) => (typed.endsWith(".jsonl") ? { file: typed } : undefined),
  showPlace: ({ file }) => file,
  nameOf: ({ file }) => file.replace(/\.jsonl$/, ""),

  fields: {
    /** What a line begins with that is not a row. */
    comment: z.string().default("#"),
  },
  place: storedPlaceSchema,
  reading: ({ from, comment }) => ({
    from: { ...from, comment },
    cursor: null,
    readsAllRows: true,
  }),
  mistakes: function* ({ comment }, place) {
    if (comment.startsWith("{"))
      yield {
        place: `${place}, comment`,
        problem: `rows begin with ${JSON.stringify(comment)} too`,
        fix: 'write "#"',
      };
  },

  budget: budgetFields,
  dutyCycle: 0.5,

  types: {
    ...{
      string: ["text"],
      boolean: ["flag"],
      int: ["number"],
      long: ["number"],
      float: ["number"],
    },
    ...{ double: ["number"], decimal: ["number", "text"], date: ["text"], timestamp: ["text"] },
    ...{ epoch_seconds: ["number"], binary: [], json: ["object", "array"], list: ["array"] },
    ...{ map: ["object"], struct: ["object"] },
  },
  listTypes: ["array"],
  versions: "pass",
  readsWithoutField: true,

  secret: secretSchema,
  leastSecret: '{"folder": "/…"}',
  showAddress: ({ folder }) => folder,
  addressForm: { short: "FOLDER", example: "/data/orders", long: "the path of a folder" },
  parseAddress: (typed) => (typed.startsWith("/") ? { folder: typed } : undefined),
});
