-- data set clinic

-- two private tables, joined on the unit
SELECT v.科室, COUNT(*) FROM persons p JOIN visits v ON p.pid = v.pid GROUP BY v.科室
=>
m1 over (clinic.persons(c1: pid) inner join clinic.visits(c2: pid, c3: 科室) on unit)
  by k1=c3
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as '科室', o2 as 'COUNT(*)'

-- USING
SELECT 科室, COUNT(DISTINCT pid) FROM persons JOIN visits USING (pid) GROUP BY 科室
=>
m1 over (clinic.persons(c1: pid) inner join clinic.visits(c2: pid, c3: 科室) on unit)
  by k1=c3
  a1=units()
answer (m1 select o1=k1, o2=a1)
shows o1 as '科室', o2 as 'COUNT(DISTINCT pid)'

-- further terms of ON stay
SELECT COUNT(*) FROM persons p JOIN visits v ON v.pid = p.pid AND v.费用 > 5 AND p.income > v.费用
=>
m1 over (clinic.persons(c1: pid, c2: income) inner join clinic.visits(c3: pid, c4: 费用) on unit and (c2 > c4)) where (c4 > 5)
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- LEFT JOIN: the unit of the missable side tells presence only
SELECT COUNT(*) AS persons, COUNT(DISTINCT v.pid) AS visitors, COUNT(v.pid) AS visits FROM persons p LEFT JOIN visits v ON p.pid = v.pid
=>
m1 over (clinic.persons(c1: pid) left join clinic.visits(c2: pid) on unit)
  a1=rows()
  a2=units() where is_not_null(c2)
  a3=rows() where is_not_null(c2)
answer (m1 select o1=a1, o2=a2, o3=a3)
shows o1 as 'persons', o2 as 'visitors', o3 as 'visits'

-- persons without a visit
SELECT COUNT(*) FROM persons p LEFT JOIN visits v ON p.pid = v.pid WHERE v.pid IS NULL
=>
m1 over (clinic.persons(c1: pid) left join clinic.visits(c2: pid) on unit) where is_null(c2)
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- RIGHT JOIN is LEFT JOIN turned round
SELECT COUNT(*) FROM visits v RIGHT JOIN persons p ON p.pid = v.pid
=>
m1 over (clinic.persons(c1: pid) left join clinic.visits(c2: pid) on unit)
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- comma joins with their conditions in WHERE
SELECT v.科室, COUNT(*) FROM persons p, visits v WHERE p.pid = v.pid AND p.income > 0 GROUP BY v.科室
=>
m1 over (clinic.persons(c1: pid, c2: income) inner join clinic.visits(c3: pid, c4: 科室) on unit) where (c2 > 0)
  by k1=c4
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as '科室', o2 as 'COUNT(*)'

-- comma joins reach each other in any order
SELECT c.name_zh, COUNT(*) FROM cities c, visits v, persons p WHERE c.code = p.city AND v.pid = p.pid GROUP BY c.name_zh
=>
m1 over ((clinic.visits(c1: pid) inner join clinic.persons(c2: pid, c3: city) on unit) inner join clinic.cities(c4: code, c5: name_zh) on (c4 = c3))
  by k1=c5
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'name_zh', o2 as 'COUNT(*)'

-- a foreign key carries the unit, and stays as a condition
SELECT d.药品, SUM(d.packs) FROM drugs d JOIN visits v ON d.visit_no = v.visit_no GROUP BY d.药品
=>
m1 over (clinic.drugs(c1: visit_no, c2: 药品, c3: packs) inner join clinic.visits(c4: visit_no) on unit and (c1 = c4))
  by k1=c2
  a1=sum(c3)
answer (m1 select o1=k1, o2=a1)
shows o1 as '药品', o2 as 'SUM(d.packs)'

-- three private tables through the foreign key
SELECT p.性别, SUM(d.packs) FROM persons p JOIN visits v ON p.pid = v.pid JOIN drugs d ON v.visit_no = d.visit_no GROUP BY 1
=>
m1 over ((clinic.persons(c1: pid, c2: 性别) inner join clinic.visits(c3: visit_no, c4: pid) on unit) inner join clinic.drugs(c5: visit_no, c6: packs) on unit and (c3 = c5))
  by k1=c2
  a1=sum(c6)
