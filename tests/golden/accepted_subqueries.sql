-- data set clinic

-- EXISTS of the same person's rows
SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid AND v.费用 > 5)
=>
m1 over (clinic.persons(c1: pid) mark e1 of clinic.visits(c2: pid, c3: 费用) where (c3 > 5) on unit) where e1
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- NOT EXISTS with a term about both
SELECT COUNT(*) FROM persons p WHERE NOT EXISTS (SELECT * FROM visits v WHERE v.pid = p.pid AND v.费用 > p.income)
=>
m1 over (clinic.persons(c1: pid, c2: income) mark e1 of clinic.visits(c3: pid, c4: 费用) on unit and (c4 > c2)) where not(e1)
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- IN of unit keys
SELECT COUNT(*) FROM persons WHERE pid IN (SELECT pid FROM visits WHERE emergency)
=>
m1 over (clinic.persons(c1: pid) mark e1 of clinic.visits(c2: pid, c3: emergency) where c3 on unit) where e1
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- NOT IN of unit keys, which are never NULL
SELECT COUNT(*) FROM persons WHERE pid NOT IN (SELECT v.pid FROM visits v WHERE v.emergency)
=>
m1 over (clinic.persons(c1: pid) mark e1 of clinic.visits(c2: pid, c3: emergency) where c3 on unit) where not(e1)
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- IN and NOT IN of a foreign key that carries the unit
SELECT COUNT(*) AS n, SUM(packs) FROM drugs WHERE visit_no IN (SELECT visit_no FROM visits WHERE emergency) AND visit_no NOT IN (SELECT visit_no FROM visits WHERE 科室 = '内科')
=>
m1 over ((clinic.drugs(c1: visit_no, c2: packs) mark e1 of clinic.visits(c3: visit_no, c4: emergency) where c4 on unit and (c1 = c3)) mark e2 of clinic.visits(c5: visit_no, c6: 科室) where (c6 = '内科') on unit and (c1 = c5)) where (e1 and not(e2))
  a1=rows()
  a2=sum(c2)
answer (m1 select o1=a1, o2=a2)
shows o1 as 'n', o2 as 'SUM(packs)'

-- IN of a public column
SELECT COUNT(*) FROM persons WHERE city IN (SELECT code FROM cities WHERE population > 5)
=>
m1 over (clinic.persons(c1: city) mark e1 of clinic.cities(c2: code, c3: population) where (c3 > 5) on (c1 = c2)) where e1
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- NOT IN of a public column: NULL on either side is unknown
SELECT COUNT(*) FROM persons WHERE city NOT IN (SELECT code FROM cities WHERE population > 5000)
=>
m1 over (((clinic.persons(c1: city) mark e1 of clinic.cities(c2: code, c3: population) where (c3 > 5000) on (c1 = c2)) mark e2 of clinic.cities(c4: code, c5: population) where (c5 > 5000) on is_null(c4)) mark e3 of clinic.cities(c6: population) where (c6 > 5000) on true) where (not(e1) and not((e2 or (is_null(c1) and e3))))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- IN of one's own rows, with the unit in WHERE
SELECT COUNT(*) FROM visits v WHERE v.费用 NOT IN (SELECT w.费用 FROM visits w WHERE w.pid = v.pid AND w.visit_no <> v.visit_no)
=>
m1 over ((clinic.visits(c1: visit_no, c2: pid, c3: 费用) mark e1 of clinic.visits(c4: visit_no, c5: pid, c6: 费用) on unit and ((c4 <> c1) and (c3 = c6))) mark e2 of clinic.visits(c7: visit_no, c8: pid, c9: 费用) on unit and ((c7 <> c1) and is_null((c3 = c9)))) where (not(e1) and not(e2))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- the value of IN, NULL where it is unknown
SELECT city IN (SELECT code FROM cities WHERE population > 5000) AS big, COUNT(*) AS n FROM persons GROUP BY big
=>
m1 over (((clinic.persons(c1: city) mark e1 of clinic.cities(c2: code, c3: population) where (c3 > 5000) on (c1 = c2)) mark e2 of clinic.cities(c4: code, c5: population) where (c5 > 5000) on is_null(c4)) mark e3 of clinic.cities(c6: population) where (c6 > 5000) on true)
  by k1=case(e1, true, (e2 or (is_null(c1) and e3)), null::boolean, false)
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'big', o2 as 'n'

