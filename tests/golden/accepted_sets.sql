-- data set clinic

-- UNION ALL of private rows, the unit carried through
SELECT COUNT(*) AS n, COUNT(DISTINCT pid) AS units, SUM(x) FROM (SELECT pid, birth_year AS x FROM persons UNION ALL SELECT pid, 费用 FROM visits)
=>
m1 over ((((clinic.persons(c1: pid, c2: birth_year) select o1=c2) select o2=cast_double(o1)) select o3=o2) union ((clinic.visits(c3: pid, c4: 费用) select o4=c4) select o5=o4) as u1=o3|o5)
  a1=rows()
  a2=units()
  a3=sum(u1)
answer (m1 select o6=a1, o7=a2, o8=a3)
shows o6 as 'n', o7 as 'units', o8 as 'SUM(x)'

-- UNION ALL of three, grouped
SELECT c, COUNT(*) FROM (SELECT city AS c FROM persons UNION ALL SELECT 科室 FROM visits UNION ALL SELECT 药品 FROM drugs) s GROUP BY c
=>
m1 over (((clinic.persons(c1: city) select o1=c1) union (clinic.visits(c2: 科室) select o2=c2) as u1=o1|o2) union (clinic.drugs(c3: 药品) select o3=c3) as u2=u1|o3)
  by k1=u2
  a1=rows()
answer (m1 select o4=k1, o5=a1)
shows o4 as 'c', o5 as 'COUNT(*)'

-- a union in a CTE, joined on the unit
WITH e AS (SELECT pid, 费用 AS x FROM visits WHERE emergency UNION ALL SELECT pid, income FROM persons) SELECT p.性别, COUNT(*), SUM(e.x) FROM e JOIN persons p ON e.pid = p.pid GROUP BY p.性别
=>
m1 over ((((clinic.visits(c1: pid, c2: 费用, c3: emergency) where c3 select o1=c2) select o2=o1) union ((clinic.persons(c4: pid, c5: income) select o3=c5) select o4=o3) as u1=o2|o4) inner join clinic.persons(c6: pid, c7: 性别) on unit)
  by k1=c7
  a1=rows()
  a2=sum(u1)
answer (m1 select o5=k1, o6=a1, o7=a2)
shows o5 as '性别', o6 as 'COUNT(*)', o7 as 'SUM(e.x)'

-- UNION of rows with the unit
SELECT COUNT(*) FROM (SELECT pid, city FROM persons UNION SELECT pid, 科室 FROM visits)
=>
m1 over distinct (((clinic.persons(c1: pid, c2: city) select o1=c2) select o2=true, o3=o1) union ((clinic.visits(c3: pid, c4: 科室) select o4=c4) select o5=true, o6=o4) as u1=o2|o5, u2=o3|o6)
  a1=rows()
answer (m1 select o7=a1)
shows o7 as 'COUNT(*)'

-- INTERSECT and EXCEPT of rows with the unit
SELECT COUNT(*) AS n FROM (SELECT pid, 科室 FROM visits EXCEPT (SELECT pid, 科室 FROM visits WHERE emergency INTERSECT SELECT pid, 科室 FROM visits WHERE 费用 > 20))
=>
m1 over distinct ((((clinic.visits(c1: pid, c2: 科室) select o1=c2) select o2=true, o3=o1) mark e2 of (distinct ((((clinic.visits(c3: pid, c4: 科室, c5: emergency) where c5 select o4=c4) select o5=true, o6=o4) mark e1 of ((clinic.visits(c6: pid, c7: 科室, c8: 费用) where (c8 > 20) select o7=c7) select o8=o7) on unit and not(is_distinct_from(o6, o8))) where e1 select o9=o5, o10=o6) select o11=o10) on unit and not(is_distinct_from(o3, o11))) where not(e2) select o12=o2, o13=o3)
  a1=rows()
answer (m1 select o14=a1)
shows o14 as 'n'

-- releases one below the other, in order
SELECT 'persons' AS k, COUNT(*) AS n FROM persons UNION ALL SELECT 'visits', COUNT(*) FROM visits ORDER BY n DESC, 1 LIMIT 5
=>
m1 over clinic.persons()
  a1=rows()
m2 over clinic.visits()
  a2=rows()
answer ((m1 select o1='persons', o2=a1) union (m2 select o3='visits', o4=a2) as u1=o1|o3, u2=o2|o4) order u2 desc, u1 limit 5
shows u1 as 'k', u2 as 'n'

-- types of a union: whole and real numbers, NULL of any
SELECT 'a' AS k, COUNT(*) AS n FROM persons UNION ALL SELECT NULL, AVG(费用) FROM visits
=>
m1 over clinic.persons()
  a1=rows()
m2 over clinic.visits(c1: 费用)
  a2=avg(c1)
