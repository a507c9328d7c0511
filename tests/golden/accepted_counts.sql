-- data set clinic

-- all rows
SELECT COUNT(*) FROM persons
=>
m1 over clinic.persons()
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- units, and rows where a column is not NULL
SELECT COUNT(DISTINCT pid) AS people, COUNT(income) AS with_income, COUNT(pid), COUNT(1) FROM persons
=>
m1 over clinic.persons(c1: pid, c2: income)
  a1=units()
  a2=rows(c2)
  a3=rows()
answer (m1 select o1=a1, o2=a2, o3=a3, o4=a3)
shows o1 as 'people', o2 as 'with_income', o3 as 'COUNT(pid)', o4 as 'COUNT(1)'

-- names in any case, quoted and unquoted, with the data set and with an alias
select count(*) as "人 数" from "CLINIC".Persons as P where p."Birth_Year" < 1950
=>
m1 over clinic.persons(c1: birth_year) where (c1 < 1950)
  a1=rows()
answer (m1 select o1=a1)
shows o1 as '人 数'

-- a group key
SELECT 性别, COUNT(*) AS n FROM persons GROUP BY 性别
=>
m1 over clinic.persons(c1: 性别)
  by k1=c1
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as '性别', o2 as 'n'

-- a key by its position, and one by its alias
SELECT birth_year // 10 * 10 AS decade, 性别, COUNT(*) FROM persons GROUP BY decade, 2
=>
m1 over clinic.persons(c1: 性别, c2: birth_year)
  by k1=((c2 // 10) * 10)
  by k2=c1
  a1=rows()
answer (m1 select o1=k1, o2=k2, o3=a1)
shows o1 as 'decade', o2 as '性别', o3 as 'COUNT(*)'

-- an expression over a key expression
SELECT birth_year // 10 * 10 + 5 AS middle, COUNT(*) FROM persons GROUP BY birth_year // 10
=>
m1 over clinic.persons(c1: birth_year)
  by k1=(c1 // 10)
  a1=rows()
answer (m1 select o1=((k1 * 10) + 5), o2=a1)
shows o1 as 'middle', o2 as 'COUNT(*)'

-- GROUP BY ALL
SELECT 性别, birth_year > 1990 AS young, COUNT(*) AS n, AVG(income) FROM persons GROUP BY ALL
=>
m1 over clinic.persons(c1: 性别, c2: birth_year, c3: income)
  by k1=c1
  by k2=(c2 > 1990)
  a1=rows()
  a2=avg(c3)
answer (m1 select o1=k1, o2=k2, o3=a1, o4=a2)
shows o1 as '性别', o2 as 'young', o3 as 'n', o4 as 'AVG(income)'

-- keys that are not shown
SELECT COUNT(*) FROM persons GROUP BY 性别
=>
m1 over clinic.persons(c1: 性别)
  by k1=c1
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- the same aggregate written twice is measured once
SELECT SUM(income) / COUNT(*) AS mean, SUM(income) AS total, count(*) FROM persons
=>
m1 over clinic.persons(c1: income)
  a1=sum(c1)
  a2=rows()
answer (m1 select o1=(a1 / a2), o2=a1, o3=a2)
shows o1 as 'mean', o2 as 'total', o3 as 'count(*)'

-- the same key written twice
SELECT 性别, COUNT(*) FROM persons GROUP BY 性别, 1
=>
m1 over clinic.persons(c1: 性别)
  by k1=c1
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as '性别', o2 as 'COUNT(*)'

-- FILTER and its CASE form
SELECT COUNT(*) FILTER (WHERE income > 1000) AS a, SUM(CASE WHEN income > 1000 THEN 1 ELSE 0 END) AS b, COUNT_IF(income > 1000) AS c FROM persons
=>
m1 over clinic.persons(c1: income)
  a1=rows() where (c1 > 1000)
  a2=sum(case((c1 > 1000), 1, 0))
answer (m1 select o1=a1, o2=a2, o3=a1)
shows o1 as 'a', o2 as 'b', o3 as 'c'

-- units with a condition, in both forms
SELECT COUNT(DISTINCT pid) FILTER (WHERE emergency) AS a, COUNT(DISTINCT CASE WHEN emergency THEN pid END) AS b FROM visits
=>
m1 over clinic.visits(c1: pid, c2: emergency)
  a1=units() where c2
answer (m1 select o1=a1, o2=a1)
shows o1 as 'a', o2 as 'b'

-- HAVING, ORDER BY an alias, LIMIT and OFFSET
SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室 HAVING COUNT(*) > 1 AND 科室 <> '其他' ORDER BY n DESC, 科室 LIMIT 2 OFFSET 1
=>
m1 over clinic.visits(c1: 科室)
  by k1=c1
  a1=rows()
answer (m1 where ((a1 > 1) and (k1 <> '其他')) select o1=k1, o2=a1) order o2 desc, o1 limit 2 offset 1
shows o1 as '科室', o2 as 'n'

-- ORDER BY an aggregate that is not shown
SELECT 科室 FROM visits GROUP BY 科室 ORDER BY SUM(费用) DESC NULLS LAST
=>
m1 over clinic.visits(c1: 科室, c2: 费用)
  by k1=c1
  a1=sum(c2)
answer (m1 select o1=k1, o2=a1) order o2 desc
shows o1 as '科室'

-- ORDER BY a position, HAVING an alias
SELECT 科室, AVG(费用) AS 均值 FROM visits GROUP BY 科室 HAVING 均值 > 10 ORDER BY 2
=>
m1 over clinic.visits(c1: 科室, c2: 费用)
  by k1=c1
  a1=avg(c2)
answer (m1 where (a1 > 10) select o1=k1, o2=a1) order o2
shows o1 as '科室', o2 as '均值'

-- HAVING without GROUP BY
SELECT COUNT(*) FROM visits HAVING COUNT(*) > 0
=>
m1 over clinic.visits()
  a1=rows()
answer (m1 where (a1 > 0) select o1=a1)
shows o1 as 'COUNT(*)'

-- an alias used by the next item
SELECT COUNT(*) AS n, SUM(费用) AS s, s / n AS mean, mean * 2 AS doubled FROM visits
=>
m1 over clinic.visits(c1: 费用)
  a1=rows()
  a2=sum(c1)
answer (m1 select o1=a1, o2=a2, o3=(a2 / a1), o4=((a2 / a1) * 2))
shows o1 as 'n', o2 as 's', o3 as 'mean', o4 as 'doubled'

-- arithmetic over aggregates
SELECT 100.0 * SUM(费用) FILTER (WHERE emergency) / NULLIF(SUM(费用), 0) AS share FROM visits
=>
m1 over clinic.visits(c1: 费用, c2: emergency)
  a1=sum(c1) where c2
  a2=sum(c1)
answer (m1 select o1=((100d * a1) / nullif(a2, 0)))
shows o1 as 'share'

-- an alias in WHERE
SELECT 费用 * 1.1 AS gross, COUNT(*) FROM visits WHERE gross > 50 GROUP BY 1
=>
m1 over clinic.visits(c1: 费用) where ((c1 * 11/10d) > 50)
  by k1=(c1 * 11/10d)
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'gross', o2 as 'COUNT(*)'

-- comments, a semicolon and odd white space
SELECT -- of people
  COUNT(*) /* all of them */ AS n
FROM persons ;
=>
m1 over clinic.persons()
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'n'

-- a parenthesised query
(SELECT COUNT(*) FROM persons)
=>
m1 over clinic.persons()
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- labels made distinct
SELECT COUNT(*), COUNT(*), SUM(income) AS x, AVG(income) AS x FROM persons
=>
m1 over clinic.persons(c1: income)
  a1=rows()
  a2=sum(c1)
  a3=avg(c1)
answer (m1 select o1=a1, o2=a1, o3=a2, o4=a3)
shows o1 as 'COUNT(*)', o2 as 'COUNT(*)_2', o3 as 'x', o4 as 'x_2'

-- mean is AVG
SELECT mean(income), avg(income) FROM persons
=>
m1 over clinic.persons(c1: income)
  a1=avg(c1)
answer (m1 select o1=a1, o2=a1)
shows o1 as 'mean(income)', o2 as 'avg(income)'

-- the most frequent of private group keys
SELECT income, COUNT(*) AS n FROM persons GROUP BY income ORDER BY n DESC, income LIMIT 3
=>
m1 over clinic.persons(c1: income)
  by k1=c1
  a1=rows()
answer (m1 select o1=k1, o2=a1) order o2 desc, o1 limit 3
shows o1 as 'income', o2 as 'n'
