-- data set clinic

-- a column of another character
SELECT 性別, COUNT(*) FROM persons GROUP BY 性別
=>
refused sql.unknown_column (column=性別, known=pid, 性别, birth_year, income, city, near=性别)
at 性別
write SELECT 性别, COUNT(*) FROM persons GROUP BY 性别

-- a column half remembered
SELECT SUM(费) FROM visits
=>
refused sql.unknown_column (column=费, known=visit_no, pid, 科室, 日期, 费用, emergency, near=费用)
at 费
write SELECT SUM(费用) FROM visits

-- a column misremembered in Chinese
SELECT COUNT(*) FROM visits WHERE 科目 = '内科'
=>
refused sql.unknown_column (column=科目, known=visit_no, pid, 科室, 日期, 费用, emergency, near=科室)
at 科目
write SELECT COUNT(*) FROM visits WHERE 科室 = '内科'

-- a column that there is not
SELECT p.age FROM persons p
=>
refused sql.unknown_column (column=age, known=pid, 性别, birth_year, income, city)
at p.age

-- a shortened column
SELECT AVG(2024 - birth_yr) FROM persons
=>
refused sql.unknown_column (column=birth_yr, known=pid, 性别, birth_year, income, city, near=birth_year)
at birth_yr
write SELECT AVG(2024 - birth_year) FROM persons

-- a table in the singular
SELECT COUNT(*) FROM visit
=>
refused sql.unknown_table (known=persons, visits, drugs, cities, near=visits, table=visit)
at visit
write SELECT COUNT(*) FROM visits

-- a table that there is not
SELECT COUNT(*) FROM 就诊
=>
refused sql.unknown_table (known=persons, visits, drugs, cities, table=就诊)
at 就诊

-- a table of the engine
SELECT COUNT(*) FROM information_schema.tables
=>
refused sql.unknown_dataset (dataset=information_schema, known=clinic, tpch, supply)
at information_schema.tables

-- a name of three parts
SELECT count(*) FROM clinic.main.persons
=>
refused sql.unsupported (what=a name of more than two parts)
at clinic
write SELECT count(*) FROM clinic.persons

-- the first rows of a table
SELECT * FROM visits LIMIT 10
=>
refused plan.raw_rows
at *
write SELECT COUNT(*) AS n FROM visits

-- the richest persons
SELECT pid, income FROM persons ORDER BY income DESC LIMIT 10
=>
refused sql.unit_value
at pid
write SELECT COUNT(*) AS n FROM persons

-- the dearest persons
SELECT pid, SUM(费用) AS total FROM visits GROUP BY pid ORDER BY 2 DESC LIMIT 10
=>
refused sql.unit_value
at pid
write SELECT AVG(total) FROM (SELECT pid, SUM(费用) AS total FROM visits GROUP BY pid)

-- one person's visits
SELECT COUNT(*) FROM visits WHERE pid = 1001 AND emergency
=>
refused sql.unit_value
at pid = 1001
write SELECT COUNT(*) FROM visits WHERE emergency

-- persons by number
SELECT COUNT(*) FROM persons WHERE pid > 1000
=>
refused sql.unit_value
at pid > 1000
write SELECT COUNT(*) FROM persons

-- the greatest unit key
SELECT MAX(pid) FROM persons
=>
refused sql.unit_value
at pid
write SELECT COUNT(DISTINCT pid) FROM persons

-- persons in ten parts
SELECT pid % 10 AS bucket, COUNT(*) FROM persons GROUP BY bucket
=>
refused sql.unit_value
at pid % 10
write SELECT COUNT(*) FROM persons

-- persons as texts
SELECT CAST(pid AS VARCHAR) AS p, COUNT(*) FROM persons GROUP BY p
=>
refused sql.unit_value
at CAST(pid AS VARCHAR)
write SELECT COUNT(*) AS n FROM persons

-- a number of unknown range summed
SELECT SUM(visit_no) FROM visits
=>
refused plan.unbounded_sum (aggregate=sum)
at visit_no
write SELECT SUM(clamp(visit_no, 0, 100)) FROM visits

-- an expression of unknown range summed
SELECT 科室, SUM(费用 / NULLIF(visit_no, 0)) FROM visits GROUP BY 科室
=>
refused plan.unbounded_sum (aggregate=sum)
at 费用 / NULLIF(visit_no, 0)
write SELECT 科室, SUM(clamp(费用 / NULLIF(visit_no, 0), 0, 100)) FROM visits GROUP BY 科室

-- a deviation of unknown range
SELECT STDDEV(visit_no) FROM visits
=>
refused plan.unbounded_sum (aggregate=stddev_samp)
at visit_no
write SELECT STDDEV(clamp(visit_no, 0, 100)) FROM visits

-- a correlation with an unknown range
SELECT CORR(费用, visit_no) FROM visits
=>
refused plan.unbounded_sum (aggregate=corr)
at visit_no
write SELECT CORR(费用, clamp(visit_no, 0, 100)) FROM visits

-- a number for each row
SELECT ROW_NUMBER() OVER (ORDER BY 费用) AS r FROM visits
=>
refused sql.window
at ROW_NUMBER() OVER (ORDER BY 费用)
write SELECT COUNT(*) AS n FROM visits

-- the dearest visits
SELECT AVG(费用) FROM (SELECT * FROM visits ORDER BY 费用 DESC LIMIT 100)
=>
refused plan.order
at 费用
write SELECT AVG(费用) FROM (SELECT * FROM visits)

-- rows after the first
SELECT AVG(费用) FROM (SELECT 费用 FROM visits OFFSET 10)
=>
refused plan.order
at 10
write SELECT AVG(费用) FROM (SELECT 费用 FROM visits)

-- a comma join of persons
SELECT COUNT(*) FROM persons p, visits v
=>
refused plan.join_unit
at visits v
write SELECT COUNT(*) FROM persons p, visits v WHERE p.pid = v.pid

-- a join on something else
SELECT COUNT(*) FROM persons p JOIN visits v ON p.birth_year = year(v.日期)
=>
refused plan.join_unit
at visits v
write SELECT COUNT(*) FROM persons p JOIN visits v ON p.pid = v.pid AND p.birth_year = year(v.日期)

