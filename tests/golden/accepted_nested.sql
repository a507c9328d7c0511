-- data set clinic

-- above the average
SELECT COUNT(*) FROM persons WHERE income > (SELECT AVG(income) FROM persons)
=>
m1 over clinic.persons(c1: income)
  a1=avg(c1)
m2 over (clinic.persons(c2: income) inner join (m1 select o1=a1) on true) where (c2 > o1)
  a2=rows()
answer (m2 select o2=a2)
shows o2 as 'COUNT(*)'

-- deviations from the average, squared
SELECT SUM(clamp(power(income - (SELECT AVG(income) FROM persons), 2), 0, 1000000)) AS s FROM persons
=>
m1 over clinic.persons(c1: income)
  a1=avg(c1)
m2 over (clinic.persons(c2: income) inner join (m1 select o1=a1) on true)
  a2=sum(clamp(power((c2 - o1), 2), 0, 1000000))
answer (m2 select o2=a2)
shows o2 as 's'

-- a share of all
SELECT 性别, 100.0 * COUNT(*) / (SELECT COUNT(*) FROM persons) AS share FROM persons GROUP BY 性别
=>
m1 over clinic.persons(c1: 性别)
  by k1=c1
  a1=rows()
m2 over clinic.persons()
  a2=rows()
answer ((m1 inner join (m2 select o1=a2) on true) select o2=k1, o3=((100d * a1) / o1))
shows o2 as '性别', o3 as 'share'

-- groups larger than a part of all
SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室 HAVING COUNT(*) > (SELECT COUNT(*) / 8 FROM visits) ORDER BY n - (SELECT AVG(费用) FROM visits), 科室
=>
m1 over clinic.visits(c1: 科室)
  by k1=c1
  a1=rows()
m2 over clinic.visits(c2: 费用)
  a2=rows()
  a3=avg(c2)
answer (((m1 inner join (m2 select o1=(a2 / 8)) on true) inner join (m2 select o2=a3) on true) where (a1 > o1) select o3=k1, o4=a1, o5=(a1 - o2)) order o5, o3
shows o3 as '科室', o4 as 'n'

-- a subquery in a subquery
SELECT COUNT(*) FROM persons WHERE income > (SELECT AVG(income) FROM persons WHERE birth_year > (SELECT AVG(birth_year) FROM persons))
=>
m1 over clinic.persons(c1: birth_year)
  a1=avg(c1)
m2 over (clinic.persons(c2: birth_year, c3: income) inner join (m1 select o1=a1) on true) where (c2 > o1)
  a2=avg(c3)
m3 over (clinic.persons(c4: income) inner join (m2 select o2=a2) on true) where (c4 > o2)
  a3=rows()
answer (m3 select o3=a3)
shows o3 as 'COUNT(*)'

-- equal subqueries are measured once
SELECT AVG(income) - (SELECT AVG(income) FROM persons WHERE city = 'A') AS d, COUNT(*) AS n FROM persons WHERE income < (SELECT AVG(income) FROM persons WHERE city = 'A') + 100
=>
m1 over clinic.persons(c1: income, c2: city) where (c2 = 'A')
  a1=avg(c1)
m2 over (clinic.persons(c3: income) inner join (m1 select o1=a1) on true) where (c3 < (o1 + 100))
  a2=avg(c3)
  a3=rows()
answer ((m2 inner join (m1 select o2=a1) on true) select o3=(a2 - o2), o4=a3)
shows o3 as 'd', o4 as 'n'

-- aggregates of the same rows are one measure
SELECT (SELECT COUNT(*) FROM visits) AS n, (SELECT AVG(费用) FROM visits) AS a, (SELECT COUNT(*) FROM persons) AS p
=>
m1 over clinic.visits(c1: 费用)
  a1=rows()
  a2=avg(c1)
m2 over clinic.persons()
  a3=rows()
answer ((((values(: ()) inner join (m1 select o1=a1) on true) inner join (m1 select o2=a2) on true) inner join (m2 select o3=a3) on true) select o4=o1, o5=o2, o6=o3)
shows o4 as 'n', o5 as 'a', o6 as 'p'

-- in a filter and a CASE of an aggregate
SELECT COUNT(*) FILTER (WHERE 费用 > (SELECT AVG(费用) FROM visits)) AS high, SUM(CASE WHEN 费用 < (SELECT AVG(费用) FROM visits) THEN 1 ELSE 0 END) AS low FROM visits
=>
m1 over clinic.visits(c1: 费用)
  a1=avg(c1)
m2 over (clinic.visits(c2: 费用) inner join (m1 select o1=a1) on true)
  a2=rows() where (c2 > o1)
  a3=sum(case((c2 < o1), 1, 0))
answer (m2 select o2=a2, o3=a3)
shows o2 as 'high', o3 as 'low'

