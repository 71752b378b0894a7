// The sources of the catalog that tests use: an online shop's.
import { defineSource } from "sluice";

export const search = defineSource({
  name: "search",
  system: "elasticsearch",
  owner: "storefront",
  description: "Serves the search for products.",
  budget: { dutyCycle: 0.25, pageRows: 500 },
});

export const events = defineSource({
  name: "events",
  system: "cassandra",
  owner: "checkout",
  description: "Takes in every order.",
});