answer (m1 select o1=k1, o2=a1)
shows o1 as '性别', o2 as 'SUM(d.packs)'

-- a self-join on the unit
SELECT COUNT(*) FROM visits a JOIN visits b ON a.pid = b.pid AND a.日期 < b.日期
=>
m1 over (clinic.visits(c1: pid, c2: 日期) inner join clinic.visits(c3: pid, c4: 日期) on unit and (c2 < c4))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- a unit equality that is already known
SELECT COUNT(*) FROM persons p JOIN visits v ON p.pid = v.pid WHERE v.pid = p.pid
=>
m1 over (clinic.persons(c1: pid) inner join clinic.visits(c2: pid) on unit)
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- a private and a public table
SELECT c.name_en, AVG(p.income) FROM persons p JOIN cities c ON p.city = c.code GROUP BY c.name_en
=>
m1 over (clinic.persons(c1: income, c2: city) inner join clinic.cities(c3: code, c4: name_en) on (c2 = c3))
  by k1=c4
  a1=avg(c1)
answer (m1 select o1=k1, o2=a1)
shows o1 as 'name_en', o2 as 'AVG(p.income)'

-- the public table first
SELECT c.name_en, COUNT(*) FROM cities c JOIN persons p ON p.city = c.code GROUP BY c.name_en
=>
m1 over (clinic.persons(c1: city) inner join clinic.cities(c2: code, c3: name_en) on (c1 = c2))
  by k1=c3
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'name_en', o2 as 'COUNT(*)'

-- a public table that may be missing
SELECT COALESCE(c.name_zh, '未知') AS city, COUNT(*) FROM persons p LEFT JOIN cities c ON p.city = c.code GROUP BY 1
=>
m1 over (clinic.persons(c1: city) left join clinic.cities(c2: code, c3: name_zh) on (c1 = c2))
  by k1=coalesce(c3, '未知')
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'city', o2 as 'COUNT(*)'

-- a private table crossed with a public one
SELECT c.code, COUNT(*) FROM persons p CROSS JOIN cities c WHERE p.income * 100000 > c.population GROUP BY c.code
=>
m1 over (clinic.persons(c1: income) inner join clinic.cities(c2: code, c3: population) on ((c1 * 100000) > c3))
  by k1=c2
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'code', o2 as 'COUNT(*)'

-- a derived table of private rows
SELECT AVG(d.monthly) FROM (SELECT income / 12 AS monthly, city FROM persons WHERE income > 0) AS d WHERE d.city = 'A'
=>
m1 over (clinic.persons(c1: income, c2: city) where (c1 > 0) select o1=(c1 / 12), o2=c2) where (o2 = 'A')
  a1=avg(o1)
answer (m1 select o3=a1)
shows o3 as 'AVG(d.monthly)'

-- a derived table passes the unit on
SELECT COUNT(*) FROM (SELECT pid AS person, 性别 FROM persons) d JOIN visits v ON d.person = v.pid WHERE d.性别 = '女'
=>
m1 over ((clinic.persons(c1: pid, c2: 性别) select o1=c2) inner join clinic.visits(c3: pid) on unit) where (o1 = '女')
  a1=rows()
answer (m1 select o2=a1)
shows o2 as 'COUNT(*)'

-- a star in a derived table
SELECT COUNT(DISTINCT d.pid), SUM(d.费用) FROM (SELECT * FROM visits WHERE emergency) d
=>
m1 over (clinic.visits(c1: pid, c2: 费用, c3: emergency) where c3 select o1=c2)
  a1=units()
  a2=sum(o1)
answer (m1 select o2=a1, o3=a2)
shows o2 as 'COUNT(DISTINCT d.pid)', o3 as 'SUM(d.费用)'

-- column names given by the alias
SELECT SUM(d.b) FROM (SELECT 科室, 费用 FROM visits) d(a, b) WHERE d.a = '内科'
=>
m1 over (clinic.visits(c1: 科室, c2: 费用) select o1=c1, o2=c2) where (o1 = '内科')
  a1=sum(o2)
answer (m1 select o3=a1)
shows o3 as 'SUM(d.b)'

