-- data set clinic

-- EXISTS of anybody's rows
SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.费用 > 5)
=>
refused plan.join_unit
at SELECT 1 FROM visits v WHERE v.费用 > 5
write SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid AND (v.费用 > 5))

-- IN of anybody's rows
SELECT COUNT(*) FROM persons p WHERE birth_year IN (SELECT visit_no FROM visits)
=>
refused plan.join_unit
at visit_no FROM visits

-- the unit under OR
SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid OR v.emergency)
=>
refused sql.unit_value
at v.pid = p.pid
write SELECT COUNT(*) FROM persons p

-- public rows that have private ones
SELECT c.code FROM cities c WHERE EXISTS (SELECT 1 FROM persons p WHERE p.city = c.code)
=>
refused plan.exists_private
at SELECT 1 FROM persons p WHERE p.city = c.code
write SELECT c.code FROM cities c WHERE c.code IN (SELECT * FROM (SELECT DISTINCT p.city FROM persons p) d)

-- released rows that have private ones
SELECT r.city FROM (SELECT city, COUNT(*) AS n FROM persons GROUP BY city) r WHERE r.city IN (SELECT city FROM persons)
=>
refused plan.exists_private
at city FROM persons
write SELECT r.city FROM (SELECT city, COUNT(*) AS n FROM persons GROUP BY city) r WHERE r.city IN (SELECT * FROM (SELECT DISTINCT city FROM persons) d)

-- a public side of a semi join
SELECT COUNT(*) FROM (SELECT c.code FROM cities c SEMI JOIN persons p ON p.city = c.code) s
=>
refused plan.exists_private
at persons p
write SELECT COUNT(*) FROM (SELECT c.code FROM cities c SEMI JOIN (SELECT DISTINCT city FROM clinic.persons) p ON p.city = c.code) s

-- columns of a query further out
SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid AND EXISTS (SELECT 1 FROM drugs d WHERE d.visit_no = v.visit_no AND d.packs > p.birth_year))
=>
refused sql.correlated (column=birth_year)
at p.birth_year
write SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v, drugs d WHERE v.pid = p.pid AND (d.visit_no = v.visit_no AND d.packs > p.birth_year))

-- columns of the query around in an outer join
SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v LEFT JOIN cities c ON c.code = p.city WHERE v.pid = p.pid)
=>
refused sql.correlated
at c.code = p.city
write SELECT COUNT(*) FROM persons p, visits v LEFT JOIN cities c ON c.code = p.city WHERE (v.pid = p.pid)

-- EXISTS in ON of an outer join
SELECT COUNT(*) FROM persons p LEFT JOIN cities c ON c.code = p.city AND EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid)
=>
refused sql.subquery
at 1 FROM visits v WHERE v.pid = p.pid
write SELECT COUNT(*) FROM persons p JOIN cities c ON c.code = p.city AND EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid)

-- IN of two columns
SELECT COUNT(*) FROM persons WHERE city IN (SELECT code, name_zh FROM cities)
=>
refused sql.subquery_columns
at code, name_zh FROM cities
write SELECT COUNT(*) FROM persons WHERE city IN (SELECT code FROM cities)

-- a unit key among values
SELECT COUNT(*) FROM persons WHERE pid IN (SELECT visit_no FROM visits)
=>
refused sql.unit_value (column=pid)
at pid IN (SELECT visit_no FROM visits)
write SELECT COUNT(*) FROM persons

-- EXISTS over groups
SELECT city, COUNT(*) FROM persons GROUP BY city HAVING EXISTS (SELECT 1 FROM cities c WHERE c.code = city)
=>
refused sql.not_grouped (column=1 FROM cities c WHERE c.code = city)
at 1 FROM cities c WHERE c.code = city

-- FULL JOIN with a public table
SELECT COUNT(*) FROM persons p FULL JOIN cities c ON c.code = p.city
=>
refused plan.join_preserved
at cities c ON c.code = p.city
write SELECT COUNT(*) FROM persons p LEFT JOIN cities c ON c.code = p.city

-- NATURAL JOIN of nothing shared
SELECT COUNT(*) FROM persons NATURAL JOIN drugs
=>
refused plan.join_unit
at drugs
