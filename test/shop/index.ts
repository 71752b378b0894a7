// The catalog that the engine's tests use: a few entries of each kind, which no example depends on.
import { defineCatalog } from "sluice";
import { customerValue } from "./models/customer_value.ts";
import { dailySales } from "./models/daily_sales.ts";
import { events, search } from "./sources.ts";
import { baskets } from "./tables/baskets.ts";
import { orderLines } from "./tables/order_lines.ts";
import { orders } from "./tables/orders.ts";
import { products } from "./tables/products.ts";

export const catalog = defineCatalog({
  sources: [search, events],
  tables: [products, baskets, orders, orderLines],
  models: [dailySales, customerValue],
});
