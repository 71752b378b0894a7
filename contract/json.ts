// JSON values whose form only one side knows.
import { z } from "zod";

type Json = z.core.util.JSONType;

/** An object of which the reader only knows that it is JSON; an undefined member counts as missing. */
export type JsonObject = Readonly<Record<string, Json | undefined>>;
export const jsonObjectSchema: z.ZodType<JsonObject, JsonObject> = z.record(z.string(), z.json());