answer (((m1 select o1='a', o2=a1) select o3=o1, o4=cast_double(o2)) union ((m2 select o5=a2) select o6=null::text, o7=o5) as u1=o3|o6, u2=o4|o7)
shows u1 as 'k', u2 as 'n'

-- public rows but for others
SELECT k FROM (SELECT city AS k, COUNT(*) AS n FROM persons GROUP BY city HAVING COUNT(*) > 0) s EXCEPT SELECT code FROM cities WHERE population > 5000
=>
m1 over clinic.persons(c1: city)
  by k1=c1
  a1=rows()
answer distinct ((((m1 where (a1 > 0) select o1=k1) select o2=o1) mark e1 of (clinic.cities(c2: code, c3: population) where (c3 > 5000) select o3=c2) on not(is_distinct_from(o2, o3))) where not(e1) select o4=o2)
shows o4 as 'k'

-- VALUES as a public table
SELECT t.name, COUNT(*) FROM persons p JOIN (VALUES ('女', 'F'), ('男', 'M'), (NULL, 'X')) AS t(sex, name) ON t.sex = p.性别 GROUP BY t.name
=>
m1 over (clinic.persons(c1: 性别) inner join values(v1, v2: ('女', 'F'), ('男', 'M'), (null::text, 'X')) on (v1 = c1))
  by k1=v2
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'name', o2 as 'COUNT(*)'

-- VALUES in a CTE, whole and real numbers
WITH t(x) AS (VALUES (1930), (1950.5)) SELECT t.x, COUNT(*) FROM persons p JOIN t ON p.birth_year > t.x GROUP BY t.x
=>
m1 over (clinic.persons(c1: birth_year) inner join (values(v1: (1930d), (3901/2d)) select o1=v1) on (c1 > o1))
  by k1=o1
  a1=rows()
answer (m1 select o2=k1, o3=a1)
shows o2 as 'x', o3 as 'COUNT(*)'

-- IN of VALUES
SELECT COUNT(*) FROM persons WHERE city IN (VALUES ('A'), ('B'))
=>
m1 over (clinic.persons(c1: city) mark e1 of values(v1: ('A'), ('B')) on (c1 = v1)) where e1
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- SELECT without FROM
SELECT a.x, b.n + a.x AS y FROM (SELECT 1 AS x UNION ALL SELECT 2) a, (SELECT COUNT(*) AS n FROM persons) b
=>
m1 over clinic.persons()
  a1=rows()
answer ((((values(: ()) select o1=1) union (values(: ()) select o2=2) as u1=o1|o2) inner join (m1 select o3=a1) on true) select o4=u1, o5=(o3 + u1))
shows o4 as 'x', o5 as 'y'

-- UNION with the unit of a FULL JOIN
SELECT COUNT(*) AS n FROM (SELECT pid, 科室 FROM persons p FULL JOIN visits v USING (pid) UNION SELECT pid, 科室 FROM visits WHERE emergency)
=>
m1 over distinct ((((clinic.persons(c1: pid) full join clinic.visits(c2: pid, c3: 科室) on unit) select o1=c3) select o2=true, o3=o1) union ((clinic.visits(c4: pid, c5: 科室, c6: emergency) where c6 select o4=c5) select o5=true, o6=o4) as u1=o2|o5, u2=o3|o6)
  a1=rows()
answer (m1 select o7=a1)
shows o7 as 'n'

-- rows of the unit after rows that are gone, grouped by it
SELECT AVG(n) FROM (SELECT u, COUNT(*) AS n FROM (SELECT pid AS u, 科室 FROM visits EXCEPT SELECT pid, 科室 FROM visits WHERE emergency UNION ALL SELECT pid, city FROM persons) s GROUP BY u) t
=>
m1 over ((((distinct ((((clinic.visits(c1: pid, c2: 科室) select o1=c2) select o2=true, o3=o1) mark e1 of ((clinic.visits(c3: pid, c4: 科室, c5: emergency) where c5 select o4=c4) select o5=o4) on unit and not(is_distinct_from(o3, o5))) where not(e1) select o6=o2, o7=o3) select ) union ((clinic.persons(c6: pid) select ) select ) as ) group by k1=true fold f1=rows()) select o8=f1)
  a1=avg(o8)
answer (m1 select o9=a1)
shows o9 as 'AVG(n)'

-- groups of the unit of either side
SELECT AVG(n) FROM (SELECT COALESCE(p.pid, v.pid) AS u, COUNT(*) AS n FROM persons p FULL JOIN visits v ON p.pid = v.pid GROUP BY u) t
=>
m1 over (((clinic.persons(c1: pid) full join clinic.visits(c2: pid) on unit) group by k1=true fold f1=rows()) select o1=f1)
  a1=avg(o1)
answer (m1 select o2=a1)
shows o2 as 'AVG(n)'
