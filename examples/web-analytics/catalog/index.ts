// The explicit list of what the warehouse holds: an entry counts only once it stands here.
import { accountEngagement } from "./models/account_engagement.ts";
import { dailyCompanyVisits } from "./models/daily_company_visits.ts";
import { defineCatalog } from "sluice";
import { events, search } from "./sources.ts";
import { companies } from "./tables/companies.ts";
import { leads } from "./tables/leads.ts";
import { pageViews } from "./tables/page_views.ts";
import { visits } from "./tables/visits.ts";

export const catalog = defineCatalog({
  sources: [search, events],
  tables: [companies, leads, visits, pageViews],
  models: [dailyCompanyVisits, accountEngagement],
});
