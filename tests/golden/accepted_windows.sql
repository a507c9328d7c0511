-- data set clinic

-- the mean of a count per unit
SELECT AVG(n) FROM (SELECT pid, COUNT(*) AS n FROM visits GROUP BY pid)
=>
m1 over ((clinic.visits(c1: pid) group by k1=c1 fold f1=rows()) select o1=f1)
  a1=avg(o1)
answer (m1 select o2=a1)
shows o2 as 'AVG(n)'

-- every fold of a unit's rows
SELECT 科室, COUNT(*), SUM(a + b + c + d + e + f) FROM (SELECT pid, MIN(科室) AS 科室, COUNT(费用) AS a, COUNT(DISTINCT 科室) AS b, SUM(费用) AS c, AVG(费用) AS d, MIN(费用) AS e, MAX(费用) AS f FROM visits GROUP BY pid) GROUP BY 1
=>
m1 over ((clinic.visits(c1: pid, c2: 科室, c3: 费用) group by k1=c1 fold f1=min(c2), f2=rows(c3), f3=distinct(c2), f4=sum(c3), f5=avg(c3), f6=min(c3), f7=max(c3)) select o1=f1, o2=f2, o3=f3, o4=f4, o5=f5, o6=f6, o7=f7)
  by k2=o1
  a1=rows()
  a2=sum((((((o2 + o3) + o4) + o5) + o6) + o7))
answer (m1 select o8=k2, o9=a1, o10=a2)
shows o8 as '科室', o9 as 'COUNT(*)', o10 as 'SUM(a + b + c + d + e + f)'

-- spread and quantiles of a unit's rows
SELECT AVG(a), AVG(b), AVG(c), AVG(d), AVG(e), AVG(f) FROM (SELECT pid, VAR_POP(费用) AS a, STDDEV(费用) AS b, MEDIAN(费用) AS c, QUANTILE_CONT(费用, 0.25) AS d, PERCENTILE_DISC(0.75) WITHIN GROUP (ORDER BY 费用) AS e, QUANTILE_DISC(费用, 0.5) AS f FROM visits GROUP BY pid)
=>
m1 over ((clinic.visits(c1: pid, c2: 费用) group by k1=c1 fold f1=var_pop(c2), f2=stddev_samp(c2), f3=quantile_cont(c2, 1/2), f4=quantile_cont(c2, 1/4), f5=quantile_disc(c2, 3/4), f6=quantile_disc(c2, 1/2)) select o1=f1, o2=f2, o3=f3, o4=f4, o5=f5, o6=f6)
  a1=avg(o1)
  a2=avg(o2)
  a3=avg(o3)
  a4=avg(o4)
  a5=avg(o5)
  a6=avg(o6)
answer (m1 select o7=a1, o8=a2, o9=a3, o10=a4, o11=a5, o12=a6)
shows o7 as 'AVG(a)', o8 as 'AVG(b)', o9 as 'AVG(c)', o10 as 'AVG(d)', o11 as 'AVG(e)', o12 as 'AVG(f)'

-- conditions on a unit's rows
SELECT COUNT_IF(x), COUNT_IF(y), SUM(n) FROM (SELECT pid, BOOL_AND(emergency) AS x, BOOL_OR(emergency) AS y, COUNT_IF(费用 > 10) AS n FROM visits GROUP BY pid)
=>
m1 over ((clinic.visits(c1: pid, c2: 费用, c3: emergency) group by k1=c1 fold f1=all(c3), f2=any(c3), f3=rows() where (c2 > 10)) select o1=f1, o2=f2, o3=f3)
  a1=rows() where o1
  a2=rows() where o2
  a3=sum(o3)
answer (m1 select o4=a1, o5=a2, o6=a3)
shows o4 as 'COUNT_IF(x)', o5 as 'COUNT_IF(y)', o6 as 'SUM(n)'