-- ANY and ALL
SELECT COUNT(*) AS n FROM persons p WHERE p.birth_year < ANY (SELECT population FROM cities) AND p.birth_year <> ALL (SELECT population + 50 FROM cities) AND p.city = ANY (SELECT code FROM cities)
=>
m1 over (((((clinic.persons(c1: birth_year, c2: city) mark e1 of clinic.cities(c3: population) on (c1 < c3)) mark e2 of clinic.cities(c4: population) on (c1 = (c4 + 50))) mark e3 of clinic.cities(c5: population) on is_null((c5 + 50))) mark e4 of clinic.cities() on true) mark e5 of clinic.cities(c6: code) on (c2 = c6)) where (e1 and not(e2) and not((e3 or (is_null(c1) and e4))) and e5)
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'n'

-- EXISTS as a group key
SELECT EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid) AS visited, COUNT(*) FROM persons p GROUP BY visited
=>
m1 over (clinic.persons(c1: pid) mark e1 of clinic.visits(c2: pid) on unit)
  by k1=e1
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'visited', o2 as 'COUNT(*)'

-- EXISTS inside OR and CASE
SELECT SUM(CASE WHEN EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid AND v.emergency) THEN 2 ELSE 1 END) AS points FROM persons p WHERE p.income > 500 OR NOT EXISTS (SELECT 1 FROM visits w WHERE w.pid = p.pid)
=>
m1 over ((clinic.persons(c1: pid, c2: income) mark e1 of clinic.visits(c3: pid) on unit) where ((c2 > 500) or not(e1)) mark e2 of clinic.visits(c4: pid, c5: emergency) where c5 on unit)
  a1=sum(case(e2, 2, 1))
answer (m1 select o1=a1)
shows o1 as 'points'

-- EXISTS in the filter of an aggregate
SELECT COUNT(*) FILTER (WHERE EXISTS (SELECT 1 FROM drugs d WHERE d.visit_no = v.visit_no AND d.packs > 1)) AS n FROM visits v
=>
m1 over (clinic.visits(c1: visit_no) mark e1 of clinic.drugs(c2: visit_no, c3: packs) where (c3 > 1) on unit and (c2 = c1))
  a1=rows() where e1
answer (m1 select o1=a1)
shows o1 as 'n'

-- EXISTS inside EXISTS
SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid AND EXISTS (SELECT 1 FROM drugs d WHERE d.visit_no = v.visit_no))
=>
m1 over (clinic.persons(c1: pid) mark e2 of (clinic.visits(c2: visit_no, c3: pid) mark e1 of clinic.drugs(c4: visit_no) on unit and (c4 = c2)) where e1 on unit) where e2
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- EXISTS in ON of an inner join
SELECT c.name_zh, COUNT(*) FROM persons p JOIN cities c ON c.code = p.city AND EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid) GROUP BY c.name_zh
=>
m1 over ((clinic.persons(c1: pid, c2: city) inner join clinic.cities(c3: code, c4: name_zh) on (c3 = c2)) mark e1 of clinic.visits(c5: pid) on unit) where e1
  by k1=c4
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'name_zh', o2 as 'COUNT(*)'

