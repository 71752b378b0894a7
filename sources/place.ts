// Reads a place, which travels as JSON, with the schema of the system that it belongs to.
import type { z } from "zod";
import { SourceConfigurationError } from "../contract/errors.ts";
import type { JsonObject } from "../contract/json.ts";
import { shown } from "../contract/mistake.ts";

/** @throws SourceConfigurationError if it is not a place of this system */
export function placeIn<Place>(
  schema: z.ZodType<Place>,
  place: JsonObject,
  { title, placeWords }: { readonly title: string; readonly placeWords: string },
): Place {
  const parsed = schema.safeParse(place);
  if (parsed.success) return parsed.data;
  throw new SourceConfigurationError(
    `${shown(place)} is not a place of ${title}. Name ${placeWords} in "from", or another source.`,
  );
}