-- the first and last of a unit's rows
SELECT w, l, m, COUNT(*) FROM (SELECT pid, FIRST(科室 ORDER BY 日期, visit_no) AS w, LAST(科室 ORDER BY 日期, visit_no) AS l, ARG_MAX(科室, visit_no) AS m FROM visits GROUP BY pid) GROUP BY ALL
=>
m1 over ((clinic.visits(c1: visit_no, c2: pid, c3: 科室, c4: 日期) group by k1=c2 fold f1=first(c3 order c4, c1), f2=first(c3 order c4 desc nulls first, c1 desc nulls first), f3=first(c3 order c1 desc) where (is_not_null(c3) and is_not_null(c1))) select o1=f1, o2=f2, o3=f3)
  by k2=o1
  by k3=o2
  by k4=o3
  a1=rows()
answer (m1 select o4=k2, o5=k3, o6=k4, o7=a1)
shows o4 as 'w', o5 as 'l', o6 as 'm', o7 as 'COUNT(*)'

-- a unit and more as group keys, with HAVING
SELECT 科室, COUNT(*), AVG(s) FROM (SELECT pid, 科室, SUM(费用) FILTER (WHERE emergency) AS s FROM visits GROUP BY pid, 科室 HAVING COUNT(*) > 1) GROUP BY 科室
=>
m1 over ((clinic.visits(c1: pid, c2: 科室, c3: 费用, c4: emergency) group by k1=c1, k2=c2 fold f1=rows(), f2=sum(c3) where c4) where (f1 > 1) select o1=k2, o2=f2)
  by k3=o1
  a1=rows()
  a2=avg(o2)
answer (m1 select o3=k3, o4=a1, o5=a2)
shows o3 as '科室', o4 as 'COUNT(*)', o5 as 'AVG(s)'

-- a unit's groups joined with persons
SELECT p.city, COUNT(*), AVG(q.n) FROM persons p LEFT JOIN (SELECT pid, COUNT(*) AS n FROM visits GROUP BY ALL) q ON p.pid = q.pid GROUP BY p.city
=>
m1 over (clinic.persons(c1: pid, c2: city) left join ((clinic.visits(c3: pid) group by k1=c3 fold f1=rows()) select o1=f1) on unit)
  by k2=c2
  a1=rows()
  a2=avg(o1)
answer (m1 select o2=k2, o3=a1, o4=a2)
shows o2 as 'city', o3 as 'COUNT(*)', o4 as 'AVG(q.n)'

-- groups of a join by the unit
SELECT AVG(n) FROM (SELECT p.pid, SUM(v.费用) AS n FROM persons p JOIN visits v ON p.pid = v.pid GROUP BY p.pid)
=>
m1 over (((clinic.persons(c1: pid) inner join clinic.visits(c2: pid, c3: 费用) on unit) group by k1=c1 fold f1=sum(c3)) select o1=f1)
  a1=avg(o1)
answer (m1 select o2=a1)
shows o2 as 'AVG(n)'

-- distinct rows of units
SELECT 科室, COUNT(*) FROM (SELECT DISTINCT pid, 科室 FROM visits) GROUP BY 科室
=>
m1 over distinct (clinic.visits(c1: pid, c2: 科室) select o1=c1, o2=c2)
  by k1=o2
  a1=rows()
answer (m1 select o3=k1, o4=a1)
shows o3 as '科室', o4 as 'COUNT(*)'

-- existing keys
SELECT DISTINCT 性别, city FROM persons
=>
m1 over clinic.persons(c1: 性别, c2: city)
  by k1=c1
  by k2=c2
  a1=units()
answer distinct (m1 where (a1 > 0) select o1=k1, o2=k2)
shows o1 as '性别', o2 as 'city'

-- distinct groups
SELECT DISTINCT 性别, COUNT(*) FROM persons GROUP BY 性别
=>
m1 over clinic.persons(c1: 性别)
  by k1=c1
  a1=rows()
