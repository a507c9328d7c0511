-- data set clinic

-- nothing
;
=>
refused sql.not_select
at ;

-- not SQL
SELEC COUNT(*) FROM persons
=>
refused sql.syntax (what=unexpected '(')
at (
write SELECT COUNT(*) FROM persons

-- not finished
SELECT COUNT(*) FROM persons WHERE
=>
refused sql.syntax (what=it is incomplete after 'WHERE')
at WHERE
write SELECT COUNT(*) FROM persons

-- a text that does not end
SELECT COUNT(*) FROM persons WHERE city = 'A
=>
refused sql.syntax (what=a text, name or comment does not end)
write SELECT COUNT(*) FROM persons WHERE city = 'A'

-- two commas
SELECT 性别,, COUNT(*) FROM persons GROUP BY 1
=>
refused sql.syntax (what=nothing stands between two commas)
at ,
write SELECT 性别, COUNT(*) FROM persons GROUP BY 1

-- a number that runs into a word
SELECT 0x1F, COUNT(*) FROM persons
=>
refused sql.syntax (what=a number runs into a word)
at x1F
write SELECT 0, COUNT(*) FROM persons

-- two statements
SELECT COUNT(*) FROM persons; DROP TABLE persons
=>
refused sql.several_statements
at DROP TABLE persons
write SELECT COUNT(*) FROM persons

-- INSERT
INSERT INTO persons SELECT * FROM persons
=>
refused sql.not_select
at INSERT
write SELECT COUNT(*) AS n FROM persons

-- CREATE
CREATE TABLE x AS SELECT COUNT(*) FROM persons
=>
refused sql.not_select
at CREATE
write SELECT COUNT(*) FROM persons

-- ATTACH
ATTACH 'x.db'
=>
refused sql.not_select
at ATTACH

-- PRAGMA
PRAGMA database_list
=>
refused sql.not_select
at PRAGMA

-- COPY
COPY persons TO 'x'
=>
refused sql.not_select
at COPY
write SELECT COUNT(*) AS n FROM persons

-- EXPLAIN
EXPLAIN SELECT COUNT(*) FROM persons
=>
refused sql.not_select
at EXPLAIN
write SELECT COUNT(*) FROM persons

-- SELECT INTO
SELECT COUNT(*) INTO x FROM persons
=>
refused sql.unsupported (what=SELECT INTO)
at x
write SELECT COUNT(*) FROM persons

-- FOR UPDATE
SELECT COUNT(*) FROM persons FOR UPDATE
=>
refused sql.unsupported (what=FOR UPDATE)
at SELECT COUNT(*) FROM persons
write SELECT COUNT(*) FROM persons

-- a table hint
SELECT COUNT(*) FROM persons WITH (NOLOCK)
=>
refused sql.unsupported (what=a table hint)
at persons
write SELECT COUNT(*) FROM persons

-- TABLESAMPLE
SELECT COUNT(*) FROM persons TABLESAMPLE 10%
=>
refused sql.volatile (function=TABLESAMPLE)
at 10
write SELECT COUNT(*) FROM persons

-- USING SAMPLE
SELECT COUNT(*) FROM persons USING SAMPLE 10
=>
refused sql.volatile (function=USING SAMPLE)
at 10
write SELECT COUNT(*) FROM persons

-- CLUSTER BY
SELECT COUNT(*) FROM persons CLUSTER BY city
=>
refused sql.unsupported (what=CLUSTER BY)
at city
write SELECT COUNT(*) FROM persons

-- a file
SELECT COUNT(*) FROM 'persons.csv'
=>
refused sql.unknown_table (known=persons, visits, drugs, cities, near=persons, table=persons.csv)
at 'persons.csv'

-- a table function
SELECT COUNT(*) FROM read_csv('persons.csv')
=>
refused sql.table_function (function=read_csv)
at read_csv('persons.csv')

-- a table function that runs SQL
SELECT COUNT(*) FROM query('SELECT * FROM persons')
=>
refused sql.table_function (function=query)
at query('SELECT * FROM persons')

-- a scalar function as a table
SELECT COUNT(*) FROM clamp(1, 2, 3)
=>
refused sql.table_function (function=clamp(1, 2, 3))
at clamp(1, 2, 3)

-- UNNEST
SELECT COUNT(*) FROM persons, UNNEST([1, 2]) AS u
=>
refused sql.unknown_function (function=UNNEST)
at ([1, 2]) AS u

-- LATERAL
SELECT COUNT(*) FROM persons p, LATERAL (SELECT 1) AS z
=>
refused sql.lateral
at (SELECT 1) AS z
write SELECT COUNT(*) FROM persons p

-- PIVOT
SELECT * FROM persons PIVOT (COUNT(*) FOR 性别 IN ('女', '男'))
=>
refused sql.unsupported (what=PIVOT)
at COUNT(*) FOR 性别 IN ('女', '男')
write SELECT 性别, COUNT(*) FROM persons GROUP BY 性别

-- WITH TOTALS
SELECT 性别, COUNT(*) FROM persons GROUP BY 性别 WITH TOTALS
=>
refused sql.unsupported (what=WITH TOTALS)
at 性别
write SELECT 性别, COUNT(*) FROM persons GROUP BY 性别

-- a recursive CTE
WITH RECURSIVE r AS (SELECT pid FROM persons) SELECT COUNT(*) FROM r
=>
refused sql.unsupported (what=WITH RECURSIVE)
at r AS (SELECT pid FROM persons)
write WITH r AS (SELECT pid FROM persons) SELECT COUNT(*) FROM r

-- VALUES
SELECT COUNT(*) FROM (VALUES (1), (2)) AS v(a)
=>
refused sql.no_table
at SELECT COUNT(*) FROM (VALUES (1), (2)) AS v(a)

-- LIMIT by percentage
SELECT 性别, COUNT(*) FROM persons GROUP BY 1 LIMIT 10 PERCENT
=>
refused sql.unsupported (what=LIMIT with a percentage)
at 10
write SELECT 性别, COUNT(*) FROM persons GROUP BY 1 LIMIT 10

-- LIMIT by an expression
SELECT 性别, COUNT(*) FROM persons GROUP BY 1 LIMIT 1 + 1
=>
refused sql.limit
at 1 + 1
write SELECT 性别, COUNT(*) FROM persons GROUP BY 1 LIMIT 10

-- FETCH FIRST
SELECT 性别, COUNT(*) FROM persons GROUP BY 1 FETCH FIRST 2 ROWS ONLY
=>
refused sql.unsupported (what=FETCH)
at 2
write SELECT 性别, COUNT(*) FROM persons GROUP BY 1 LIMIT 2

-- ORDER BY ALL
SELECT 性别, COUNT(*) FROM persons GROUP BY 1 ORDER BY ALL
=>
refused sql.unsupported (what=VAR)
at SELECT 性别, COUNT(*) FROM persons GROUP BY 1
write SELECT 性别, COUNT(*) FROM persons GROUP BY 1

-- a pipe
FROM persons |> AGGREGATE COUNT(*)
=>
refused sql.unsupported (what=|>)
at |>

-- a historical version
SELECT COUNT(*) FROM persons AT (VERSION => 1)
=>
refused sql.unsupported (what=a version of a table)
at 1
write SELECT COUNT(*) FROM persons

-- a placeholder
SELECT COUNT(*) FROM persons WHERE income > ?
=>
refused sql.parameter
at ?
write SELECT COUNT(*) FROM persons WHERE income > 0

-- a numbered placeholder
SELECT COUNT(*) FROM persons WHERE income > $1
=>
refused sql.parameter
at $
write SELECT COUNT(*) FROM persons WHERE income > 0

-- the clock
SELECT COUNT(*) FROM visits WHERE 日期 > current_date - 30
=>
refused sql.clock
at current_date
write SELECT COUNT(*) FROM visits WHERE 日期 > DATE '2026-01-01' - 30

-- the clock by function
SELECT COUNT(*) FROM visits WHERE 日期 > now()
=>
refused sql.clock
at now()
write SELECT COUNT(*) FROM visits WHERE 日期 > DATE '2026-01-01'

-- a struct, a list, a lambda
SELECT COUNT(*) FROM persons WHERE list_filter([1], x -> x > 1) = [1]
=>
refused sql.unknown_function (function=list_filter)
at list_filter([1], x -> x > 1)

-- a collation
SELECT COUNT(*) FROM persons WHERE city COLLATE NOCASE = 'a'
=>
refused sql.unknown_function (function=COLLATE)
at city

-- LIKE with ESCAPE
SELECT COUNT(*) FROM persons WHERE city LIKE 'a#%' ESCAPE '#'
=>
refused sql.unsupported (what=ESCAPE)
at city LIKE 'a#%' ESCAPE '#'
write SELECT COUNT(*) FROM persons WHERE city LIKE 'a#%'

-- a sampled random row
SELECT COUNT(*) FROM persons WHERE random() < 0.5
=>
refused sql.volatile (function=random)
at random()
write SELECT COUNT(*) FROM persons

-- a setting
SELECT current_setting('memory_limit'), COUNT(*) FROM persons
=>
refused sql.unknown_function (function=current_setting)
at current_setting('memory_limit')
