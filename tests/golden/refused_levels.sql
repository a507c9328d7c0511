-- data set clinic

-- totals of each unit's rows
SELECT AVG(n) FROM (SELECT pid, 科室, COUNT(*) AS n FROM visits GROUP BY ROLLUP(pid, 科室))
=>
refused sql.unsupported (what=grouping sets of these rows)
at pid, 科室
write SELECT AVG(n) FROM (SELECT pid, 科室, COUNT(*) AS n FROM visits GROUP BY pid, 科室)

-- totals of released rows
SELECT 科室, SUM(n) FROM (SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室) GROUP BY ROLLUP(科室)
=>
refused sql.unsupported (what=grouping sets of these rows)
at 科室
write SELECT 科室, SUM(n) FROM (SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室) GROUP BY 科室

-- GROUPING of no key
SELECT 性别, GROUPING(birth_year), COUNT(*) FROM persons GROUP BY ROLLUP(性别)
=>
refused sql.not_grouped (column=birth_year)
at birth_year
write SELECT 性别, GROUPING(birth_year), COUNT(*) FROM persons GROUP BY ROLLUP(性别), birth_year

-- more sets than there may be
SELECT COUNT(*) FROM persons GROUP BY CUBE(性别, birth_year, city, income, (birth_year > 1950), (city > 'A'), (income > 10))
=>
refused plan.too_large (limit=64, what=grouping sets)
at 性别, birth_year, city, income, (birth_year > 1950), (city > 'A'), (income > 10)

-- the unit key in a set
SELECT COUNT(*) FROM visits GROUP BY GROUPING SETS ((pid), ())
=>
refused sql.unit_value
at pid
write SELECT COUNT(*) AS n FROM visits

-- in another dialect
SELECT 性别, COUNT(*) FROM persons GROUP BY 性别 WITH ROLLUP
=>
refused sql.unsupported (what=GROUP ROLLUP)
at 性别
write SELECT 性别, COUNT(*) FROM persons GROUP BY ROLLUP (性别)
