-- data set clinic

-- every group and all together
SELECT 科室, COUNT(*) AS n FROM visits GROUP BY ROLLUP(科室)
=>
m1 over clinic.visits(c1: 科室)
  by k1=c1
  sets l1: (k1) ()
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as '科室', o2 as 'n'

-- two keys, each alone, both and none; what tells them apart
SELECT 性别, birth_year > 1980 AS young, COUNT(*) AS n, AVG(income), GROUPING(性别) AS g, GROUPING_ID(性别, young) FROM persons GROUP BY CUBE(性别, young)
=>
m1 over clinic.persons(c1: 性别, c2: birth_year, c3: income)
  by k1=c1
  by k2=(c2 > 1980)
  sets l1: (k1, k2) (k1) (k2) ()
  a1=rows()
  a2=avg(c3)
answer (m1 select o1=k1, o2=k2, o3=a1, o4=a2, o5=((l1 // 2) % 2), o6=l1)
shows o1 as '性别', o2 as 'young', o3 as 'n', o4 as 'AVG(income)', o5 as 'g', o6 as 'GROUPING_ID(性别, young)'

-- sets as they are listed, one of them the empty one, one of them twice
SELECT 性别, COUNT(*) AS n FROM persons GROUP BY GROUPING SETS ((性别), (), (性别)) ORDER BY n
=>
m1 over clinic.persons(c1: 性别)
  by k1=c1
  sets l1: (k1) ()
  a1=rows()
answer ((m1 inner join values(c2: (0), (0), (1)) on (l1 = c2)) select o1=k1, o2=a1) order o2
shows o1 as '性别', o2 as 'n'

-- a set in brackets is one step of ROLLUP; what stands beside it is in every set
SELECT 性别, birth_year, income > 10 AS rich, COUNT(DISTINCT pid) AS people FROM persons GROUP BY 性别, ROLLUP((birth_year, rich))
=>
m1 over clinic.persons(c1: pid, c2: 性别, c3: birth_year, c4: income)
  by k1=c2
  by k2=c3
  by k3=(c4 > 10)
  sets l1: (k1, k2, k3) (k1)
  a1=units()
answer (m1 select o1=k1, o2=k2, o3=k3, o4=a1)
shows o1 as '性别', o2 as 'birth_year', o3 as 'rich', o4 as 'people'

-- ordinals and aliases
SELECT date_trunc('month', 日期) AS m, 科室, SUM(费用) AS s FROM visits GROUP BY ROLLUP(1, 2) HAVING GROUPING(科室) = 1 ORDER BY m
=>
m1 over clinic.visits(c1: 科室, c2: 日期, c3: 费用)
  by k1=date_trunc('month', c2)
  by k2=c1
  sets l1: (k1, k2) (k1) ()
  a1=sum(c3)
answer (m1 where (((l1 // 1) % 2) = 1) select o1=k1, o2=k2, o3=a1) order o1
shows o1 as 'm', o2 as '科室', o3 as 's'

-- GROUPING in an expression, and without grouping sets
SELECT CASE WHEN GROUPING(性别) = 1 THEN 'all' ELSE 性别 END AS who, COUNT(*) AS n FROM persons GROUP BY ROLLUP(性别)
=>
m1 over clinic.persons(c1: 性别)
  by k1=c1
  sets l1: (k1) ()
  a1=rows()
answer (m1 select o1=case((l1 = 1), 'all', k1), o2=a1)
shows o1 as 'who', o2 as 'n'

-- a share of the total, of one measure
WITH r AS (SELECT 性别, GROUPING(性别) AS g, COUNT(*) AS n FROM persons GROUP BY ROLLUP(性别)) SELECT a.性别, a.n / b.n AS share FROM r a JOIN r b ON b.g = 1 WHERE a.g = 0
=>
m1 over clinic.persons(c1: 性别)
  by k1=c1
  sets l1: (k1) ()
  a1=rows()
answer (((m1 select o1=k1, o2=l1, o3=a1) inner join (m1 select o4=l1, o5=a1) on true) where (o4 = 1) where (o2 = 0) select o6=o1, o7=(o3 / o5))
shows o6 as '性别', o7 as 'share'

-- a window over the rows of one set
SELECT 科室, COUNT(*) AS n, RANK() OVER (PARTITION BY GROUPING(科室) ORDER BY COUNT(*) DESC) AS place FROM visits GROUP BY ROLLUP(科室)
=>
m1 over clinic.visits(c1: 科室)
  by k1=c1
  sets l1: (k1) ()
  a1=rows()
answer ((m1 window w1=rank() over (by l1 order a1 desc)) select o1=k1, o2=a1, o3=w1)
shows o1 as '科室', o2 as 'n', o3 as 'place'

-- the empty set alone
SELECT COUNT(*) AS n FROM visits GROUP BY GROUPING SETS (())
=>
m1 over clinic.visits()
  sets l1: ()
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'n'

-- keys with private values beside public ones
SELECT birth_year, 性别, COUNT(*) AS n FROM persons GROUP BY GROUPING SETS ((income), (birth_year, 性别), (性别), ())
=>
m1 over clinic.persons(c1: 性别, c2: birth_year, c3: income)
  by k1=c3
  by k2=c2
  by k3=c1
  sets l1: (k1) (k2, k3) (k3) ()
  a1=rows()
answer (m1 select o1=k2, o2=k3, o3=a1)
shows o1 as 'birth_year', o2 as '性别', o3 as 'n'

-- FILTER, over a join with a public table
SELECT p.性别, c.name_en, COUNT(*) FILTER (WHERE v.费用 > 100) AS dear FROM visits v JOIN persons p ON p.pid = v.pid JOIN cities c ON c.code = p.city GROUP BY CUBE(p.性别, c.name_en)
=>
m1 over ((clinic.visits(c1: pid, c2: 费用) inner join clinic.persons(c3: pid, c4: 性别, c5: city) on unit) inner join clinic.cities(c6: code, c7: name_en) on (c6 = c5))
  by k1=c4
  by k2=c7
  sets l1: (k1, k2) (k1) (k2) ()
  a1=rows() where (c2 > 100)
answer (m1 select o1=k1, o2=k2, o3=a1)
shows o1 as '性别', o2 as 'name_en', o3 as 'dear'
