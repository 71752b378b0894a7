-- What Redshift has and PostgreSQL lacks: functions and catalog views, in their own schema, which
-- every session of the emulated warehouse has at the end of its search path.
CREATE SCHEMA IF NOT EXISTS redshift_emulation;
GRANT USAGE ON SCHEMA redshift_emulation TO PUBLIC;
SET LOCAL search_path TO redshift_emulation;

CREATE OR REPLACE FUNCTION getdate() RETURNS timestamp LANGUAGE sql STABLE
  AS $$ SELECT date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC') $$;
CREATE OR REPLACE FUNCTION sysdate() RETURNS timestamp LANGUAGE sql STABLE
  AS $$ SELECT now() AT TIME ZONE 'UTC' $$;
CREATE OR REPLACE FUNCTION json_parse(text) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT $1::jsonb $$;
-- JSON_SERIALIZE is a word of PostgreSQL's own grammar from version 17 on.
CREATE OR REPLACE FUNCTION super_to_text(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT $1::text $$;
CREATE OR REPLACE FUNCTION json_typeof(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT jsonb_typeof($1) $$;
CREATE OR REPLACE FUNCTION is_valid_json(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
  BEGIN
    RETURN $1::jsonb IS NOT NULL;
  EXCEPTION WHEN others THEN
    RETURN false;
  END $$;
CREATE OR REPLACE FUNCTION json_extract_path_text(text, VARIADIC text[]) RETURNS text
  LANGUAGE sql IMMUTABLE AS $$ SELECT $1::jsonb #>> $2 $$;
CREATE OR REPLACE FUNCTION trunc(timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT $1::date $$;
CREATE OR REPLACE FUNCTION len(text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT length($1) $$;
CREATE OR REPLACE FUNCTION sha2(text, integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT encode(CASE $2 WHEN 0 THEN sha256(convert_to($1, 'UTF8'))
                        WHEN 224 THEN sha224(convert_to($1, 'UTF8'))
                        WHEN 256 THEN sha256(convert_to($1, 'UTF8'))
                        WHEN 384 THEN sha384(convert_to($1, 'UTF8'))
                        ELSE sha512(convert_to($1, 'UTF8')) END, 'hex') $$;
CREATE OR REPLACE FUNCTION months_between(timestamp, timestamp) RETURNS double precision
  LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT (extract(year FROM $1) - extract(year FROM $2)) * 12
       + extract(month FROM $1) - extract(month FROM $2)
       + (extract(day FROM $1) - extract(day FROM $2)) / 31.0 $$;

CREATE OR REPLACE FUNCTION first_value_seen(anyelement, anyelement) RETURNS anyelement
  LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1 $$;
CREATE OR REPLACE AGGREGATE any_value(anyelement) (SFUNC = first_value_seen, STYPE = anyelement);

-- Redshift's average of integers is a BIGINT; PostgreSQL's is a NUMERIC with a fraction.
CREATE OR REPLACE FUNCTION whole_average(bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE
  AS $$ SELECT $1[2] / nullif($1[1], 0) $$;
CREATE OR REPLACE AGGREGATE redshift_avg(smallint)
  (SFUNC = int2_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = whole_average);
CREATE OR REPLACE AGGREGATE redshift_avg(integer)
  (SFUNC = int4_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = whole_average);
CREATE OR REPLACE FUNCTION add_to_average(numeric[], bigint) RETURNS numeric[]
  LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT ARRAY[$1[1] + 1, $1[2] + $2] $$;
CREATE OR REPLACE FUNCTION whole_average(numeric[]) RETURNS bigint LANGUAGE sql IMMUTABLE
  AS $$ SELECT trunc($1[2] / nullif($1[1], 0))::bigint $$;
CREATE OR REPLACE AGGREGATE redshift_avg(bigint)
  (SFUNC = add_to_average, STYPE = numeric[], INITCOND = '{0,0}', FINALFUNC = whole_average);
CREATE OR REPLACE AGGREGATE redshift_avg(numeric)
  (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg);
CREATE OR REPLACE AGGREGATE redshift_avg(real)
  (SFUNC = float4_accum, STYPE = float8[], INITCOND = '{0,0,0}', FINALFUNC = float8_avg);
CREATE OR REPLACE AGGREGATE redshift_avg(double precision)
  (SFUNC = float8_accum, STYPE = float8[], INITCOND = '{0,0,0}', FINALFUNC = float8_avg);

-- Redshift counts the boundaries that lie between two times, not the time that has passed.
CREATE OR REPLACE FUNCTION datediff(unit text, start_at timestamp, end_at timestamp)
  RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE
    WHEN unit IN ('year', 'years', 'y', 'yr', 'yrs')
      THEN extract(year FROM end_at) - extract(year FROM start_at)
    WHEN unit IN ('quarter', 'quarters', 'qtr', 'qtrs')
      THEN (extract(year FROM end_at) - extract(year FROM start_at)) * 4
         + extract(quarter FROM end_at) - extract(quarter FROM start_at)
    WHEN unit IN ('month', 'months', 'mon', 'mons')
      THEN (extract(year FROM end_at) - extract(year FROM start_at)) * 12
         + extract(month FROM end_at) - extract(month FROM start_at)
    WHEN unit IN ('week', 'weeks', 'w')
      -- Redshift's weeks of DATEDIFF begin on Sunday, those of DATE_TRUNC on Monday.
      THEN (date_trunc('week', end_at + interval '1 day')::date
          - date_trunc('week', start_at + interval '1 day')::date) / 7
    WHEN unit IN ('day', 'days', 'd') THEN end_at::date - start_at::date
    WHEN unit IN ('hour', 'hours', 'h', 'hr', 'hrs')
      THEN extract(epoch FROM date_trunc('hour', end_at) - date_trunc('hour', start_at)) / 3600
    WHEN unit IN ('minute', 'minutes', 'm', 'min', 'mins')
      THEN extract(epoch FROM date_trunc('minute', end_at) - date_trunc('minute', start_at)) / 60
    WHEN unit IN ('second', 'seconds', 's', 'sec', 'secs')
      THEN extract(epoch FROM date_trunc('second', end_at) - date_trunc('second', start_at))
    WHEN unit IN ('millisecond', 'milliseconds', 'ms', 'msec', 'msecs')
      THEN floor(extract(epoch FROM end_at) * 1000) - floor(extract(epoch FROM start_at) * 1000)
    WHEN unit IN ('microsecond', 'microseconds', 'us', 'usec', 'usecs')
      THEN (extract(epoch FROM end_at) - extract(epoch FROM start_at)) * 1000000
  END::bigint $$;
CREATE OR REPLACE FUNCTION dateadd(unit text, amount bigint, moment timestamp)
  RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT moment + amount * CASE
    WHEN unit IN ('year', 'years', 'y', 'yr', 'yrs') THEN interval '1 year'
    WHEN unit IN ('quarter', 'quarters', 'qtr', 'qtrs') THEN interval '3 months'
    WHEN unit IN ('month', 'months', 'mon', 'mons') THEN interval '1 month'
    WHEN unit IN ('week', 'weeks', 'w') THEN interval '7 days'
    WHEN unit IN ('day', 'days', 'd') THEN interval '1 day'
    WHEN unit IN ('hour', 'hours', 'h', 'hr', 'hrs') THEN interval '1 hour'
    WHEN unit IN ('minute', 'minutes', 'm', 'min', 'mins') THEN interval '1 minute'
    WHEN unit IN ('second', 'seconds', 's', 'sec', 'secs') THEN interval '1 second'
    WHEN unit IN ('millisecond', 'milliseconds', 'ms', 'msec', 'msecs')
      THEN interval '1 millisecond'
    WHEN unit IN ('microsecond', 'microseconds', 'us', 'usec', 'usecs')
      THEN interval '1 microsecond'
  END $$;

CREATE OR REPLACE FUNCTION redshift_type(type_name text) RETURNS text
  LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE type_name WHEN 'jsonb' THEN 'super' WHEN 'bytea' THEN 'binary varying'
    ELSE type_name END $$;
CREATE OR REPLACE FUNCTION redshift_format_type(type_id oid, modifier integer) RETURNS text
  LANGUAGE sql STABLE AS $$ SELECT redshift_type(format_type(type_id, modifier)) $$;
CREATE OR REPLACE VIEW svv_columns AS
  SELECT table_catalog::text, table_schema::text, table_name::text, column_name::text,
         ordinal_position::integer, column_default::text, is_nullable::text,
         redshift_type(data_type::text) AS data_type,
         character_maximum_length::integer, numeric_precision::integer, numeric_scale::integer,
         datetime_precision::integer
    FROM information_schema.columns;
CREATE OR REPLACE VIEW svv_tables AS
  SELECT table_catalog::text, table_schema::text, table_name::text, table_type::text
    FROM information_schema.tables;
CREATE OR REPLACE VIEW pg_table_def AS
  SELECT n.nspname::text AS schemaname, c.relname::text AS tablename, a.attname::text AS "column",
         redshift_format_type(a.atttypid, a.atttypmod) AS type,
         a.attnotnull AS "notnull"
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped;
GRANT SELECT ON svv_columns, svv_tables, pg_table_def TO PUBLIC;
