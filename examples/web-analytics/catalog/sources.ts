// The databases that serve customers, and what reading them may cost.
import { defineSource } from "sluice";

// The budgets here let the demo finish in minutes on a laptop. In production leave the budget out: by its
// defaults a reader keeps a source busy for a twentieth of the time at most (Cassandra: a fiftieth), with small requests.
const demoBudget = {
  dutyCycle: 0.5,
  maxRowsPerSecond: 20_000,
  pageRows: 2000,
} as const;

export const search = defineSource({
  name: "search",
  system: "elasticsearch",
  owner: "search-platform",
  description: "Serves company search and the list of leads in the customers' web application.",
  budget: demoBudget,
});

export const events = defineSource({
  name: "events",
  system: "cassandra",
  owner: "event-platform",
  description: "Takes in every visit of the customers' web sites and serves their live view.",
  budget: demoBudget,
});
