-- data set clinic

-- every column
SELECT * FROM persons
=>
refused plan.raw_rows
at *
write SELECT COUNT(*) AS n FROM persons

-- raw columns
SELECT 性别, income FROM persons WHERE income > 100000 ORDER BY income DESC LIMIT 10
=>
refused plan.raw_rows
at 性别
write SELECT COUNT(*) AS n FROM persons WHERE income > 100000

-- raw columns through a derived table
SELECT d.income FROM (SELECT income FROM persons) d
=>
refused plan.raw_rows
at d.income
write SELECT COUNT(*) AS n FROM (SELECT income FROM persons) d

-- the unit in the output
SELECT pid FROM persons
=>
refused sql.unit_value
at pid
write SELECT COUNT(DISTINCT pid) FROM persons

-- the unit as a group key
SELECT pid, COUNT(*) FROM visits GROUP BY pid
=>
refused sql.unit_value
at pid
write SELECT AVG(x) FROM (SELECT pid, COUNT(*) AS x FROM visits GROUP BY pid)

-- the unit as a group key beside another
SELECT v.科室, v.pid, COUNT(*) AS n FROM visits v GROUP BY v.科室, v.pid ORDER BY n
=>
refused sql.unit_value
at v.pid
write SELECT v.科室, COUNT(DISTINCT v.pid), COUNT(*) AS n FROM visits v GROUP BY v.科室 ORDER BY n

-- the unit compared with a constant
SELECT COUNT(*) FROM persons WHERE pid = 42
=>
refused sql.unit_value
at pid = 42
write SELECT COUNT(*) FROM persons

-- the unit in arithmetic
SELECT COUNT(*) FROM persons WHERE pid % 2 = 0
=>
refused sql.unit_value
at pid % 2
write SELECT COUNT(*) FROM persons

-- the unit in an IN list
SELECT COUNT(*) FROM persons WHERE pid IN (1, 2)
=>
refused sql.unit_value
at pid IN (1, 2)
write SELECT COUNT(*) FROM persons

-- the unit summed
SELECT SUM(pid) FROM persons
=>
refused sql.unit_value
at pid
write SELECT COUNT(DISTINCT pid) FROM persons

-- the unit as an order
SELECT COUNT(*) FROM persons ORDER BY pid
=>
refused sql.unit_value (column=pid)
at pid
write SELECT COUNT(*) FROM persons

-- the unit cast
SELECT COUNT(*) FROM persons WHERE CAST(pid AS VARCHAR) LIKE '1%'
=>
refused sql.unit_value
at CAST(pid AS VARCHAR)
write SELECT COUNT(*) FROM persons

-- a missable unit joined on
SELECT COUNT(*) FROM persons p LEFT JOIN visits v ON p.pid = v.pid JOIN visits w ON w.pid = v.pid
=>
refused sql.unit_value (column=pid)
at w.pid = v.pid
write SELECT COUNT(*) FROM persons p LEFT JOIN visits v ON p.pid = v.pid JOIN visits w ON p.pid = w.pid

-- an unknown table
SELECT COUNT(*) FROM person
=>
refused sql.unknown_table (known=persons, visits, drugs, cities, near=persons, table=person)
at person
write SELECT COUNT(*) FROM persons

-- an unknown data set
SELECT COUNT(*) FROM clinik.persons
=>
refused sql.unknown_dataset (dataset=clinik, known=clinic, tpch, supply, near=clinic)
at clinik.persons
write SELECT COUNT(*) FROM clinic.persons

-- an unknown table of a known data set
SELECT COUNT(*) FROM tpch.order
=>
refused sql.unknown_table (known=customer, orders, lineitem, region, nation, supplier, part, partsupp, near=orders, table=order)
at tpch.order
write SELECT COUNT(*) FROM tpch.orders

-- an unknown column
SELECT SUM(incom) FROM persons
=>
refused sql.unknown_column (column=incom, known=pid, 性别, birth_year, income, city, near=income)
at incom
write SELECT SUM(income) FROM persons

-- an unknown column of an alias
SELECT AVG(p.incme) FROM persons AS p
=>
refused sql.unknown_column (column=incme, known=pid, 性别, birth_year, income, city, near=income)
at p.incme
write SELECT AVG(p.income) FROM persons AS p

-- an unknown alias
SELECT AVG(q.income) FROM persons AS p
=>
refused sql.unknown_table (known=p, near=p, table=q)
at q.income
write SELECT AVG(p.income) FROM persons AS p

-- an unknown function
SELECT SUM(squareroot(income)) FROM persons
=>
refused sql.unknown_function (function=squareroot)
at squareroot(income)
write SELECT SUM(sqrt(income)) FROM persons

