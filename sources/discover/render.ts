// Writes a proposal as the file that an engineer would write, with what is to be decided as comments.
import type { ColumnType } from "../../contract/column-types.ts";
import { variableName } from "./names.ts";
import type { Proposal, ProposedColumn } from "./proposal.ts";

const COMMENT_WIDTH = 100;

export interface RenderOptions {
  /** What `catalog/sources.ts` exports the source as. */
  readonly sourceVariable: string;
}

/** The whole file, but for the white space that a formatter decides. */
export function renderEntry(proposal: Proposal, { sourceVariable }: RenderOptions): string {
  const { name, owner, description, from, place, key, cursor, deletes, columns, remarks } =
    proposal;
  const variable = exportName(name, sourceVariable);
  return [
    ...comment(
      `The table ${name}, proposed from ${place}. Decide each TODO, and take its comment out.`,
      0,
    ),
    ...remarks.flatMap((remark) => comment(`TODO: ${remark}`, 0)),
    `import { defineTable } from "sluice";`,
    `import { ${sourceVariable} } from "../sources.ts";`,
    "",
    `export const ${variable} = defineTable({`,
    `  name: ${text(name)},`,
    ...comment("TODO: the team that is responsible for it.", 2),
    `  owner: ${text(owner)},`,
    `  description: ${text(description)},`,
    `  source: ${sourceVariable},`,
    `  from: ${literal(from)},`,
    `  key: [${key.map(text).join(", ")}],`,
    ...(cursor === null
      ? []
      : [
          `  cursor: { column: ${text(cursor.column)}, lagSeconds: ${cursor.lagSeconds}, overlapSeconds: ${cursor.overlapSeconds} },`,
        ]),
    `  deletes: ${literal(deletes)},`,
    "  columns: [",
    ...columns.flatMap(renderColumn),
    "  ],",
    "});",
    "",
  ].join("\n");
}

/** What the file exports. */
export function exportName(table: string, sourceVariable: string): string {
  const name = variableName(table);
  const isTaken = name === sourceVariable || name === "defineTable" || KEYWORDS.has(name);
  return isTaken ? `${name}Table` : name;
}

const KEYWORDS: ReadonlySet<string> = new Set(
  `arguments await break case catch class const continue debugger default delete do else enum eval export extends false
  finally for function if implements import in instanceof interface let new null package private protected public
  return static super switch this throw true try typeof undefined var void while with yield`.split(
    /\s+/,
  ),
);

/** The two lines to add to the index. */
export function indexLines(table: string, sourceVariable: string): readonly [string, string] {
  const variable = exportName(table, sourceVariable);
  return [`import { ${variable} } from "./tables/${table}.ts";`, `${variable} in tables: […]`];
}

function renderColumn(column: ProposedColumn): string[] {
  const { name, type, path, nullable, personal, description, remarks } = column;
  return [
    ...remarks.flatMap((remark) => comment(`TODO: ${remark}.`, 4)),
    "    {",
    `      name: ${text(name)},`,
    `      type: ${renderType(type)},`,
    ...(path === undefined ? [] : [`      path: [${path.map(text).join(", ")}],`]),
    ...(nullable === undefined ? [] : [`      nullable: ${nullable},`]),
    ...(personal === undefined ? [] : [`      personal: ${personal},`]),
    `      description: ${text(description)},`,
    "    },",
  ];
}

function renderType(type: ColumnType): string {
  if (typeof type === "string") return text(type);
  if ("decimal" in type) return `{ decimal: [${type.decimal[0]}, ${type.decimal[1]}] }`;
  if ("timestamp" in type) return `{ timestamp: ${text(type.timestamp)} }`;
  if ("list" in type) return `{ list: ${renderType(type.list)} }`;
  if ("map" in type) return `{ map: ${renderType(type.map)} }`;
  const fields = type.struct.map(
    ({ name, type: inner, from }) =>
      `{ name: ${text(name)}, type: ${renderType(inner)}${from === undefined ? "" : `, from: ${text(from)}`} }`,
  );
  return `{ struct: [${fields.join(", ")}] }`;
}

function literal(value: Readonly<Record<string, unknown>>): string {
  const members = Object.entries(value).map(
    ([name, member]) => `${name}: ${literalMember(member)}`,
  );
  return `{ ${members.join(", ")} }`;
}

function literalMember(value: unknown): string {
  return typeof value === "string" ? text(value) : JSON.stringify(value);
}

/** A string literal; the separators are line ends to some readers of JavaScript. */
function text(value: string): string {
  return JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

/** Comment lines of readable width; a formatter leaves them alone. */
function comment(words: string, indent: number): string[] {
  const margin = `${" ".repeat(indent)}// `;
  const lines: string[] = [];
  let line = "";
  for (const word of words.split(/\s+/)) {
    if (line !== "" && margin.length + line.length + 1 + word.length > COMMENT_WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => `${margin}${one}`);
}