-- EXISTS of a joined subquery with a limit that changes nothing
SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v JOIN drugs d ON d.visit_no = v.visit_no WHERE p.pid = v.pid AND d.药品 = 'A' LIMIT 1)
=>
m1 over (clinic.persons(c1: pid) mark e1 of (clinic.visits(c2: visit_no, c3: pid) inner join clinic.drugs(c4: visit_no, c5: 药品) on unit and (c4 = c2)) where (c5 = 'A') on unit) where e1
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- SEMI JOIN
SELECT COUNT(*) FROM persons p SEMI JOIN visits v ON p.pid = v.pid AND v.emergency
=>
m1 over (clinic.persons(c1: pid) mark e1 of clinic.visits(c2: pid, c3: emergency) on unit and c3) where e1
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- ANTI JOIN with USING
SELECT COUNT(*) FROM persons p ANTI JOIN visits v USING (pid) WHERE p.income > 3
=>
m1 over (clinic.persons(c1: pid, c2: income) mark e1 of clinic.visits(c3: pid) on unit) where not(e1) where (c2 > 3)
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- SEMI JOIN with a public table
SELECT COUNT(*) FROM persons p SEMI JOIN cities c ON c.code = p.city AND c.population > p.birth_year
=>
m1 over (clinic.persons(c1: birth_year, c2: city) mark e1 of clinic.cities(c3: code, c4: population) on ((c3 = c2) and (c4 > c1))) where e1
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- public rows with a mark, after the release
SELECT r.city, r.n, r.city IN (SELECT code FROM cities WHERE population > 5000) AS big FROM (SELECT city, COUNT(*) AS n FROM persons GROUP BY city) r WHERE EXISTS (SELECT 1 FROM cities c WHERE c.code = r.city)
=>
m1 over clinic.persons(c1: city)
  by k1=c1
  a1=rows()
answer ((((((m1 select o1=k1, o2=a1) mark e1 of clinic.cities(c2: code) on (c2 = o1)) where e1 mark e2 of clinic.cities(c3: code, c4: population) where (c4 > 5000) on (o1 = c3)) mark e3 of clinic.cities(c5: code, c6: population) where (c6 > 5000) on is_null(c5)) mark e4 of clinic.cities(c7: population) where (c7 > 5000) on true) select o3=o1, o4=o2, o5=case(e2, true, (e3 or (is_null(o1) and e4)), null::boolean, false))
shows o3 as 'city', o4 as 'n', o5 as 'big'

-- FULL JOIN on the unit: either side can be missing
SELECT COUNT(*) AS n, COUNT(p.pid) AS persons, COUNT(v.pid) AS visits, COUNT(DISTINCT pid) AS units FROM persons p FULL JOIN visits v USING (pid)
=>
m1 over (clinic.persons(c1: pid) full join clinic.visits(c2: pid) on unit)
  a1=rows()
  a2=rows() where is_not_null(c1)
  a3=rows() where is_not_null(c2)
  a4=units()
answer (m1 select o1=a1, o2=a2, o3=a3, o4=a4)
shows o1 as 'n', o2 as 'persons', o3 as 'visits', o4 as 'units'

-- FULL JOIN with a further term, and the unit by COALESCE
SELECT COUNT(DISTINCT COALESCE(p.pid, v.pid)) AS units, SUM(v.费用), COUNT(*) FROM persons p FULL OUTER JOIN visits v ON p.pid = v.pid AND v.emergency
=>
m1 over (clinic.persons(c1: pid) full join clinic.visits(c2: pid, c3: 费用, c4: emergency) on unit and c4)
  a1=units()
  a2=sum(c3)
  a3=rows()
answer (m1 select o1=a1, o2=a2, o3=a3)
shows o1 as 'units', o2 as 'SUM(v.费用)', o3 as 'COUNT(*)'

-- FULL JOIN of two foreign keys to one row
SELECT COUNT(*) AS n, COUNT(d.packs) AS taken FROM visits v FULL JOIN drugs d ON d.visit_no = v.visit_no
=>
m1 over (clinic.visits(c1: visit_no) full join clinic.drugs(c2: visit_no, c3: packs) on unit and (c2 = c1))
  a1=rows()
  a2=rows(c3)
answer (m1 select o1=a1, o2=a2)
shows o1 as 'n', o2 as 'taken'

-- FULL JOIN of releases
SELECT COALESCE(a.性别, b.性别) AS sex, a.n, b.m FROM (SELECT 性别, COUNT(*) AS n FROM persons WHERE income > 500 GROUP BY 性别) a FULL JOIN (SELECT 性别, COUNT(*) AS m FROM persons GROUP BY 性别) b ON a.性别 = b.性别
=>
m1 over clinic.persons(c1: 性别, c2: income) where (c2 > 500)
  by k1=c1
  a1=rows()