answer distinct (m1 select o1=k1, o2=a1)
shows o1 as '性别', o2 as 'COUNT(*)'

-- each unit's first visit
SELECT 科室, COUNT(*) FROM (SELECT 科室, ROW_NUMBER() OVER (PARTITION BY pid ORDER BY 日期, visit_no) AS r FROM visits) WHERE r = 1 GROUP BY 科室
=>
m1 over ((clinic.visits(c1: visit_no, c2: pid, c3: 科室, c4: 日期) window w1=row_number() over (order c4, c1)) select o1=c3, o2=w1) where (o2 = 1)
  by k1=o1
  a1=rows()
answer (m1 select o3=k1, o4=a1)
shows o3 as '科室', o4 as 'COUNT(*)'

-- QUALIFY, a named window
SELECT 科室, COUNT(*) FROM (SELECT 科室 FROM visits WINDOW w AS (PARTITION BY pid ORDER BY 日期 DESC) QUALIFY RANK() OVER w <= 2) GROUP BY 科室
=>
m1 over ((clinic.visits(c1: pid, c2: 科室, c3: 日期) window w1=rank() over (order c3 desc)) where (w1 <= 2) select o1=c2)
  by k1=o1
  a1=rows()
answer (m1 select o2=k1, o3=a1)
shows o2 as '科室', o3 as 'COUNT(*)'

-- ranks
SELECT SUM(a), SUM(b), SUM(c), AVG(d), AVG(e) FROM (SELECT RANK() OVER w AS a, DENSE_RANK() OVER w AS b, NTILE(3) OVER (PARTITION BY pid ORDER BY visit_no) AS c, PERCENT_RANK() OVER w AS d, CUME_DIST() OVER w AS e FROM visits WINDOW w AS (PARTITION BY pid, 科室 ORDER BY 日期))
=>
m1 over ((clinic.visits(c1: visit_no, c2: pid, c3: 科室, c4: 日期) window w1=rank() over (by c3 order c4), w2=dense_rank() over (by c3 order c4), w3=ntile(3) over (order c1), w4=percent_rank() over (by c3 order c4), w5=cume_dist() over (by c3 order c4)) select o1=w1, o2=w2, o3=w3, o4=w4, o5=w5)
  a1=sum(o1)
  a2=sum(o2)
  a3=sum(o3)
  a4=avg(o4)
  a5=avg(o5)
answer (m1 select o6=a1, o7=a2, o8=a3, o9=a4, o10=a5)
shows o6 as 'SUM(a)', o7 as 'SUM(b)', o8 as 'SUM(c)', o9 as 'AVG(d)', o10 as 'AVG(e)'

-- days between a unit's visits
SELECT AVG(d) FROM (SELECT 日期 - LAG(日期) OVER (PARTITION BY pid ORDER BY 日期) AS d FROM visits)
=>
m1 over ((clinic.visits(c1: pid, c2: 日期) window w1=lag(c2, 1) over (order c2)) select o1=date_difference('day', w1, c2))
  a1=avg(o1)
answer (m1 select o2=a1)
shows o2 as 'AVG(d)'

-- rows ahead, with a default
SELECT SUM(x) FROM (SELECT LEAD(费用, 2, 0) OVER (PARTITION BY pid ORDER BY visit_no) AS x FROM visits)
=>
m1 over ((clinic.visits(c1: visit_no, c2: pid, c3: 费用) window w1=lead(c3, 2, 0d) over (order c1)) select o1=w1)
  a1=sum(o1)
answer (m1 select o2=a1)
shows o2 as 'SUM(x)'