-- a CTE of private rows, used twice
WITH e AS (SELECT pid, 日期 FROM visits WHERE emergency) SELECT COUNT(*) FROM e AS x JOIN e AS y ON x.pid = y.pid AND x.日期 < y.日期
=>
m1 over ((clinic.visits(c1: pid, c2: 日期, c3: emergency) where c3 select o1=c2) inner join (clinic.visits(c4: pid, c5: 日期, c6: emergency) where c6 select o2=c5) on unit and (o1 < o2))
  a1=rows()
answer (m1 select o3=a1)
shows o3 as 'COUNT(*)'

-- CTEs that build on one another
WITH a AS (SELECT pid, 费用 * 2 AS twice FROM visits), b AS (SELECT pid, twice + 1 AS more FROM a) SELECT SUM(more) FROM b
=>
m1 over ((clinic.visits(c1: pid, c2: 费用) select o1=(c2 * 2)) select o2=(o1 + 1))
  a1=sum(o2)
answer (m1 select o3=a1)
shows o3 as 'SUM(more)'

-- a measured CTE, used twice, is measured once
WITH g AS (SELECT 科室, COUNT(*) AS n, SUM(费用) AS s FROM visits GROUP BY 科室) SELECT a.科室, a.n / b.n AS ratio FROM g a JOIN g b ON a.科室 = b.科室 WHERE a.n > 1 ORDER BY ratio DESC
=>
m1 over clinic.visits(c1: 科室)
  by k1=c1
  a1=rows()
answer (((m1 select o1=k1, o2=a1) inner join (m1 select o3=k1, o4=a1) on (o1 = o3)) where (o2 > 1) select o5=o1, o6=(o2 / o4)) order o6 desc
shows o5 as '科室', o6 as 'ratio'

-- a measured derived table, then public work
SELECT d.科室, d.s / d.n AS mean, CASE WHEN d.n > 10 THEN 'many' ELSE 'few' END AS size FROM (SELECT 科室, COUNT(*) AS n, SUM(费用) AS s FROM visits GROUP BY 科室) d WHERE d.n > 1 ORDER BY mean LIMIT 3
=>
m1 over clinic.visits(c1: 科室, c2: 费用)
  by k1=c1
  a1=rows()
  a2=sum(c2)
answer ((m1 select o1=k1, o2=a1, o3=a2) where (o2 > 1) select o4=o1, o5=(o3 / o2), o6=case((o2 > 10), 'many', 'few')) order o5 limit 3
shows o4 as '科室', o5 as 'mean', o6 as 'size'

-- a release joined with a public table
SELECT c.name_zh, d.n, d.n * 1000.0 / c.population AS rate FROM (SELECT city, COUNT(*) AS n FROM persons GROUP BY city) d LEFT JOIN cities c ON d.city = c.code ORDER BY rate DESC
=>
m1 over clinic.persons(c1: city)
  by k1=c1
  a1=rows()
answer (((m1 select o1=k1, o2=a1) left join clinic.cities(c2: code, c3: name_zh, c4: population) on (o1 = c2)) select o3=c3, o4=o2, o5=((o2 * 1000d) / c4)) order o5 desc
shows o3 as 'name_zh', o4 as 'n', o5 as 'rate'

-- two measures side by side
SELECT a.科室, a.n, b.n FROM (SELECT 科室, COUNT(*) n FROM visits GROUP BY 科室) a JOIN (SELECT 科室, COUNT(*) n FROM visits WHERE emergency GROUP BY 科室) b USING (科室)
=>
m1 over clinic.visits(c1: 科室)
  by k1=c1
  a1=rows()
m2 over clinic.visits(c2: 科室, c3: emergency) where c3
  by k2=c2
  a2=rows()
answer (((m1 select o1=k1, o2=a1) inner join (m2 select o3=k2, o4=a2) on (o1 = o3)) select o5=o1, o6=o2, o7=o4)
shows o5 as '科室', o6 as 'n', o7 as 'n_2'

-- a star over a release
SELECT * FROM (SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室) ORDER BY n
=>
m1 over clinic.visits(c1: 科室)
  by k1=c1
  a1=rows()
answer ((m1 select o1=k1, o2=a1) select o3=o1, o4=o2) order o4
shows o3 as '科室', o4 as 'n'

