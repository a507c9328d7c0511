-- data set clinic

-- private rows of a union
SELECT pid FROM persons UNION ALL SELECT pid FROM visits
=>
refused plan.raw_rows
at pid FROM persons UNION ALL SELECT pid FROM visits
write SELECT COUNT(*) AS n FROM (SELECT pid FROM persons UNION ALL SELECT pid FROM visits)

-- UNION across persons
SELECT COUNT(*) FROM (SELECT city FROM persons UNION SELECT 科室 FROM visits)
=>
refused sql.set_units (what=UNION)
at city FROM persons UNION SELECT 科室 FROM visits
write SELECT COUNT(*) FROM (SELECT city FROM persons UNION ALL SELECT 科室 FROM visits)

-- the unit key at one side only
SELECT COUNT(*) FROM (SELECT pid, visit_no FROM visits INTERSECT SELECT v.pid, d.visit_no FROM drugs d LEFT JOIN visits v ON v.visit_no = d.visit_no)
=>
refused sql.set_units (what=INTERSECT)
at pid, visit_no FROM visits INTERSECT SELECT v.pid, d.visit_no FROM drugs d LEFT JOIN visits v ON v.visit_no = d.visit_no

-- private and public rows
SELECT COUNT(*) FROM (SELECT city FROM persons UNION ALL SELECT code FROM cities)
=>
refused plan.union_kinds
at city FROM persons UNION ALL SELECT code FROM cities
write SELECT COUNT(*) FROM (SELECT city FROM persons )

-- unequal columns
SELECT COUNT(*) FROM (SELECT city, income FROM persons UNION ALL SELECT 科室 FROM visits)
=>
refused sql.union_columns (what=UNION)
at city, income FROM persons UNION ALL SELECT 科室 FROM visits

-- unequal types
SELECT COUNT(*) FROM (SELECT city FROM persons UNION ALL SELECT 费用 FROM visits)
=>
refused plan.type (function=UNION, types=text, double)
at city FROM persons UNION ALL SELECT 费用 FROM visits

-- INTERSECT ALL
SELECT COUNT(*) FROM (SELECT pid FROM persons INTERSECT ALL SELECT pid FROM visits)
=>
refused sql.set_operation (what=INTERSECT ALL)
at pid FROM persons INTERSECT ALL SELECT pid FROM visits
write SELECT COUNT(*) FROM (SELECT pid FROM persons INTERSECT SELECT pid FROM visits)

-- a union of private rows in order
SELECT COUNT(*) FROM (SELECT pid FROM persons UNION ALL SELECT pid FROM visits ORDER BY 1)
=>
refused plan.order
at 1
write SELECT COUNT(*) FROM (SELECT pid FROM persons UNION ALL SELECT pid FROM visits )

-- an order by what is no column
SELECT COUNT(*) AS n FROM persons UNION ALL SELECT COUNT(*) FROM visits ORDER BY n + 1
=>
refused sql.unknown_column (column=n + 1, known=n)
at n + 1

-- UNION BY NAME
SELECT COUNT(*) AS n FROM persons UNION ALL BY NAME SELECT COUNT(*) AS n FROM visits
=>
refused sql.unsupported (what=UNION BY_NAME)
at COUNT(*) AS n FROM persons UNION ALL BY NAME SELECT COUNT(*) AS n FROM visits
write SELECT COUNT(*) AS n FROM persons UNION ALL SELECT COUNT(*) AS n FROM visits

-- VALUES of unequal rows
SELECT COUNT(*) FROM persons, (VALUES (1), (2, 3)) t
=>
refused sql.union_columns (what=VALUES)
at (VALUES (1), (2, 3)) t

-- VALUES of what is no constant
SELECT COUNT(*) FROM persons p WHERE p.birth_year IN (VALUES (p.birth_year))
=>
refused sql.unknown_table (table=p)
at p.birth_year

-- VALUES of two types
SELECT COUNT(*) FROM persons, (VALUES (1), ('a')) t
=>
refused plan.type (function=VALUES, types=integer, text)
at (VALUES (1), ('a')) t
write SELECT COUNT(*) FROM persons, (VALUES ('1'), ('a')) t

-- constants only
SELECT 1 AS x UNION ALL SELECT 2
=>
refused sql.no_table
at 1 AS x UNION ALL SELECT 2