-- a group key by a subquery
SELECT income > (SELECT AVG(income) FROM persons) AS high, COUNT(*) AS n FROM persons GROUP BY 1
=>
m1 over clinic.persons(c1: income)
  a1=avg(c1)
m2 over (clinic.persons(c2: income) inner join (m1 select o1=a1) on true)
  by k1=(c2 > o1)
  a2=rows()
answer (m2 select o2=k1, o3=a2)
shows o2 as 'high', o3 as 'n'

-- a subquery in a derived table of rows
SELECT AVG(d) FROM (SELECT 费用 - (SELECT AVG(费用) FROM visits) AS d FROM visits WHERE emergency)
=>
m1 over clinic.visits(c1: 费用)
  a1=avg(c1)
m2 over ((clinic.visits(c2: 费用, c3: emergency) where c3 inner join (m1 select o1=a1) on true) select o2=(c2 - o1))
  a2=avg(o2)
answer (m2 select o3=a2)
shows o3 as 'AVG(d)'

-- the largest group's rows
WITH g AS (SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室) SELECT COUNT(*), SUM(费用) FROM visits WHERE 科室 = (SELECT 科室 FROM g ORDER BY n DESC, 科室 LIMIT 1)
=>
m1 over clinic.visits(c1: 科室)
  by k1=c1
  a1=rows()
m2 over (clinic.visits(c2: 科室, c3: 费用) left join ((m1 select o1=k1, o2=a1) select o3=o1, o4=o2) order o4 desc, o3 limit 1 on true) where (c2 = o3)
  a2=rows()
  a3=sum(c3)
answer (m2 select o5=a2, o6=a3)
shows o5 as 'COUNT(*)', o6 as 'SUM(费用)'

-- rows beside their group's average
SELECT COUNT(*) FROM visits v JOIN (SELECT 科室, AVG(费用) AS a FROM visits GROUP BY 科室) g ON v.科室 = g.科室 WHERE v.费用 > 1.5 * g.a
=>
m1 over clinic.visits(c1: 科室, c2: 费用)
  by k1=c1
  a1=avg(c2)
m2 over (clinic.visits(c3: 科室, c4: 费用) inner join (m1 select o1=k1, o2=a1) on ((c3 = o1) and (c4 > (3/2d * o2))))
  a2=rows()
answer (m2 select o3=a2)
shows o3 as 'COUNT(*)'

-- rows beside the average of a group that a list of larger groups may lack
SELECT v.科室, COUNT(g.n) AS n, AVG(COALESCE(v.费用 - g.a, 0)) AS d FROM visits v LEFT JOIN (SELECT 科室, COUNT(*) AS n, AVG(费用) AS a FROM visits GROUP BY 科室 HAVING COUNT(*) > 100) g ON v.科室 = g.科室 GROUP BY v.科室
=>
m1 over clinic.visits(c1: 科室, c2: 费用)
  by k1=c1
  a1=rows()
  a2=avg(c2)
m2 over (clinic.visits(c3: 科室, c4: 费用) left join (m1 where (a1 > 100) select o1=k1, o2=a1, o3=a2) on (c3 = o1))
  by k2=c3
  a3=rows(o2)
  a4=avg(coalesce((c4 - o3), 0))
answer (m2 select o4=k2, o5=a3, o6=a4)
shows o4 as '科室', o5 as 'n', o6 as 'd'

-- a release joined with a public table, then with rows
SELECT g.name_zh, COUNT(*) AS n FROM persons p JOIN (SELECT c.code, c.name_zh, d.n FROM cities c JOIN (SELECT city, COUNT(*) AS n FROM persons GROUP BY city) d ON c.code = d.city WHERE d.n > 0) g ON p.city = g.code GROUP BY g.name_zh
=>
m1 over clinic.persons(c1: city)
  by k1=c1
  a1=rows()
m2 over (clinic.persons(c2: city) inner join ((clinic.cities(c3: code, c4: name_zh) inner join (m1 select o1=k1, o2=a1) on (c3 = o1)) where (o2 > 0) select o3=c3, o4=c4) on (c2 = o3))
  by k2=o4
  a2=rows()
answer (m2 select o5=k2, o6=a2)
shows o5 as 'name_zh', o6 as 'n'

-- a CTE shown and read by another measure
WITH g AS (SELECT 科室, AVG(费用) AS a FROM visits GROUP BY 科室) SELECT g.科室, g.a, h.n FROM g JOIN (SELECT v.科室, COUNT(*) AS n FROM visits v JOIN g ON v.科室 = g.科室 WHERE v.费用 > g.a GROUP BY v.科室) h ON g.科室 = h.科室
=>
m1 over clinic.visits(c1: 科室, c2: 费用)
  by k1=c1
  a1=avg(c2)