-- values of a window
SELECT a, b, c, COUNT(*) FROM (SELECT FIRST_VALUE(科室) OVER w AS a, LAST_VALUE(科室) OVER w AS b, NTH_VALUE(科室, 2) OVER w AS c FROM visits WINDOW w AS (PARTITION BY pid ORDER BY visit_no)) GROUP BY ALL
=>
m1 over ((clinic.visits(c1: visit_no, c2: pid, c3: 科室) window w1=first_value(c3) over (order c1 range all..0), w2=last_value(c3) over (order c1 range all..0), w3=nth_value(c3, 2) over (order c1 range all..0)) select o1=w1, o2=w2, o3=w3)
  by k1=o1
  by k2=o2
  by k3=o3
  a1=rows()
answer (m1 select o4=k1, o5=k2, o6=k3, o7=a1)
shows o4 as 'a', o5 as 'b', o6 as 'c', o7 as 'COUNT(*)'

-- running sums and moving means
SELECT SUM(a), AVG(b), SUM(c) FROM (SELECT SUM(费用) OVER w AS a, AVG(费用) OVER (w ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS b, COUNT(*) OVER (PARTITION BY pid) AS c FROM visits WINDOW w AS (PARTITION BY pid ORDER BY visit_no))
=>
m1 over ((clinic.visits(c1: visit_no, c2: pid, c3: 费用) window w1=sum(c3) over (order c1 range all..0), w2=avg(c3) over (order c1 rows -2..0), w3=rows() over (range all..0)) select o1=w1, o2=w2, o3=w3)
  a1=sum(o1)
  a2=avg(o2)
  a3=sum(o3)
answer (m1 select o4=a1, o5=a2, o6=a3)
shows o4 as 'SUM(a)', o5 as 'AVG(b)', o6 as 'SUM(c)'

-- frames of days and of groups
SELECT SUM(a), SUM(b) FROM (SELECT SUM(费用) OVER (PARTITION BY pid ORDER BY 日期 RANGE BETWEEN INTERVAL 30 DAYS PRECEDING AND CURRENT ROW) AS a, COUNT(费用) FILTER (WHERE emergency) OVER (PARTITION BY pid ORDER BY 日期 GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS b FROM visits)
=>
m1 over ((clinic.visits(c1: pid, c2: 日期, c3: 费用, c4: emergency) window w1=sum(c3) over (order c2 range -30..0), w2=rows(c3) where c4 over (order c2 groups -1..1)) select o1=w1, o2=w2)
  a1=sum(o1)
  a2=sum(o2)
answer (m1 select o3=a1, o4=a2)
shows o3 as 'SUM(a)', o4 as 'SUM(b)'

-- a window over a unit's groups
SELECT 科室, COUNT(*) FROM (SELECT pid, 科室, RANK() OVER (PARTITION BY pid ORDER BY COUNT(*) DESC) AS r FROM visits GROUP BY pid, 科室 QUALIFY r = 1) GROUP BY 科室
=>
m1 over (((clinic.visits(c1: pid, c2: 科室) group by k1=c1, k2=c2 fold f1=rows()) window w1=rank() over (order f1 desc)) where (w1 = 1) select o1=k2)
  by k3=o1
  a1=rows()
answer (m1 select o2=k3, o3=a1)
shows o2 as '科室', o3 as 'COUNT(*)'

-- a release aggregated again
SELECT AVG(n), MAX(n), COUNT(*) FROM (SELECT city, COUNT(*) AS n FROM persons GROUP BY city)
=>
m1 over clinic.persons(c1: city)
  by k1=c1
  a1=rows()
answer (((m1 select o1=a1) group by () fold f1=avg(o1), f2=max(o1), f3=rows()) select o2=f1, o3=f2, o4=f3)
shows o2 as 'AVG(n)', o3 as 'MAX(n)', o4 as 'COUNT(*)'

-- a release grouped again
SELECT n > 3 AS many, COUNT(*), SUM(n) FROM (SELECT city, 性别, COUNT(*) AS n FROM persons GROUP BY ALL) GROUP BY 1 HAVING COUNT(*) > 0 ORDER BY 1
=>
m1 over clinic.persons(c1: 性别, c2: city)
  by k1=c2
  by k2=c1
  a1=rows()
answer (((m1 select o1=a1) group by k3=(o1 > 3) fold f1=rows(), f2=sum(o1)) where (f1 > 0) select o2=k3, o3=f1, o4=f2) order o2
shows o2 as 'many', o3 as 'COUNT(*)', o4 as 'SUM(n)'

-- a public table grouped, beside a release
SELECT g.n, c.m FROM (SELECT city, COUNT(*) AS n FROM persons GROUP BY city) g JOIN (SELECT code, MAX(population) AS m FROM cities GROUP BY code) c ON c.code = g.city
=>
m1 over clinic.persons(c1: city)
  by k1=c1
  a1=rows()
answer (((m1 select o1=k1, o2=a1) inner join ((clinic.cities(c2: code, c3: population) group by k2=c2 fold f1=max(c3)) select o3=k2, o4=f1) on (o3 = o1)) select o5=o2, o6=o4)
shows o5 as 'n', o6 as 'm'

-- ranks of released groups
SELECT 科室, COUNT(*) AS n, RANK() OVER (ORDER BY COUNT(*) DESC) AS r FROM visits GROUP BY 科室 QUALIFY r < 3 ORDER BY r, 科室
=>
m1 over clinic.visits(c1: 科室)
  by k1=c1
  a1=rows()
answer ((m1 window w1=rank() over (order a1 desc)) where (w1 < 3) select o1=k1, o2=a1, o3=w1) order o3, o1
shows o1 as '科室', o2 as 'n', o3 as 'r'

-- shares of a released total
SELECT 科室, n, SUM(n) OVER () AS total, n - LAG(n) OVER (ORDER BY 科室) AS more FROM (SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室) ORDER BY 科室 NULLS FIRST
=>
m1 over clinic.visits(c1: 科室)
  by k1=c1
  a1=rows()
answer (((m1 select o1=k1, o2=a1) window w1=sum(o2) over (range all..0), w2=lag(o2, 1) over (order o1)) select o3=o1, o4=o2, o5=w1, o6=(o2 - w2)) order o3 nulls first
shows o3 as '科室', o4 as 'n', o5 as 'total', o6 as 'more'

-- a number of a released group
SELECT 性别, COUNT(*) FROM persons GROUP BY 1 QUALIFY ROW_NUMBER() OVER (ORDER BY 性别) = 1
=>
m1 over clinic.persons(c1: 性别)
  by k1=c1
  a1=rows()
answer ((m1 window w1=row_number() over (order k1)) where (w1 = 1) select o1=k1, o2=a1)
shows o1 as '性别', o2 as 'COUNT(*)'

-- an unused window
SELECT COUNT(*) FROM persons WINDOW w AS (ORDER BY income)
=>
m1 over clinic.persons()
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- NULLs first
SELECT 性别, COUNT(*) FROM persons GROUP BY 1 ORDER BY 1 NULLS FIRST
=>
m1 over clinic.persons(c1: 性别)
  by k1=c1
  a1=rows()
answer (m1 select o1=k1, o2=a1) order o1 nulls first
shows o1 as '性别', o2 as 'COUNT(*)'

-- a CTE of units used twice
WITH n AS (SELECT pid, COUNT(*) AS k FROM visits GROUP BY pid) SELECT COUNT(*), SUM(a.k * b.k) FROM n a JOIN n b ON a.pid = b.pid
=>
m1 over (((clinic.visits(c1: pid) group by k1=c1 fold f1=rows()) select o1=f1) inner join ((clinic.visits(c2: pid) group by k2=c2 fold f2=rows()) select o2=f2) on unit)
  a1=rows()
  a2=sum((o1 * o2))
answer (m1 select o3=a1, o4=a2)
shows o3 as 'COUNT(*)', o4 as 'SUM(a.k * b.k)'
