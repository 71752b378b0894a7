"""Runs one query on PostgreSQL in another role, and prints what comes back or why nothing does."""

import json
import sys

import psycopg2


def main() -> None:
    url, role, sql = sys.argv[1:]
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{role}"')
        try:
            cursor.execute(sql)
            print(json.dumps({"rows": cursor.fetchall()}, default=str))
        except psycopg2.Error as error:
            print(json.dumps({"error": str(error).strip()}))
            connection.rollback()


main()