-- what nothing uses is neither read nor measured
SELECT n FROM (SELECT 科室, COUNT(*) AS n, SUM(费用) AS s FROM (SELECT 科室, 费用, 日期 FROM visits) GROUP BY 科室)
=>
m1 over (clinic.visits(c1: 科室) select o1=c1)
  by k1=o1
  a1=rows()
answer ((m1 select o2=a1) select o3=o2)
shows o3 as 'n'

-- WHERE on a missable side
SELECT COUNT(*), SUM(v.费用) FROM visits v RIGHT JOIN persons p ON v.pid = p.pid AND v.emergency WHERE v.费用 > 500 OR p.income > 500
=>
m1 over (clinic.persons(c1: pid, c2: income) left join clinic.visits(c3: pid, c4: 费用, c5: emergency) on unit and c5) where ((c4 > 500) or (c2 > 500))
  a1=rows()
  a2=sum(c4)
answer (m1 select o1=a1, o2=a2)
shows o1 as 'COUNT(*)', o2 as 'SUM(v.费用)'

-- an inner join after an outer one, with WHERE as its condition
SELECT COUNT(*), COUNT(c.code) FROM persons p LEFT JOIN cities c ON c.code = p.city, visits v WHERE v.pid = p.pid AND v.费用 > p.income
=>
m1 over ((clinic.persons(c1: pid, c2: income, c3: city) left join clinic.cities(c4: code) on (c4 = c3)) inner join clinic.visits(c5: pid, c6: 费用) on unit and (c6 > c2))
  a1=rows()
  a2=rows(c4)
answer (m1 select o1=a1, o2=a2)
shows o1 as 'COUNT(*)', o2 as 'COUNT(c.code)'

-- outer joins in a row
SELECT COUNT(*), COUNT(c.code), COUNT(v.pid) FROM cities c RIGHT JOIN persons p ON c.code = p.city LEFT JOIN visits v ON v.pid = p.pid AND v.费用 > 1500
=>
m1 over ((clinic.persons(c1: pid, c2: city) left join clinic.cities(c3: code) on (c3 = c2)) left join clinic.visits(c4: pid, c5: 费用) on unit and (c5 > 1500))
  a1=rows()
  a2=rows(c3)
  a3=rows() where is_not_null(c4)
answer (m1 select o1=a1, o2=a2, o3=a3)
shows o1 as 'COUNT(*)', o2 as 'COUNT(c.code)', o3 as 'COUNT(v.pid)'

-- ON of an inner join reads a missable side
SELECT COUNT(*) FROM persons p LEFT JOIN visits v ON p.pid = v.pid AND v.emergency JOIN visits w ON w.pid = p.pid AND w.费用 > COALESCE(v.费用, 1000)
=>
m1 over ((clinic.persons(c1: pid) left join clinic.visits(c2: pid, c3: 费用, c4: emergency) on unit and c4) inner join clinic.visits(c5: pid, c6: 费用) on unit and (c6 > coalesce(c3, 1000)))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- conditions of inner joins before an outer one
SELECT COUNT(*), COUNT(v.pid) FROM persons p JOIN cities c ON p.city = c.code AND p.income > 10 LEFT JOIN visits v ON v.pid = p.pid AND v.emergency WHERE c.code <> 'A' AND v.科室 IS DISTINCT FROM '内科'
=>
m1 over ((clinic.persons(c1: pid, c2: income, c3: city) inner join clinic.cities(c4: code) on (c3 = c4)) where (c2 > 10) left join clinic.visits(c5: pid, c6: 科室, c7: emergency) on unit and c7) where ((c4 <> 'A') and is_distinct_from(c6, '内科'))
  a1=rows()
  a2=rows() where is_not_null(c5)
answer (m1 select o1=a1, o2=a2)
shows o1 as 'COUNT(*)', o2 as 'COUNT(v.pid)'