-- a misspelt function
SELECT SUM(clmp(income, 0, 5)) FROM persons
=>
refused sql.unknown_function (function=clmp, near=clamp)
at clmp(income, 0, 5)
write SELECT SUM(clamp(income, 0, 5)) FROM persons

-- an ambiguous column
SELECT COUNT(visit_no) FROM visits v JOIN drugs d ON v.visit_no = d.visit_no
=>
refused sql.ambiguous_column (column=visit_no)
at visit_no
write SELECT COUNT(v.visit_no) FROM visits v JOIN drugs d ON v.visit_no = d.visit_no

-- a column that is not grouped
SELECT 性别, city, COUNT(*) FROM persons GROUP BY 性别
=>
refused sql.not_grouped (column=city)
at city
write SELECT 性别, city, COUNT(*) FROM persons GROUP BY 性别, city

-- a column beside an aggregate
SELECT 性别, COUNT(*) FROM persons
=>
refused sql.not_grouped (column=性别)
at 性别
write SELECT 性别, COUNT(*) FROM persons GROUP BY 性别

-- a star beside groups
SELECT *, COUNT(*) FROM persons
=>
refused sql.star_grouped
at *
write SELECT COUNT(*) AS n FROM persons

-- groups without an aggregate
SELECT 性别 FROM persons GROUP BY 性别
=>
refused sql.no_aggregate
at SELECT 性别 FROM persons GROUP BY 性别
write SELECT 性别, COUNT(*) AS n FROM persons GROUP BY 性别

-- COUNT(DISTINCT) of two columns
SELECT COUNT(DISTINCT city, 性别) FROM persons
=>
refused sql.count_distinct
at COUNT(DISTINCT city, 性别)
write SELECT COUNT(DISTINCT concat(CAST(city AS VARCHAR), '|', CAST(性别 AS VARCHAR))) FROM persons

-- SUM(DISTINCT)
SELECT SUM(DISTINCT income) FROM persons
=>
refused sql.unsupported (what=DISTINCT here)
at SUM(DISTINCT income)
write SELECT SUM(income) FROM persons

-- a quantile of a column
SELECT QUANTILE_CONT(income, income) FROM persons
=>
refused sql.literal_argument (function=quantile, position=2)
at income

-- a quantile beyond all rows
SELECT QUANTILE_DISC(income, 1.5) FROM persons
=>
refused sql.literal_argument (function=quantile, position=2)
at 1.5
write SELECT QUANTILE_DISC(income, 0.015) FROM persons

-- a descending order
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY income DESC) FROM persons
=>
refused sql.unsupported (what=this WITHIN GROUP)
at PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY income DESC)
write SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY income) FROM persons

-- MIN of a text
SELECT MIN(city) FROM persons
=>
refused plan.type (function=min, types=text)
at city
write SELECT COUNT(city) FROM persons

-- a list of values
SELECT LIST(income) FROM persons
=>
refused sql.aggregate (function=LIST)
at LIST(income)
write SELECT AVG(income) FROM persons

-- any value
SELECT ANY_VALUE(city) FROM persons
=>
refused sql.aggregate (function=ANY_VALUE)
at ANY_VALUE(city)
write SELECT city, COUNT(*) FROM persons GROUP BY city

-- an aggregate in WHERE
SELECT COUNT(*) FROM persons WHERE SUM(income) > 5
=>
refused sql.aggregate_place
at SUM(income)
write SELECT COUNT(*) FROM persons HAVING SUM(income) > 5

-- an aggregate in an aggregate
SELECT SUM(COUNT(*)) FROM persons
=>
refused sql.aggregate_place
at COUNT(*)
write SELECT SUM(n) FROM (SELECT COUNT(*) AS n FROM persons)

-- an aggregate as a key
SELECT COUNT(*) FROM persons GROUP BY 1
=>
refused sql.aggregate_place
at COUNT(*)
write SELECT COUNT(*) FROM persons GROUP BY ALL

-- an ordered aggregate
SELECT SUM(income ORDER BY city) FROM persons
=>
refused sql.unsupported (what=ORDER)
at income ORDER BY city
write SELECT SUM(income) FROM persons

-- the sum of a text
SELECT SUM(city) FROM persons
=>
refused plan.type (function=sum, types=text)
at city
write SELECT COUNT(city) FROM persons

-- a condition that is none
SELECT COUNT(*) FROM persons WHERE income
=>
refused plan.type (function=condition, types=double)
at income
write SELECT COUNT(*) FROM persons WHERE income <> 0

-- a text compared with a number
SELECT COUNT(*) FROM persons WHERE income > 'many'
=>
refused plan.type (function=greater, types=double, text)
at income > 'many'
write SELECT COUNT(*) FROM persons WHERE income > 0

