-- Visits of each day, account and recognised company, with the company's industry.
select
  visits.day,
  visits.account_id,
  visits.company_id,
  -- One company has one name: the key of companies is company_id.
  max(companies.name) as company_name,
  max(companies.industry) as industry,
  count(*) as visits,
  sum(cast(visits.page_count as bigint)) as pages,
  sum(cast(visits.duration_seconds as bigint)) as duration_seconds,
  sum(visits.revenue) as revenue
from visits
left join companies on companies.company_id = visits.company_id
where visits.company_id is not null
group by visits.day, visits.account_id, visits.company_id