-- a unit key that a table lacks
SELECT COUNT(*) FROM visits v JOIN drugs d ON v.pid = d.pid
=>
refused sql.unknown_column (column=pid, known=visit_no, pid, 科室, 日期, 费用, emergency, 药品, packs, near=pid)
at d.pid
write SELECT COUNT(*) FROM visits v JOIN drugs d ON d.visit_no = v.visit_no

-- a unit key equated with a number
SELECT COUNT(*) FROM persons p JOIN drugs d ON p.pid = d.visit_no
=>
refused sql.unit_value (column=pid)
at p.pid = d.visit_no

-- visits on the same day
SELECT a.科室, COUNT(*) FROM visits a JOIN visits b ON a.日期 = b.日期 GROUP BY a.科室
=>
refused plan.join_unit
at visits b
write SELECT a.科室, COUNT(*) FROM visits a JOIN visits b ON a.pid = b.pid AND a.日期 = b.日期 GROUP BY a.科室

-- USING what is not there
SELECT COUNT(*) FROM persons JOIN visits USING (patient)
=>
refused sql.unknown_column (column=patient, known=pid, 性别, birth_year, income, city, visit_no, 科室, 日期, 费用, emergency)
at patient
write SELECT COUNT(*) FROM persons JOIN visits ON persons.pid = visits.pid

-- LEFT JOIN without ON
SELECT COUNT(*) FROM persons LEFT JOIN visits
=>
refused sql.join_condition
at visits
write SELECT COUNT(*) FROM persons LEFT JOIN visits ON persons.pid = visits.pid

-- SEMI JOIN without ON
SELECT COUNT(*) FROM persons SEMI JOIN visits
=>
refused sql.join_condition
at visits
write SELECT COUNT(*) FROM persons SEMI JOIN visits ON persons.pid = visits.pid

-- ASOF JOIN
SELECT COUNT(*) FROM persons p ASOF JOIN visits v ON p.pid = v.pid AND v.日期 > DATE '2024-01-01'
=>
refused sql.unsupported (what=this kind of join)
at visits v ON p.pid = v.pid AND v.日期 > DATE '2024-01-01'
write SELECT COUNT(*) FROM persons p JOIN visits v ON p.pid = v.pid AND v.日期 > DATE '2024-01-01'

-- a real number beside groups
SELECT 科室, 费用, COUNT(*) FROM visits GROUP BY 科室
=>
refused sql.not_grouped (column=费用)
at 费用
write SELECT 科室, AVG(费用), COUNT(*) FROM visits GROUP BY 科室

-- an order by what is not grouped
SELECT 性别, COUNT(*) FROM persons GROUP BY 性别 ORDER BY income
=>
refused sql.not_grouped (column=income)
at income
write SELECT 性别, COUNT(*) FROM persons GROUP BY 性别 ORDER BY AVG(income)

-- HAVING of what is not grouped
SELECT 性别, COUNT(*) AS n FROM persons GROUP BY 性别 HAVING income > 10
=>
refused sql.not_grouped (column=income)
at income
write SELECT 性别, COUNT(*) AS n FROM persons GROUP BY 性别 HAVING AVG(income) > 10

-- a list of texts
SELECT STRING_AGG(city, ',') FROM persons
=>
refused sql.aggregate (function=STRING_AGG)
at STRING_AGG(city, ',')
write SELECT city, COUNT(*) FROM persons GROUP BY city

-- an array of different values
SELECT ARRAY_AGG(DISTINCT city) FROM persons
=>
refused sql.aggregate (function=ARRAY_AGG)
at ARRAY_AGG(DISTINCT city)
write SELECT city, COUNT(*) FROM persons GROUP BY city

-- the first of a group
SELECT 科室, FIRST(费用) FROM visits GROUP BY 科室
=>
refused sql.aggregate (function=FIRST)
at FIRST(费用)
write SELECT 科室, AVG(费用) FROM visits GROUP BY 科室

-- the most frequent value
SELECT MODE(科室) FROM visits
=>
refused sql.aggregate (function=MODE)
at MODE(科室)
write SELECT 科室, COUNT(*) FROM visits GROUP BY 科室

-- an approximate count
SELECT APPROX_COUNT_DISTINCT(pid) FROM visits
=>
refused sql.aggregate (function=APPROX_COUNT_DISTINCT)
at APPROX_COUNT_DISTINCT(pid)
write SELECT COUNT(DISTINCT pid) FROM visits

-- COUNT(DISTINCT) of a row
SELECT COUNT(DISTINCT (科室, 日期)) FROM visits
=>
refused sql.unsupported (what=TUPLE)
at 科室, 日期
write SELECT COUNT(DISTINCT concat(CAST(科室 AS VARCHAR), '|', CAST(日期 AS VARCHAR))) FROM visits

-- a sum of different values
SELECT SUM(DISTINCT 费用) FROM visits
=>
refused sql.unsupported (what=DISTINCT here)
at SUM(DISTINCT 费用)
write SELECT SUM(费用) FROM visits

-- whether any is true
SELECT BOOL_OR(emergency) FROM visits
=>
refused sql.aggregate (function=BOOL_OR)
at BOOL_OR(emergency)
write SELECT COUNT_IF(emergency) > 0 FROM visits

-- a histogram
SELECT HISTOGRAM(费用) FROM visits
=>
refused sql.unknown_function (function=HISTOGRAM)
at HISTOGRAM(费用)
write SELECT width_bucket(费用, 0, 100, 10) AS bucket, COUNT(*) FROM visits GROUP BY width_bucket(费用, 0, 100, 10)

-- kurtosis
SELECT KURTOSIS(费用) FROM visits
=>
refused sql.aggregate (function=KURTOSIS)
at KURTOSIS(费用)
write SELECT STDDEV(费用) FROM visits

-- the last thirty days
SELECT COUNT(*) FROM visits WHERE 日期 > now() - INTERVAL 30 DAY
=>
refused sql.clock
at now()
write SELECT COUNT(*) FROM visits WHERE 日期 > DATE '2026-01-01' - INTERVAL 30 DAY

-- a random tenth
SELECT COUNT(*) FROM persons WHERE random() < 0.1 AND income > 10
=>
refused sql.volatile (function=random)
at random()
write SELECT COUNT(*) FROM persons WHERE income > 10