-- a date that is none
SELECT COUNT(*) FROM visits WHERE 日期 > '2024-02-30'
=>
refused sql.literal (text=2024-02-30, type=date)
at 日期 > '2024-02-30'
write SELECT COUNT(*) FROM visits WHERE 日期 > '2024-02-28'

-- a number out of range
SELECT COUNT(*) FROM persons WHERE income > 1e400
=>
refused sql.number (number=…)
at 1e400

-- an integer out of range
SELECT COUNT(*) FROM persons WHERE birth_year < 9223372036854775807 + 1
=>
refused sql.number (number=9223372036854775808)
at 9223372036854775807 + 1

-- a cast to DECIMAL
SELECT SUM(CAST(income AS DECIMAL(10, 2))) FROM persons
=>
refused sql.cast_type (type=DECIMAL(10, 2))
at CAST(income AS DECIMAL(10, 2))
write SELECT SUM(CAST(income AS DOUBLE)) FROM persons

-- a pattern that is no constant
SELECT COUNT(*) FROM persons WHERE city LIKE 性别
=>
refused sql.literal_argument (function=like, position=2)
at city LIKE 性别
write SELECT COUNT(*) FROM persons WHERE city = 性别

-- a position that is none
SELECT 性别, COUNT(*) FROM persons GROUP BY 3
=>
refused sql.ordinal (position=3)
at 3
write SELECT 性别, COUNT(*) FROM persons GROUP BY 1

-- an alias that needs itself
SELECT COUNT(*) AS n, m + 1 AS m FROM persons
=>
refused sql.unknown_column (column=m, known=pid, 性别, birth_year, income, city)
at m

-- two persons in a row
SELECT COUNT(*) FROM persons p JOIN visits v ON p.birth_year = v.visit_no
=>
refused plan.join_unit
at visits v
write SELECT COUNT(*) FROM persons p JOIN visits v ON p.pid = v.pid AND p.birth_year = v.visit_no

-- a comma join without the unit
SELECT 性别, COUNT(*) FROM persons, visits GROUP BY 性别
=>
refused plan.join_unit
at visits
write SELECT 性别, COUNT(*) FROM persons, visits WHERE persons.pid = visits.pid GROUP BY 性别

-- the unit equality under OR
SELECT COUNT(*) FROM persons p JOIN visits v ON p.pid = v.pid OR v.费用 > 5
=>
refused sql.unit_value
at p.pid = v.pid
write SELECT COUNT(*) FROM persons p JOIN visits v ON p.pid = v.pid

-- an outer join without a condition
SELECT COUNT(*) FROM persons p LEFT JOIN visits v
=>
refused sql.join_condition
at visits v
write SELECT COUNT(*) FROM persons p LEFT JOIN visits v ON p.pid = v.pid

-- an outer join that keeps the public side
SELECT c.code, COUNT(p.income) FROM cities c LEFT OUTER JOIN persons p ON p.city = c.code GROUP BY 1
=>
refused plan.join_preserved
at persons p ON p.city = c.code
write SELECT c.code, COUNT(p.income) FROM cities c JOIN persons p ON p.city = c.code GROUP BY 1

-- two unit domains
SELECT COUNT(*) FROM persons p JOIN tpch.customer c ON p.pid = c.c_custkey
=>
refused plan.domains
at tpch.customer c

-- no table
SELECT 1
=>
refused sql.no_table
at SELECT 1

-- a scalar subquery of private rows
SELECT COUNT(*) FROM persons WHERE income > (SELECT income FROM persons)
=>
refused sql.subquery_rows
at SELECT income FROM persons
write SELECT COUNT(*) FROM persons WHERE income > (SELECT AVG(income) FROM persons)

-- a scalar subquery of several released rows
SELECT COUNT(*) FROM persons WHERE income > (SELECT AVG(income) AS a FROM persons GROUP BY 性别)
=>
refused sql.subquery_rows
at SELECT AVG(income) AS a FROM persons GROUP BY 性别
write SELECT COUNT(*) FROM persons WHERE income > (SELECT AVG(income) AS a FROM persons GROUP BY 性别 LIMIT 1)

-- a scalar subquery of two columns
SELECT COUNT(*) FROM persons WHERE income > (SELECT AVG(income), COUNT(*) FROM persons)
=>
refused sql.subquery_rows
at SELECT AVG(income), COUNT(*) FROM persons
write SELECT COUNT(*) FROM persons WHERE income > (SELECT AVG(income) AS v FROM persons LIMIT 1)

-- a scalar subquery of public rows
SELECT COUNT(*) FROM persons WHERE birth_year > (SELECT population FROM cities)
=>
refused sql.subquery_rows
at SELECT population FROM cities
write SELECT COUNT(*) FROM persons WHERE birth_year > (SELECT population FROM cities LIMIT 1)