-- RIGHT JOIN after inner joins: their conditions come first
SELECT COUNT(*), COUNT(v.pid) FROM visits v JOIN visits w ON v.pid = w.pid AND v.费用 < w.费用 AND w.费用 > 1900 RIGHT JOIN persons p ON p.pid = v.pid WHERE p.birth_year > 1930
=>
m1 over (clinic.persons(c1: pid, c2: birth_year) left join (clinic.visits(c3: pid, c4: 费用) inner join clinic.visits(c5: pid, c6: 费用) on unit and (c4 < c6)) where (c6 > 1900) on unit) where (c2 > 1930)
  a1=rows()
  a2=rows() where is_not_null(c3)
answer (m1 select o1=a1, o2=a2)
shows o1 as 'COUNT(*)', o2 as 'COUNT(v.pid)'

-- USING keeps the preserved side's column
SELECT COUNT(*), COUNT(pid), COUNT(v.pid) FROM visits v RIGHT JOIN persons p USING (pid)
=>
m1 over (clinic.persons(c1: pid) left join clinic.visits(c2: pid) on unit)
  a1=rows()
  a2=rows() where is_not_null(c2)
answer (m1 select o1=a1, o2=a1, o3=a2)
shows o1 as 'COUNT(*)', o2 as 'COUNT(pid)', o3 as 'COUNT(v.pid)'

-- presence through a derived table
SELECT COUNT(DISTINCT d.visitor) AS visitors, COUNT(DISTINCT d.person) AS persons, COUNT(*) AS rows FROM (SELECT v.pid AS visitor, p.pid AS person FROM persons p LEFT JOIN visits v ON p.pid = v.pid AND v.费用 > 1200) d
=>
m1 over ((clinic.persons(c1: pid) left join clinic.visits(c2: pid, c3: 费用) on unit and (c3 > 1200)) select o1=c2)
  a1=units() where is_not_null(o1)
  a2=units()
  a3=rows()
answer (m1 select o2=a1, o3=a2, o4=a3)
shows o2 as 'visitors', o3 as 'persons', o4 as 'rows'

-- a derived table with a join inside, joined again
SELECT COUNT(*), SUM(d.费用) FROM (SELECT p.pid, v.费用 FROM persons p JOIN visits v ON p.pid = v.pid WHERE p.性别 = '女') d JOIN visits w ON w.pid = d.pid AND w.费用 > d.费用
=>
m1 over (((clinic.persons(c1: pid, c2: 性别) inner join clinic.visits(c3: pid, c4: 费用) on unit) where (c2 = '女') select o1=c4) inner join clinic.visits(c5: pid, c6: 费用) on unit and (c6 > o1))
  a1=rows()
  a2=sum(o1)
answer (m1 select o2=a1, o3=a2)
shows o2 as 'COUNT(*)', o3 as 'SUM(d.费用)'

-- ORDER BY a column of a release that is not shown
SELECT d.n FROM (SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室) d ORDER BY d.科室 DESC LIMIT 2
=>
m1 over clinic.visits(c1: 科室)
  by k1=c1
  a1=rows()
answer ((m1 select o1=k1, o2=a1) select o3=o2, o4=o1) order o4 desc limit 2
shows o3 as 'n'

-- a release limited, then joined
SELECT t.科室, t.n, u.s FROM (SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室 ORDER BY n DESC, 科室 LIMIT 2) t LEFT JOIN (SELECT 科室, SUM(费用) AS s FROM visits WHERE emergency GROUP BY 科室) u ON t.科室 = u.科室
=>
m1 over clinic.visits(c1: 科室)
  by k1=c1
  a1=rows()
m2 over clinic.visits(c2: 科室, c3: 费用, c4: emergency) where c4
  by k2=c2
  a2=sum(c3)
answer (((m1 select o1=k1, o2=a1) order o2 desc, o1 limit 2 left join (m2 select o3=k2, o4=a2) on (o1 = o3)) select o5=o1, o6=o2, o7=o4)
shows o5 as '科室', o6 as 'n', o7 as 's'

-- an inner name hides an outer one
WITH visits AS (SELECT pid, 费用 + 1 AS 费用 FROM visits WHERE emergency) SELECT SUM(费用), COUNT(*) FROM visits
=>
m1 over (clinic.visits(c1: pid, c2: 费用, c3: emergency) where c3 select o1=(c2 + 1))
  a1=sum(o1)
  a2=rows()
answer (m1 select o2=a1, o3=a2)
shows o2 as 'SUM(费用)', o3 as 'COUNT(*)'