m2 over clinic.persons(c3: 性别)
  by k2=c3
  a2=rows()
answer (((m1 select o1=k1, o2=a1) full join (m2 select o3=k2, o4=a2) on (o1 = o3)) select o5=coalesce(o1, o3), o6=o2, o7=o4)
shows o5 as 'sex', o6 as 'n', o7 as 'm'

-- FULL JOIN of releases with USING
SELECT 性别, a.n, b.m FROM (SELECT 性别, COUNT(*) AS n FROM persons WHERE income > 500 GROUP BY 性别) a FULL JOIN (SELECT 性别, COUNT(*) AS m FROM persons GROUP BY 性别) b USING (性别)
=>
m1 over clinic.persons(c1: 性别, c2: income) where (c2 > 500)
  by k1=c1
  a1=rows()
m2 over clinic.persons(c3: 性别)
  by k2=c3
  a2=rows()
answer (((m1 select o1=k1, o2=a1) full join (m2 select o3=k2, o4=a2) on (o1 = o3)) select o5=coalesce(o1, o3), o6=o2, o7=o4)
shows o5 as '性别', o6 as 'n', o7 as 'm'

-- NATURAL JOIN of the unit key
SELECT 科室, COUNT(*) FROM persons NATURAL JOIN visits GROUP BY 科室
=>
m1 over (clinic.persons(c1: pid) inner join clinic.visits(c2: pid, c3: 科室) on unit)
  by k1=c3
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as '科室', o2 as 'COUNT(*)'

-- NATURAL LEFT JOIN through a foreign key
SELECT 科室, COUNT(药品) AS n FROM visits NATURAL LEFT JOIN drugs GROUP BY 科室
=>
m1 over (clinic.visits(c1: visit_no, c2: 科室) left join clinic.drugs(c3: visit_no, c4: 药品) on unit and (c1 = c3))
  by k1=c2
  a1=rows(c4)
answer (m1 select o1=k1, o2=a1)
shows o1 as '科室', o2 as 'n'

-- two rows that lead to one row are of one unit
SELECT COUNT(*) FROM drugs a JOIN drugs b ON a.visit_no = b.visit_no AND a.packs < b.packs
=>
m1 over (clinic.drugs(c1: visit_no, c2: packs) inner join clinic.drugs(c3: visit_no, c4: packs) on unit and ((c1 = c3) and (c2 < c4)))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- a scalar subquery of each unit's own rows
SELECT COUNT(*) FROM visits v WHERE v.费用 > (SELECT AVG(w.费用) FROM visits w WHERE w.pid = v.pid)
=>
m1 over (clinic.visits(c1: pid, c2: 费用) left join ((clinic.visits(c3: pid, c4: 费用) group by () fold f1=avg(c4)) select o1=f1) on unit) where (c2 > o1)
  a1=rows()
answer (m1 select o2=a1)
shows o2 as 'COUNT(*)'

-- how often each person came, where nobody is 0
SELECT 性别, AVG((SELECT COUNT(*) FROM visits v WHERE v.pid = p.pid AND v.emergency)) AS n FROM persons p GROUP BY 性别
=>
m1 over (clinic.persons(c1: pid, c2: 性别) left join ((clinic.visits(c3: pid, c4: emergency) where c4 group by () fold f1=rows()) select o1=f1) on unit)
  by k1=c2
  a1=avg(coalesce(o1, 0))
answer (m1 select o2=k1, o3=a1)
shows o2 as '性别', o3 as 'n'

-- one's own rows of the same department
SELECT AVG(v.费用 - (SELECT MIN(w.费用) FROM visits w WHERE w.pid = v.pid AND w.科室 = v.科室)) AS above FROM visits v
=>
m1 over (clinic.visits(c1: pid, c2: 科室, c3: 费用) left join ((clinic.visits(c4: pid, c5: 科室, c6: 费用) group by k1=c5 fold f1=min(c6)) select o1=f1, o2=k1) on unit and (c2 = o2))
  a1=avg((c3 - o1))
answer (m1 select o3=a1)
shows o3 as 'above'