m2 over (clinic.visits(c3: 科室, c4: 费用) inner join (m1 select o1=k1, o2=a1) on ((c3 = o1) and (c4 > o2)))
  by k2=c3
  a2=rows()
answer (((m1 select o3=k1, o4=a1) inner join (m2 select o5=k2, o6=a2) on (o3 = o5)) select o7=o3, o8=o4, o9=o6)
shows o7 as '科室', o8 as 'a', o9 as 'n'

-- three measures in a row
WITH a AS (SELECT AVG(费用) AS x FROM visits), b AS (SELECT AVG(v.费用) AS y FROM visits v CROSS JOIN a WHERE v.费用 > a.x) SELECT COUNT(*) FROM visits v CROSS JOIN b WHERE v.费用 > b.y
=>
m1 over clinic.visits(c1: 费用)
  a1=avg(c1)
m2 over (clinic.visits(c2: 费用) inner join (m1 select o1=a1) on (c2 > o1))
  a2=avg(c2)
m3 over (clinic.visits(c3: 费用) inner join (m2 select o2=a2) on (c3 > o2))
  a3=rows()
answer (m3 select o3=a3)
shows o3 as 'COUNT(*)'

-- an alias with a subquery
SELECT COUNT(*) AS n, AVG(费用) AS mean FROM (SELECT 费用, 费用 - (SELECT AVG(费用) FROM visits) AS d FROM visits WHERE d > 0)
=>
m1 over clinic.visits(c1: 费用)
  a1=avg(c1)
m2 over ((clinic.visits(c2: 费用) inner join (m1 select o1=a1) on true) where ((c2 - o1) > 0) select o2=c2)
  a2=rows()
  a3=avg(o2)
answer (m2 select o3=a2, o4=a3)
shows o3 as 'n', o4 as 'mean'

-- rows of large groups only
SELECT COUNT(*), AVG(income) FROM persons WHERE city IN (SELECT city FROM persons GROUP BY city HAVING COUNT(*) > 1)
=>
m1 over clinic.persons(c1: city)
  by k1=c1
  a1=rows()
m2 over (clinic.persons(c2: income, c3: city) mark e1 of (m1 where (a1 > 1) select o1=k1) on (c3 = o1)) where e1
  a2=rows()
  a3=avg(c2)
answer (m2 select o2=a2, o3=a3)
shows o2 as 'COUNT(*)', o3 as 'AVG(income)'

-- rows above their own group's average
SELECT COUNT(*) AS n, SUM(v.费用) AS s FROM visits v WHERE v.费用 > (SELECT AVG(w.费用) FROM visits w WHERE w.科室 = v.科室)
=>
m1 over clinic.visits(c1: 科室, c2: 费用)
  by k1=c1
  a1=avg(c2)
m2 over (clinic.visits(c3: 科室, c4: 费用) left join (m1 select o1=a1, o2=k1) on (c3 = o2)) where (c4 > o1)
  a2=rows()
  a3=sum(c4)
answer (m2 select o3=a2, o4=a3)
shows o3 as 'n', o4 as 's'

-- a count of the same group, in an argument, by two columns
SELECT SUM(clamp(v.费用 / NULLIF((SELECT COUNT(*) FROM visits w WHERE w.科室 = v.科室 AND w.emergency = v.emergency AND w.费用 > 10), 0), 0, 2000)) AS s FROM visits v
=>
m1 over clinic.visits(c1: 科室, c2: 费用, c3: emergency) where (c2 > 10)
  by k1=c1
  by k2=c3
  a1=rows()
m2 over (clinic.visits(c4: 科室, c5: 费用, c6: emergency) left join (m1 select o1=a1, o2=k1, o3=k2) on ((c4 = o2) and (c6 = o3)))
  a2=sum(clamp((c5 / nullif(coalesce(o1, 0), 0)), 0, 2000))
answer (m2 select o4=a2)
shows o4 as 's'

-- GROUP BY ALL by a comparison with a release
SELECT birth_year < 3 * (SELECT COUNT(*) FROM persons) AS k, COUNT(*) FROM persons GROUP BY ALL
=>
m1 over clinic.persons()
  a1=rows()
m2 over (clinic.persons(c1: birth_year) inner join (m1 select o1=a1) on true)
  by k1=(c1 < (3 * o1))
  a2=rows()
answer (m2 select o2=k1, o3=a2)
shows o2 as 'k', o3 as 'COUNT(*)'

-- a released deviation has a range, so what is taken from it needs no clamp
SELECT SUM(v.费用 - (SELECT STDDEV(费用) FROM visits)) AS s FROM visits v
=>
m1 over clinic.visits(c1: 费用)
  a1=stddev_samp(c1)
m2 over (clinic.visits(c2: 费用) inner join (m1 select o1=a1) on true)
  a2=sum((c2 - o1))
answer (m2 select o2=a2)
shows o2 as 's'
