"""How much goes on for each account: visits, companies, page views and leads."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def model(visits: DataFrame, page_views: DataFrame, leads: DataFrame) -> DataFrame:
    """Return one row for each account that has a visit or a lead."""
    by_visits = visits.groupBy("account_id").agg(
        F.count("*").alias("visits"),
        F.countDistinct("company_id").alias("companies"),
        F.max("started_at").alias("last_visit_at"),
    )
    by_views = page_views.groupBy("account_id").agg(F.count("*").alias("page_views"))
    by_leads = leads.groupBy("account_id").agg(
        F.count("*").alias("leads"),
        F.count_if(F.col("status") == "won").alias("won_leads"),
        F.max("score").alias("best_score"),
    )
    joined = by_visits.join(by_leads, "account_id", "full").join(by_views, "account_id", "left")

    def counted(name: str) -> Column:
        return F.coalesce(F.col(name), F.lit(0)).alias(name)

    return joined.select(
        "account_id",
        counted("visits"),
        counted("companies"),
        "last_visit_at",
        counted("page_views"),
        counted("leads"),
        counted("won_leads"),
        "best_score",
    )