-- one's own rows through a foreign key
SELECT COUNT(*) FROM visits v WHERE (SELECT SUM(d.packs) FROM drugs d WHERE d.visit_no = v.visit_no) > 5
=>
m1 over (clinic.visits(c1: visit_no) left join ((clinic.drugs(c2: visit_no, c3: packs) group by k1=c2 fold f1=sum(c3)) select o1=f1, o2=k1) on unit and (c1 = o2)) where (o1 > 5)
  a1=rows()
answer (m1 select o3=a1)
shows o3 as 'COUNT(*)'

-- two of them, and one in a group key
SELECT (SELECT MAX(v.费用) FROM visits v WHERE v.pid = p.pid) > 100 AS dear, COUNT(*) FROM persons p WHERE (SELECT COUNT(DISTINCT v.科室) FROM visits v WHERE v.pid = p.pid) > 1 GROUP BY dear
=>
m1 over ((clinic.persons(c1: pid) left join ((clinic.visits(c2: pid, c3: 科室) group by () fold f1=distinct(c3)) select o1=f1) on unit) where (coalesce(o1, 0) > 1) left join ((clinic.visits(c4: pid, c5: 费用) group by () fold f2=max(c5)) select o2=f2) on unit)
  by k1=(o2 > 100)
  a1=rows()
answer (m1 select o3=k1, o4=a1)
shows o3 as 'dear', o4 as 'COUNT(*)'

-- a row of values, the unit among them
SELECT COUNT(*), SUM(费用) FROM visits WHERE (pid, 日期) IN (SELECT pid, MIN(日期) FROM visits GROUP BY pid)
=>
m1 over (clinic.visits(c1: pid, c2: 日期, c3: 费用) mark e1 of ((clinic.visits(c4: pid, c5: 日期) group by k1=c4 fold f1=min(c5)) select o1=f1) on unit and (c2 = o1)) where e1
  a1=rows()
  a2=sum(c3)
answer (m1 select o2=a1, o3=a2)
shows o2 as 'COUNT(*)', o3 as 'SUM(费用)'

-- a row of values that is in none, NULL among them
SELECT COUNT(*) FROM visits v WHERE (v.pid, v.费用) NOT IN (SELECT w.pid, w.费用 FROM visits w WHERE w.emergency)
=>
m1 over ((clinic.visits(c1: pid, c2: 费用) mark e1 of clinic.visits(c3: pid, c4: 费用, c5: emergency) where c5 on unit and (c2 = c4)) mark e2 of clinic.visits(c6: pid, c7: 费用, c8: emergency) where c8 on unit and coalesce((c2 = c7), true)) where (not(e1) and not(e2))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- a row of public values
SELECT COUNT(*) FROM persons WHERE (city, birth_year > 1950) IN (SELECT code, population > 1950 FROM cities)
=>
m1 over (clinic.persons(c1: birth_year, c2: city) mark e1 of clinic.cities(c3: code, c4: population) on ((c2 = c3) and ((c1 > 1950) = (c4 > 1950)))) where e1
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- a row of values in VALUES, and its truth as a key
SELECT (性别, city) IN (VALUES ('女', 'A'), ('男', 'B')) AS listed, COUNT(*) FROM persons GROUP BY listed
=>
m1 over ((clinic.persons(c1: 性别, c2: city) mark e1 of values(v1, v2: ('女', 'A'), ('男', 'B')) on ((c1 = v1) and (c2 = v2))) mark e2 of values(v3, v4: ('女', 'A'), ('男', 'B')) on (coalesce((c1 = v3), true) and coalesce((c2 = v4), true)))
  by k1=case(e1, true, e2, null::boolean, false)
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'listed', o2 as 'COUNT(*)'

-- a row of public values that is in none
SELECT COUNT(*) FROM persons WHERE (city, 性别) NOT IN (SELECT code, name_zh FROM cities)
=>
m1 over ((clinic.persons(c1: 性别, c2: city) mark e1 of clinic.cities(c3: code, c4: name_zh) on ((c2 = c3) and (c1 = c4))) mark e2 of clinic.cities(c5: code, c6: name_zh) on (coalesce((c2 = c5), true) and coalesce((c1 = c6), true))) where (not(e1) and not(e2))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'