-- a random key
SELECT gen_random_uuid(), COUNT(*) FROM persons
=>
refused sql.volatile (function=gen_random_uuid)
at gen_random_uuid()
write SELECT COUNT(*) FROM persons

-- a sample
SELECT COUNT(*) FROM persons TABLESAMPLE BERNOULLI (10)
=>
refused sql.volatile (function=TABLESAMPLE)
at 10
write SELECT COUNT(*) FROM persons

-- DIV
SELECT DIV(SUM(费用), COUNT(*)) FROM visits
=>
refused sql.syntax (what=unexpected '(')
at (
write SELECT fdiv(SUM(费用), COUNT(*)) FROM visits

-- SAFE_DIVIDE
SELECT SAFE_DIVIDE(SUM(费用), COUNT(*)) FROM visits
=>
refused sql.unknown_function (function=SAFE_DIVIDE)
at SAFE_DIVIDE(SUM(费用), COUNT(*))
write SELECT (SUM(费用)) / (COUNT(*)) FROM visits

-- a quotient in DECIMAL
SELECT SUM(费用) / COUNT(*) :: DECIMAL(10,2) FROM visits
=>
refused sql.cast_type (type=DECIMAL(10, 2))
at COUNT(*) :: DECIMAL(10,2)
write SELECT SUM(费用) / COUNT(*) :: DOUBLE FROM visits

-- an empty statement at the end
SELECT COUNT(*) FROM persons;;
=>
accepted

-- a comment after the semicolon
SELECT COUNT(*) FROM persons; -- done
=>
accepted

-- DELETE
DELETE FROM persons WHERE income IS NULL
=>
refused sql.not_select
at DELETE
write SELECT COUNT(*) AS n FROM persons

-- UPDATE
UPDATE persons SET income = 0
=>
refused sql.not_select
at UPDATE
write SELECT COUNT(*) AS n FROM persons

-- SHOW TABLES
SHOW TABLES
=>
refused sql.not_select
at SHOW

-- DESCRIBE
DESCRIBE persons
=>
refused sql.not_select
at DESCRIBE
write SELECT COUNT(*) AS n FROM persons

-- FROM alone
FROM persons
=>
refused plan.raw_rows
at FROM
write SELECT COUNT(*) AS n FROM persons

-- TABLE
TABLE persons
=>
refused plan.raw_rows
at persons
write SELECT COUNT(*) AS n FROM persons

-- FROM first
FROM persons SELECT COUNT(*)
=>
accepted

-- SELCT
SELCT COUNT(*) FROM persons
=>
refused sql.syntax (what=unexpected '(')
at (
write SELECT COUNT(*) FROM persons

-- FORM
SELECT COUNT(*) FORM persons
=>
refused sql.syntax (what=unexpected 'persons')
at persons
write SELECT COUNT(*) FROM persons

-- WEHRE
SELECT COUNT(*) FROM persons WEHRE income > 10
=>
refused sql.syntax (what=unexpected 'income')
at income
write SELECT COUNT(*) FROM persons WHERE income > 10

-- GRUOP
SELECT 性别, COUNT(*) FROM persons GRUOP BY 性别
=>
refused sql.syntax (what=unexpected 'BY')
at BY
write SELECT 性别, COUNT(*) FROM persons GROUP BY 性别

-- GROUP without BY
SELECT 性别, COUNT(*) FROM persons GROUP 性别
=>
refused sql.syntax (what=unexpected '性别')
at 性别
write SELECT 性别, COUNT(*) FROM persons GROUP BY 性别

-- a comma forgotten
SELECT 性别 COUNT(*) FROM persons GROUP BY 性别
=>
refused sql.syntax (what=unexpected '(')
at (
write SELECT 性别, COUNT(*) FROM persons GROUP BY 性别

-- a comma too many
SELECT 性别, COUNT(*), FROM persons GROUP BY 性别
=>
accepted

-- a bracket forgotten
SELECT COUNT(* FROM persons
=>
refused sql.syntax (what=unexpected 'FROM')
at FROM
write SELECT COUNT(*) FROM persons

-- an AND with nothing after it
SELECT COUNT(*) FROM persons WHERE income > 10 AND
=>
refused sql.syntax (what=it is incomplete after 'AND')
at AND
write SELECT COUNT(*) FROM persons WHERE income > 10

-- a comparison written apart
SELECT COUNT(*) FROM persons WHERE income = > 10
=>
refused sql.syntax (what=unexpected '10')
at 10
write SELECT COUNT(*) FROM persons WHERE income >= 10

-- curly quotes
SELECT COUNT(*) FROM persons WHERE 性别 = “女”
=>
refused sql.unknown_column (column=“女”, known=pid, 性别, birth_year, income, city)
at “女”
write SELECT COUNT(*) FROM persons WHERE 性别 = '女'

-- double quotes
SELECT COUNT(*) FROM persons WHERE 性别 = "女"
=>
refused sql.unknown_column (column=女, known=pid, 性别, birth_year, income, city)
at "女"
write SELECT COUNT(*) FROM persons WHERE 性别 = '女'

-- full-width brackets
SELECT COUNT（*） FROM persons
=>
refused sql.unknown_column (column=COUNT（, known=pid, 性别, birth_year, income, city)
at COUNT（
write SELECT COUNT(*) FROM persons

-- a full-width comma
SELECT COUNT(*)，SUM(income) FROM persons
=>
refused sql.syntax (what=unexpected '(')
at (
write SELECT COUNT(*),SUM(income) FROM persons

-- TOP
SELECT TOP 10 city, COUNT(*) FROM persons GROUP BY city
=>
refused sql.syntax (what=unexpected '10')
at 10
write SELECT city, COUNT(*) FROM persons GROUP BY city LIMIT 10

-- another sign of equality
SELECT COUNT(*) FROM persons WHERE income == 10
=>
accepted

-- the average of one's own visits
SELECT COUNT(*) FROM visits v WHERE v.费用 > (SELECT AVG(w.费用) FROM visits w WHERE w.日期 < v.日期)
=>
refused sql.correlated_value
at SELECT AVG(w.费用) FROM visits w WHERE w.日期 < v.日期
write SELECT COUNT(*) FROM visits v WHERE v.费用 > (SELECT AVG(w.费用) FROM visits w)

-- EXISTS of anybody
SELECT COUNT(*) FROM persons WHERE EXISTS (SELECT 1 FROM visits)
=>
refused plan.join_unit
at SELECT 1 FROM visits
write SELECT COUNT(*) FROM persons WHERE EXISTS (SELECT 1 FROM visits WHERE visits.pid = persons.pid)

-- every city, with persons or without
SELECT c.name_zh, COUNT(p.pid) FROM cities c LEFT JOIN persons p ON p.city = c.code GROUP BY c.name_zh
=>
refused plan.join_preserved
at persons p ON p.city = c.code
write SELECT c.name_zh, COUNT(p.pid) FROM cities c JOIN persons p ON p.city = c.code GROUP BY c.name_zh

-- FULL JOIN of a public table
SELECT COUNT(*) FROM persons p FULL JOIN cities c ON p.city = c.code
=>
refused plan.join_preserved
at cities c ON p.city = c.code
write SELECT COUNT(*) FROM persons p LEFT JOIN cities c ON p.city = c.code

-- the cities of persons and of the list
SELECT city FROM persons UNION SELECT code FROM cities
=>
refused plan.union_kinds
at city FROM persons UNION SELECT code FROM cities
write SELECT COUNT(*) AS n FROM persons

-- persons without visits
SELECT pid FROM persons EXCEPT SELECT pid FROM visits
=>
refused plan.raw_rows
at pid FROM persons EXCEPT SELECT pid FROM visits
write SELECT COUNT(*) AS n FROM (SELECT pid FROM persons EXCEPT SELECT pid FROM visits)

-- the first visit, by a window in WHERE
SELECT COUNT(*) FROM visits WHERE ROW_NUMBER() OVER (PARTITION BY pid ORDER BY 日期) = 1
=>
refused sql.window_place
at ROW_NUMBER() OVER (PARTITION BY pid ORDER BY 日期)
write SELECT COUNT(*) FROM (SELECT * FROM visits QUALIFY ROW_NUMBER() OVER (PARTITION BY pid ORDER BY 日期) = 1)

-- the first visit, by QUALIFY beside an aggregate
SELECT SUM(费用) FROM visits QUALIFY ROW_NUMBER() OVER (PARTITION BY pid ORDER BY 日期) = 1
=>
refused sql.unit_value (column=pid)
at pid
write SELECT SUM(费用) FROM (SELECT * FROM visits QUALIFY ROW_NUMBER() OVER (PARTITION BY pid ORDER BY 日期) = 1)

-- a total of each department on every row
SELECT SUM(费用) OVER (PARTITION BY 科室) FROM visits
=>
refused sql.window
at SUM(费用) OVER (PARTITION BY 科室)
write SELECT 科室, SUM(费用) FROM visits GROUP BY 科室

-- a window over all
SELECT COUNT(DISTINCT pid) OVER () FROM visits
=>
refused sql.window
at COUNT(DISTINCT pid)
write SELECT COUNT(DISTINCT pid) FROM visits

-- a date with slashes
SELECT COUNT(*) FROM visits WHERE 日期 = '2024/01/01'
=>
refused sql.literal (text=2024/01/01, type=date)
at 日期 = '2024/01/01'
write SELECT COUNT(*) FROM visits WHERE 日期 = '2024-01-01'

-- a month that there is not
SELECT COUNT(*) FROM visits WHERE 日期 > '2024-13-01'
=>
refused sql.literal (text=2024-13-01, type=date)
at 日期 > '2024-13-01'
write SELECT COUNT(*) FROM visits WHERE 日期 > '2024-12-01'

-- yes
SELECT COUNT(*) FROM visits WHERE emergency = 'yes'
=>
refused plan.type (function=equal, types=boolean, text)
at emergency = 'yes'
write SELECT COUNT(*) FROM visits WHERE emergency = TRUE

-- a truth as a number
SELECT COUNT(*) FROM visits WHERE emergency = 1
=>
refused plan.type (function=equal, types=boolean, integer)
at emergency = 1
write SELECT COUNT(*) FROM visits WHERE emergency = TRUE

-- the share of emergencies
SELECT AVG(emergency) FROM visits
=>
refused plan.type (function=avg, types=boolean)
at emergency
write SELECT AVG(CAST(emergency AS INTEGER)) FROM visits

-- the average of a text
SELECT AVG(性别) FROM persons
=>
refused plan.type (function=avg, types=text)
at 性别
write SELECT COUNT(性别) FROM persons

-- DATE_FORMAT
SELECT DATE_FORMAT(日期, '%Y-%m') AS m, COUNT(*) FROM visits GROUP BY m
=>
refused sql.unknown_function (function=DATE_FORMAT)
at DATE_FORMAT(日期, '%Y-%m')
write SELECT strftime(日期, '%Y-%m') AS m, COUNT(*) FROM visits GROUP BY m

-- TO_CHAR
SELECT TO_CHAR(日期, 'YYYY-MM') AS m, COUNT(*) FROM visits GROUP BY m
=>
refused sql.unknown_function (function=TO_CHAR)
at TO_CHAR(日期, 'YYYY-MM')
write SELECT strftime(日期, '%Y-%m') AS m, COUNT(*) FROM visits GROUP BY m

-- ISNULL
SELECT ISNULL(性别, '无'), COUNT(*) FROM persons GROUP BY 1
=>
refused sql.unknown_function (function=ISNULL)
at ISNULL(性别, '无')
write SELECT COALESCE(性别, '无'), COUNT(*) FROM persons GROUP BY 1

-- a real number divided to a whole one
SELECT income // 10000 AS b, COUNT(*) FROM persons GROUP BY b
=>
refused plan.type (function=integer_divide, types=double, integer)
at income // 10000
write SELECT floor(income / 10000) AS b, COUNT(*) FROM persons GROUP BY b

-- a named parameter
SELECT COUNT(*) FROM persons WHERE income > :x
=>
refused sql.parameter
at income
write SELECT COUNT(*) FROM persons WHERE income > 0

-- a derived table read twice
SELECT x.* FROM (SELECT 科室, COUNT(*) n FROM visits GROUP BY 科室) x WHERE n > (SELECT AVG(n) FROM x)
=>
refused sql.unknown_table (known=persons, visits, drugs, cities, table=x)
at x
write WITH x AS (SELECT 科室, COUNT(*) n FROM visits GROUP BY 科室) SELECT x.* FROM x WHERE n > (SELECT AVG(n) FROM x)

-- a group by the count
SELECT 科室, COUNT(*) FROM visits GROUP BY 2
=>
refused sql.aggregate_place
at COUNT(*)
write SELECT 科室, COUNT(*) FROM visits GROUP BY ALL

-- an order by what comes after the last
SELECT 科室, COUNT(*) FROM visits GROUP BY 科室 ORDER BY 5
=>
refused sql.ordinal (position=5)
at 5
write SELECT 科室, COUNT(*) FROM visits GROUP BY 科室 ORDER BY 2

-- a condition on the count
SELECT 科室, COUNT(*) FROM visits WHERE COUNT(*) > 5 GROUP BY 科室
=>
refused sql.aggregate_place
at COUNT(*)
write SELECT 科室, COUNT(*) FROM visits GROUP BY 科室 HAVING COUNT(*) > 5

-- the average number of visits
SELECT AVG(COUNT(*)) FROM visits GROUP BY pid
=>
refused sql.unit_value
at pid
write SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM visits GROUP BY pid)

-- the average size of a group
SELECT AVG(COUNT(*)) FROM visits GROUP BY 科室
=>
refused sql.aggregate_place
at COUNT(*)
write SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM visits GROUP BY 科室)

-- PIVOT by department
SELECT * FROM visits PIVOT (SUM(费用) FOR 科室 IN ('内科', '外科'))
=>
refused sql.unsupported (what=PIVOT)
at SUM(费用) FOR 科室 IN ('内科', '外科')
write SELECT 科室, SUM(费用) FROM visits GROUP BY 科室

-- a cast to MONEY
SELECT SUM(CAST(income AS MONEY)) FROM persons
=>
refused sql.cast_type (type=MONEY)
at CAST(income AS MONEY)
write SELECT SUM(CAST(income AS DOUBLE)) FROM persons

-- LATERAL rows of the same person
SELECT COUNT(*) FROM persons p, LATERAL (SELECT * FROM visits v WHERE v.pid = p.pid AND v.费用 > 5) x
=>
refused sql.lateral
at (SELECT * FROM visits v WHERE v.pid = p.pid AND v.费用 > 5) x
write SELECT COUNT(*) FROM persons p JOIN (SELECT *, v.pid AS k1 FROM visits v WHERE v.费用 > 5) x ON x.k1 = p.pid

-- LATERAL aggregates of the same person
SELECT AVG(x.n) FROM persons p LEFT JOIN LATERAL (SELECT COUNT(*) AS n FROM visits v WHERE v.pid = p.pid) x ON TRUE
=>
refused sql.lateral
at (SELECT COUNT(*) AS n FROM visits v WHERE v.pid = p.pid) x
write SELECT AVG(x.n) FROM persons p LEFT JOIN (SELECT COUNT(*) AS n, v.pid AS k1 FROM visits v GROUP BY v.pid) x ON x.k1 = p.pid

-- LATERAL expressions of the row itself
SELECT x.s, COUNT(*) FROM persons p, LATERAL (SELECT p.birth_year // 10 AS s) x GROUP BY x.s
=>
refused sql.lateral
at (SELECT p.birth_year // 10 AS s) x
write SELECT (p.birth_year // 10), COUNT(*) FROM persons p GROUP BY (p.birth_year // 10)

-- LATERAL through a foreign key
SELECT COUNT(*) FROM visits v, LATERAL (SELECT d.药品 FROM drugs d WHERE d.visit_no = v.visit_no) x WHERE x.药品 = 'A'
=>
refused sql.lateral
at (SELECT d.药品 FROM drugs d WHERE d.visit_no = v.visit_no) x
write SELECT COUNT(*) FROM visits v JOIN (SELECT d.药品, d.visit_no AS k1 FROM drugs d) x ON x.k1 = v.visit_no WHERE x.药品 = 'A'

-- the most frequent department of each person
SELECT k, COUNT(*) FROM (SELECT MODE(科室) AS k FROM visits WHERE emergency GROUP BY pid) GROUP BY k
=>
refused sql.aggregate (function=MODE)
at MODE(科室)
write SELECT k, COUNT(*) FROM (SELECT ARG_MAX(x, n) AS k FROM (SELECT pid, 科室 AS x, COUNT(*) AS n FROM visits WHERE emergency GROUP BY pid, 科室) GROUP BY pid) GROUP BY k

-- rows of values in a list
SELECT COUNT(*) FROM persons WHERE (city, 性别) IN (('A', '女'), ('B', '男'))
=>
refused sql.unsupported (what=TUPLE)
at city, 性别
write SELECT COUNT(*) FROM persons WHERE ((city = 'A' AND 性别 = '女') OR (city = 'B' AND 性别 = '男'))

-- EXISTS within EXISTS, two levels out
SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid AND EXISTS (SELECT 1 FROM drugs d WHERE d.visit_no = v.visit_no AND d.packs > p.birth_year))
=>
refused sql.correlated (column=birth_year)
at p.birth_year
write SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v, drugs d WHERE v.pid = p.pid AND (d.visit_no = v.visit_no AND d.packs > p.birth_year))

-- a column of one's own row as a subquery
SELECT AVG((SELECT p.income FROM persons p WHERE p.pid = v.pid)) FROM visits v
=>
refused sql.subquery_rows
at SELECT p.income FROM persons p WHERE p.pid = v.pid
write SELECT AVG((SELECT AVG(p.income) FROM persons p WHERE p.pid = v.pid)) FROM visits v

-- cities in which somebody lives
SELECT c.code FROM cities c WHERE EXISTS (SELECT 1 FROM persons p WHERE p.city = c.code)
=>
refused plan.exists_private
at SELECT 1 FROM persons p WHERE p.city = c.code
write SELECT c.code FROM cities c WHERE c.code IN (SELECT * FROM (SELECT DISTINCT p.city FROM persons p) d)

-- cities in a list of persons' ones
SELECT c.code FROM cities c WHERE c.code IN (SELECT city FROM persons)
=>
refused plan.exists_private
at city FROM persons
write SELECT c.code FROM cities c WHERE c.code IN (SELECT * FROM (SELECT DISTINCT city FROM persons) d)

-- a semi join with persons
SELECT COUNT(*) FROM cities c SEMI JOIN persons p ON p.city = c.code
=>
refused plan.exists_private
at persons p
write SELECT COUNT(*) FROM cities c SEMI JOIN (SELECT DISTINCT city FROM clinic.persons) p ON p.city = c.code

-- a subquery in the ON of an outer join
SELECT COUNT(*) FROM persons p LEFT JOIN visits v ON p.pid = v.pid AND v.费用 > (SELECT AVG(费用) FROM visits)
=>
refused sql.subquery
at v.费用 > (SELECT AVG(费用) FROM visits)
write SELECT COUNT(*) FROM persons p JOIN visits v ON p.pid = v.pid AND v.费用 > (SELECT AVG(费用) FROM visits)

-- the first in no order
SELECT COUNT(*) FROM (SELECT pid, FIRST(科室) AS w FROM visits GROUP BY pid)
=>
refused sql.unsupported (what=FIRST or LAST without ORDER BY)
at FIRST(科室)
write SELECT COUNT(*) FROM (SELECT pid, MIN(科室) AS w FROM visits GROUP BY pid)

-- a count of nothing
SELECT COUNT(NULL) FROM persons
=>
refused sql.unsupported (what=COUNT(NULL))
at COUNT(NULL)
write SELECT COUNT(*) FROM persons

-- groups by a constant
SELECT COUNT(*) FROM persons GROUP BY 'x'
=>
refused sql.unsupported (what=GROUP BY a constant)
at 'x'
write SELECT COUNT(*) FROM persons

-- a quantile of a falling order
SELECT AVG(m) FROM (SELECT pid, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY 费用 DESC) AS m FROM visits GROUP BY pid)
=>
refused sql.unsupported (what=this WITHIN GROUP)
at PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY 费用 DESC)
write SELECT AVG(m) FROM (SELECT pid, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY 费用) AS m FROM visits GROUP BY pid)

-- different values in a window
SELECT COUNT(*) FROM (SELECT COUNT(DISTINCT 科室) OVER (PARTITION BY pid) AS n FROM visits) WHERE n > 1
=>
refused sql.unsupported (what=DISTINCT in a window)
at COUNT(DISTINCT 科室)
write SELECT COUNT(*) FROM (SELECT COUNT(科室) OVER (PARTITION BY pid) AS n FROM visits) WHERE n > 1

-- all columns but one
SELECT * EXCLUDE (pid) FROM persons
=>
refused sql.unsupported (what=* EXCLUDE)
at pid
write SELECT COUNT(*) AS n FROM persons

-- more names than columns
SELECT COUNT(*) FROM (SELECT pid FROM visits) d(a, b)
=>
refused sql.alias_columns
at (SELECT pid FROM visits) d(a, b)
write SELECT COUNT(*) FROM (SELECT pid FROM visits) d

-- rows above the average, without a subquery
SELECT COUNT(*) FROM persons WHERE income > AVG(income)
=>
refused sql.aggregate_place
at AVG(income)
write SELECT COUNT(*) FROM persons WHERE income > (SELECT AVG(income) FROM persons)

-- a count's alias in WHERE
SELECT COUNT(*) n FROM persons WHERE n > 5
=>
refused sql.aggregate_place
at COUNT(*)
write SELECT COUNT(*) n FROM persons HAVING n > 5

-- COUNT(DISTINCT *)
SELECT COUNT(DISTINCT *) FROM persons
=>
refused sql.unsupported (what=*)
at *
write SELECT COUNT(*) FROM persons

-- the unit and a value counted together
SELECT COUNT(DISTINCT pid, 科室) FROM visits
=>
refused sql.count_distinct
at COUNT(DISTINCT pid, 科室)
write SELECT COUNT(DISTINCT pid) FROM visits

-- year and month put together
SELECT YEAR(日期) || '-' || MONTH(日期) AS ym, COUNT(*) FROM visits GROUP BY ym
=>
accepted

-- FORMAT
SELECT FORMAT(日期, 'yyyy-MM') AS m, COUNT(*) FROM visits GROUP BY m
=>
refused sql.unknown_function (function=FORMAT)
at FORMAT(日期, 'yyyy-MM')
write SELECT strftime(日期, '%Y-%m') AS m, COUNT(*) FROM visits GROUP BY m

-- a misspelt part of a date
SELECT DATE_TRUNC('quater', 日期) AS q, COUNT(*) FROM visits GROUP BY q
=>
refused sql.unsupported (what=the date unit quater)
at DATE_TRUNC('quater', 日期)
write SELECT DATE_TRUNC('quarter', 日期) AS q, COUNT(*) FROM visits GROUP BY q

-- a pattern of dates
SELECT COUNT(*) FROM visits WHERE 日期 LIKE '2024-01%'
=>
refused plan.type (function=like, types=date, text)
at 日期 LIKE '2024-01%'
write SELECT COUNT(*) FROM visits WHERE CAST(日期 AS VARCHAR) LIKE '2024-01%'

-- a year as a text
SELECT COUNT(*) FROM visits WHERE YEAR(日期) = '2024'
=>
refused plan.type (function=equal, types=integer, text)
at YEAR(日期) = '2024'
write SELECT COUNT(*) FROM visits WHERE YEAR(日期) = 2024

-- a code as a number
SELECT COUNT(*) FROM persons WHERE 2024 - birth_year >= 65 AND 性别 = 1
=>
refused plan.type (function=equal, types=text, integer)
at 性别 = 1
write SELECT COUNT(*) FROM persons WHERE 2024 - birth_year >= 65 AND 性别 = '1'

-- a choice of text and number
SELECT CASE WHEN income > 100 THEN 'high' ELSE 0 END AS c, COUNT(*) FROM persons GROUP BY c
=>
refused plan.type (function=case, types=boolean, text, integer)
at CASE WHEN income > 100 THEN 'high' ELSE 0 END
write SELECT CASE WHEN income > 100 THEN 'high' ELSE '0' END AS c, COUNT(*) FROM persons GROUP BY c

-- a word for no number
SELECT COALESCE(income, 'none') AS i, COUNT(*) FROM persons GROUP BY i
=>
refused plan.type (function=coalesce, types=double, text)
at COALESCE(income, 'none')
write SELECT COALESCE(income, 0) AS i, COUNT(*) FROM persons GROUP BY i

-- quotes forgotten
SELECT SUM(费用) FROM visits WHERE 科室 = 内科
=>
refused sql.unknown_column (column=内科, known=visit_no, pid, 科室, 日期, 费用, emergency, near=科室)
at 内科
write SELECT SUM(费用) FROM visits WHERE 科室 = '内科'

-- curly single quotes
SELECT SUM(费用) FROM visits WHERE 科室 = ‘内科’
=>
refused sql.unknown_column (column=‘内科’, known=visit_no, pid, 科室, 日期, 费用, emergency)
at ‘内科’
write SELECT SUM(费用) FROM visits WHERE 科室 = '内科'

-- IN without brackets
SELECT COUNT(*) FROM visits WHERE 科室 IN '内科'
=>
refused sql.unsupported (what=IN without brackets)
at '内科'
write SELECT COUNT(*) FROM visits WHERE 科室 IN ('内科')

-- IS with a value
SELECT COUNT(*) FROM visits WHERE emergency IS 1
=>
refused sql.unsupported (what=IS)
at emergency IS 1
write SELECT COUNT(*) FROM visits WHERE emergency = TRUE

-- AND OR
SELECT COUNT(*) FROM visits WHERE NOT emergency AND OR 费用 > 5
=>
refused sql.syntax (what=unexpected 'OR')
at OR
write SELECT COUNT(*) FROM visits WHERE NOT emergency AND 费用 > 5

-- a bracket too many
SELECT COUNT(*) FROM persons WHERE income > 5)
=>
refused sql.syntax (what=unexpected ')')
at )
write SELECT COUNT(*) FROM persons WHERE income > 5

