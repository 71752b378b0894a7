select
  order_lines.day,
  order_lines.product_id,
  max(products.name) as product,
  sum(cast(order_lines.pieces as bigint)) as pieces,
  sum(order_lines.price) as revenue
from order_lines
left join products on products.product_id = order_lines.product_id
where order_lines.product_id is not null
group by order_lines.day, order_lines.product_id