-- a scalar subquery in the condition of an outer join
SELECT COUNT(v.pid) FROM persons p LEFT JOIN visits v ON p.pid = v.pid AND v.费用 > (SELECT AVG(费用) FROM visits)
=>
refused sql.subquery
at v.费用 > (SELECT AVG(费用) FROM visits)
write SELECT COUNT(v.pid) FROM persons p JOIN visits v ON p.pid = v.pid AND v.费用 > (SELECT AVG(费用) FROM visits)

-- a scalar subquery tied by more than equalities
SELECT COUNT(*) FROM visits v WHERE v.费用 > (SELECT AVG(w.费用) FROM visits w WHERE w.日期 < v.日期)
=>
refused sql.correlated_value
at SELECT AVG(w.费用) FROM visits w WHERE w.日期 < v.日期
write SELECT COUNT(*) FROM visits v WHERE v.费用 > (SELECT AVG(w.费用) FROM visits w)

-- a scalar subquery that computes with what is around it
SELECT COUNT(*) FROM visits v WHERE v.费用 > (SELECT AVG(w.费用 - v.费用) FROM visits w WHERE w.科室 = v.科室)
=>
refused sql.correlated_value
at SELECT AVG(w.费用 - v.费用) FROM visits w WHERE w.科室 = v.科室
write SELECT COUNT(*) FROM visits v WHERE v.费用 > (SELECT AVG(w.费用 - w.费用) FROM visits w)

-- the public side preserved beside a release
SELECT COUNT(*) FROM (SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室) g LEFT JOIN visits v ON v.科室 = g.科室
=>
refused plan.join_preserved
at visits v ON v.科室 = g.科室
write SELECT COUNT(*) FROM (SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室) g JOIN visits v ON v.科室 = g.科室

-- private rows in order
SELECT COUNT(*) FROM (SELECT pid FROM visits ORDER BY 费用 DESC LIMIT 10)
=>
refused plan.order
at 费用
write SELECT COUNT(*) FROM (SELECT pid FROM visits)

-- too many column names
SELECT COUNT(*) FROM (SELECT pid FROM visits) d(a, b)
=>
refused sql.alias_columns
at (SELECT pid FROM visits) d(a, b)
write SELECT COUNT(*) FROM (SELECT pid FROM visits) d

-- a regular expression that is not constant
SELECT COUNT(*) FROM visits WHERE regexp_matches('a', 科室)
=>
refused sql.literal_argument (function=regexp_matches, position=2)
at regexp_matches('a', 科室)
write SELECT COUNT(*) FROM visits

-- replacing every match
SELECT COUNT(*) FROM visits WHERE regexp_replace(科室, 'a', 'b', 'g') = 'x'
=>
refused sql.unsupported (what=REGEXPREPLACE MODIFIERS)
at 'g'
write SELECT COUNT(*) FROM visits WHERE regexp_replace(科室, 'a', 'b') = 'x'

-- a bucket of unknown width
SELECT time_bucket(INTERVAL (year(日期)) DAY, 日期) AS b, COUNT(*) FROM visits GROUP BY b
=>
refused sql.literal_argument (function=time_bucket, position=1)
at time_bucket(INTERVAL (year(日期)) DAY, 日期)

-- a misspelt function of the new ones
SELECT COUNT(*) FROM visits WHERE levenstein(科室, 'a') > 1
=>
refused sql.unknown_function (function=levenstein, near=levenshtein)
at levenstein(科室, 'a')
write SELECT COUNT(*) FROM visits WHERE levenshtein(科室, 'a') > 1

-- one argument too many
SELECT COUNT(*) FROM visits WHERE fdiv(1, 2, 3) > 1
=>
refused plan.type (function=fdiv, types=this number)
at fdiv(1, 2, 3)
write SELECT COUNT(*) FROM visits

-- a variance of distinct values
SELECT VAR_POP(DISTINCT income) FROM persons
=>
refused sql.unsupported (what=DISTINCT here)
at VAR_POP(DISTINCT income)
write SELECT VAR_POP(income) FROM persons

-- a correlation with the unit key
SELECT CORR(income, pid) FROM persons
=>
refused sql.unit_value
at pid
write SELECT COUNT(*) AS n FROM persons

-- a correlation with a text
SELECT CORR(性别, income) FROM persons
=>
refused plan.type (function=corr, types=text)
at 性别

-- more digits than a real number has
SELECT 性别, ROUND(AVG(income), 30) AS m FROM persons GROUP BY 性别
=>
refused plan.literal (function=round, position=2)
at ROUND(AVG(income), 30)