-- a bracket opened
SELECT COUNT(*) FROM persons WHERE (income > 5
=>
refused sql.syntax (what=unexpected '5')
at 5
write SELECT COUNT(*) FROM persons WHERE (income > 5)

-- LEFT OUTER without JOIN
SELECT COUNT(*) FROM visits v LEFT OUTER persons p ON v.pid = p.pid
=>
refused sql.syntax (what=unexpected 'LEFT')
at LEFT
write SELECT COUNT(*) FROM visits v LEFT OUTER JOIN persons p ON v.pid = p.pid

-- JION
SELECT COUNT(*) FROM visits JION persons ON visits.pid = persons.pid
=>
refused sql.syntax (what=unexpected 'persons')
at persons
write SELECT COUNT(*) FROM visits JOIN persons ON visits.pid = persons.pid

-- ODER BY
SELECT 科室, COUNT(*) FROM visits GROUP BY 科室 ODER BY 1
=>
refused sql.syntax (what=unexpected 'ODER')
at ODER
write SELECT 科室, COUNT(*) FROM visits GROUP BY 科室 ORDER BY 1

-- a full-width comma between items
select 科室，count(*) from visits group by 科室
=>
refused sql.unknown_function (function=科室，count, near=count)
at 科室，count(*)
write select 科室,count(*) from visits group by 科室

-- full-width signs
SELECT COUNT（＊） FROM visits WHERE 费用＞100
=>
refused sql.unknown_column (column=费用＞100, known=visit_no, pid, 科室, 日期, 费用, emergency, near=费用)
at 费用＞100
write SELECT COUNT(*) FROM visits WHERE 费用>100

-- each person's average
SELECT AVG(income) FROM persons GROUP BY pid
=>
refused sql.unit_value
at pid
write SELECT AVG(x) FROM (SELECT pid, AVG(income) AS x FROM persons GROUP BY pid)

-- the different persons
SELECT DISTINCT pid FROM visits
=>
refused sql.unit_value
at pid
write SELECT DISTINCT COUNT(DISTINCT pid) FROM visits

-- a share of the sum over an alias
SELECT 科室, SUM(费用) AS s, s / SUM(s) AS share FROM visits GROUP BY 科室
=>
refused sql.aggregate_place
at SUM(费用)
write SELECT 科室, SUM(费用) AS s, s / SUM(s) OVER () AS share FROM visits GROUP BY 科室

-- ORDER BY COUNT
SELECT 科室, COUNT(*) FROM visits GROUP BY 科室 ORDER BY COUNT DESC
=>
refused sql.unknown_column (column=COUNT, known=visit_no, pid, 科室, 日期, 费用, emergency)
at COUNT
write SELECT 科室, COUNT(*) FROM visits GROUP BY 科室 ORDER BY COUNT(*) DESC

-- DATE of a date
SELECT COUNT(*) FROM visits WHERE date(日期) = '2024-01-01'
=>
refused sql.unknown_function (function=date)
at date(日期)
write SELECT COUNT(*) FROM visits WHERE CAST(日期 AS DATE) = '2024-01-01'

-- a key by another name
SELECT COUNT(*) FROM persons p INNER JOIN visits v ON p.id = v.pid
=>
refused sql.unknown_column (column=id, known=pid, 性别, birth_year, income, city, visit_no, 科室, 日期, 费用, emergency, near=pid)
at p.id
write SELECT COUNT(*) FROM persons p INNER JOIN visits v ON p.pid = v.pid

-- a condition cut short
SELECT COUNT(1) FROM persons WHERE birth_year BETWEEN 1950 AND
=>
refused sql.syntax (what=it is incomplete after 'AND')
at AND
write SELECT COUNT(1) FROM persons

-- a window of shares of everybody
SELECT count(*) over (partition by 科室) from visits
=>
refused sql.window
at count(*) over (partition by 科室)
write SELECT 科室, count(*) from visits GROUP BY 科室

-- a CTE of the first rows
WITH x AS (SELECT * FROM persons LIMIT 5) SELECT * FROM x
=>
refused plan.order
at 5
write WITH x AS (SELECT * FROM persons) SELECT COUNT(*) AS n FROM x

-- INSERT of a row
INSERT INTO persons VALUES (1)
=>
refused sql.not_select
at INSERT
write SELECT COUNT(*) AS n FROM persons

-- a setting changed
SET threads = 1
=>
refused sql.not_select
at SET

-- settings as a table
SELECT * FROM duckdb_settings()
=>
refused sql.table_function (function=duckdb_settings)
at duckdb_settings()

-- a person by name
SELECT COUNT(*) FROM persons WHERE pid = '张三'
=>
refused sql.unit_value
at pid = '张三'
write SELECT COUNT(*) FROM persons

-- CONVERT
SELECT CONVERT(VARCHAR, birth_year) AS y, COUNT(*) FROM persons GROUP BY y
=>
refused sql.cast_type (type=birth_year)
at CONVERT(VARCHAR, birth_year)
write SELECT CAST(birth_year AS VARCHAR) AS y, COUNT(*) FROM persons GROUP BY y

-- GROUP_CONCAT
SELECT GROUP_CONCAT(city) FROM persons
=>
refused sql.aggregate (function=GROUP_CONCAT)
at GROUP_CONCAT(city)
write SELECT city, COUNT(*) FROM persons GROUP BY city

-- backticks
SELECT COUNT(*) FROM `persons` WHERE `income` > 5
=>
refused sql.syntax (what=unexpected '`')
at `
write SELECT COUNT(*) FROM "persons" WHERE "income" > 5

-- square brackets
SELECT COUNT(*) FROM [persons]
=>
refused sql.syntax (what=unexpected '[')
at [
write SELECT COUNT(*) FROM "persons"

-- an aggregate as a name
SELECT "COUNT(*)" FROM persons
=>
refused sql.unknown_column (column=COUNT(*), known=pid, 性别, birth_year, income, city)
at "COUNT(*)"
write SELECT COUNT(*) AS n FROM persons

-- a constant row of a list of cities
SELECT COUNT(*) FROM persons WHERE city = (SELECT code FROM cities WHERE name_en = 'Alpha')
=>
refused sql.subquery_rows
at SELECT code FROM cities WHERE name_en = 'Alpha'
write SELECT COUNT(*) FROM persons WHERE city = (SELECT code FROM cities WHERE name_en = 'Alpha' LIMIT 1)

-- a median of texts
SELECT MEDIAN(科室) FROM visits
=>
refused plan.type (function=quantile_cont, types=text)
at 科室
write SELECT COUNT(科室) FROM visits

-- a median of unknown range
SELECT MEDIAN(visit_no) FROM visits
=>
refused plan.unbounded_sum (aggregate=quantile_cont)
at visit_no
write SELECT MEDIAN(clamp(visit_no, 0, 100)) FROM visits

-- a quantile in percent
SELECT PERCENTILE_CONT(90) WITHIN GROUP (ORDER BY 费用) FROM visits
=>
refused sql.literal_argument (function=quantile, position=2)
at 90
write SELECT PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY 费用) FROM visits

-- several quantiles at once
SELECT QUANTILE_CONT(费用, [0.25, 0.75]) FROM visits
=>
refused sql.unknown_function (function=ARRAY)
at 0.25, 0.75
write SELECT QUANTILE_CONT(费用, 0.25), QUANTILE_CONT(费用, 0.75) FROM visits

-- a quantile without its fraction
SELECT QUANTILE_CONT(费用) FROM visits
=>
refused sql.unsupported (what=a quantile without its fraction)
at QUANTILE_CONT(费用)
write SELECT QUANTILE_CONT(费用, 0.5) FROM visits

-- a quantile of nothing
SELECT PERCENTILE_CONT(0.9) FROM visits
=>
refused sql.unsupported (what=a quantile without its fraction)
at PERCENTILE_CONT(0.9)

-- a quantile from above
SELECT PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY 费用 DESC) FROM visits
=>
refused sql.unsupported (what=this WITHIN GROUP)
at PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY 费用 DESC)
write SELECT PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY 费用) FROM visits

-- the least of an unknown range
SELECT MIN(visit_no) FROM visits
=>
refused plan.unbounded_sum (aggregate=min)
at visit_no
write SELECT MIN(clamp(visit_no, 0, 100)) FROM visits

-- the last date
SELECT MAX(日期) FROM visits
=>
refused plan.type (function=max, types=date)
at 日期
write SELECT MAX(date_diff('day', DATE '2026-01-01', 日期)) FROM visits

-- the greatest of different values
SELECT MAX(DISTINCT 费用) FROM visits
=>
refused sql.unsupported (what=DISTINCT here)
at 费用
write SELECT MAX(费用) FROM visits

-- an approximate quantile
SELECT APPROX_QUANTILE(费用, 0.5) FROM visits
=>
refused sql.aggregate (function=APPROX_QUANTILE)
at APPROX_QUANTILE(费用, 0.5)
write SELECT QUANTILE_CONT(费用, 0.5) FROM visits

-- the spread
SELECT MAX(费用) - MIN(费用) FROM visits
=>
accepted

-- WITH ROLLUP
SELECT 性别, COUNT(*) FROM persons GROUP BY 性别 WITH ROLLUP
=>
refused sql.unsupported (what=GROUP ROLLUP)
at 性别
write SELECT 性别, COUNT(*) FROM persons GROUP BY ROLLUP (性别)

-- levels without an aggregate
SELECT 性别, city FROM persons GROUP BY ROLLUP(性别, city)
=>
refused sql.no_aggregate
at SELECT 性别, city FROM persons GROUP BY ROLLUP(性别, city)
write SELECT 性别, city, COUNT(*) AS n FROM persons GROUP BY ROLLUP(性别, city)

-- levels of persons
SELECT pid, COUNT(*) FROM visits GROUP BY ROLLUP(pid)
=>
refused sql.unit_value
at pid
write SELECT COUNT(DISTINCT pid), COUNT(*) FROM visits

-- a median at every level
SELECT 性别, MEDIAN(income) FROM persons GROUP BY ROLLUP(性别)
=>
refused sql.unsupported (what=quantiles of grouping sets)
at SELECT 性别, MEDIAN(income) FROM persons GROUP BY ROLLUP(性别)
write SELECT 性别, MEDIAN(income) FROM persons GROUP BY 性别

-- levels within each person
SELECT AVG(n) FROM (SELECT pid, 科室, COUNT(*) AS n FROM visits GROUP BY ROLLUP(pid, 科室))
=>
refused sql.unsupported (what=grouping sets of these rows)
at pid, 科室
write SELECT AVG(n) FROM (SELECT pid, 科室, COUNT(*) AS n FROM visits GROUP BY pid, 科室)

-- levels of public rows
SELECT name_en, COUNT(*) FROM cities GROUP BY ROLLUP(name_en)
=>
refused sql.unsupported (what=grouping sets of these rows)
at name_en
write SELECT name_en, COUNT(*) FROM cities GROUP BY name_en
