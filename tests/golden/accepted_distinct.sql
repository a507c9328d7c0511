-- data set clinic

-- distinct values of a column, of an expression, of some rows
SELECT 科室, COUNT(DISTINCT 费用) AS a, COUNT(DISTINCT CASE WHEN emergency THEN 费用 END) AS b, COUNT(DISTINCT 费用) FILTER (WHERE emergency) AS c, COUNT(DISTINCT pid) AS d FROM visits GROUP BY 1
=>
m1 over clinic.visits(c1: pid, c2: 科室, c3: 费用, c4: emergency)
  by k1=c2
  a1=distinct(c3)
  a2=distinct(case(c4, c3, null::double))
  a3=distinct(c3) where c4
  a4=units()
answer (m1 select o1=k1, o2=a1, o3=a2, o4=a3, o5=a4)
shows o1 as '科室', o2 as 'a', o3 as 'b', o4 as 'c', o5 as 'd'

-- distinct values over groups of a private key
SELECT city, COUNT(DISTINCT birth_year // 10) AS decades FROM persons GROUP BY city
=>
m1 over clinic.persons(c1: birth_year, c2: city)
  by k1=c2
  a1=distinct((c1 // 10))
answer (m1 select o1=k1, o2=a1)
shows o1 as 'city', o2 as 'decades'
