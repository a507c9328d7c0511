-- data set clinic

-- public tables only, counted
SELECT COUNT(*) FROM cities
=>
answer ((clinic.cities() group by () fold f1=rows()) select o1=f1)
shows o1 as 'COUNT(*)'

-- public rows
SELECT name_zh, population FROM cities WHERE population > 0 ORDER BY population DESC, code LIMIT 2
=>
answer (clinic.cities(c1: code, c2: name_zh, c3: population) where (c3 > 0) select o1=c2, o2=c3, o3=c1) order o2 desc, o3 limit 2
shows o1 as 'name_zh', o2 as 'population'

-- public rows in groups, ranked
SELECT name_en, COUNT(*) AS n, SUM(population) AS p, RANK() OVER (ORDER BY SUM(population)) AS r FROM cities GROUP BY name_en
=>
answer (((clinic.cities(c1: name_en, c2: population) group by k1=c1 fold f1=rows(), f2=sum(c2)) window w1=rank() over (order f2)) select o1=k1, o2=f1, o3=f2, o4=w1)
shows o1 as 'name_en', o2 as 'n', o3 as 'p', o4 as 'r'

-- a public table joined with itself and with constants
SELECT a.code, b.code AS other, v.x FROM cities a LEFT JOIN cities b ON a.population < b.population JOIN (VALUES ('A', 1), ('B', 2)) AS v(k, x) ON v.k = a.code
=>
answer (((clinic.cities(c1: code, c2: population) left join clinic.cities(c3: code, c4: population) on (c2 < c4)) inner join values(v1, v2: ('A', 1), ('B', 2)) on (v1 = c1)) select o1=c1, o2=c3, o3=v2)
shows o1 as 'code', o2 as 'other', o3 as 'x'

-- the median, the first and a list of conditions of public rows
SELECT MEDIAN(population) AS m, ARG_MAX(code, population) AS largest, BOOL_AND(population > 0) AS all_there FROM cities
=>
answer ((clinic.cities(c1: code, c2: population) group by () fold f1=quantile_cont(c2, 1/2), f2=first(c1 order c2 desc) where (is_not_null(c1) and is_not_null(c2)), f3=all((c2 > 0))) select o1=f1, o2=f2, o3=f3)
shows o1 as 'm', o2 as 'largest', o3 as 'all_there'

-- public rows above their average
SELECT code FROM cities WHERE population > (SELECT AVG(population) FROM cities)
=>
answer ((clinic.cities(c1: code, c2: population) inner join ((clinic.cities(c3: population) group by () fold f1=avg(c3)) select o1=f1) on true) where (c2 > o1) select o2=c1)
shows o2 as 'code'

-- a union of public rows
SELECT code FROM cities UNION SELECT name_en FROM cities
=>
answer distinct ((clinic.cities(c1: code) select o1=c1) union (clinic.cities(c2: name_en) select o2=c2) as u1=o1|o2)
shows u1 as 'code'
