-- data set clinic

-- variances and standard deviations share their sums with the average
SELECT 科室, COUNT(费用) AS n, AVG(费用), VAR_POP(费用) AS a, VAR_SAMP(费用), VARIANCE(费用) AS c, STDDEV_POP(费用), STDDEV_SAMP(费用), STDDEV(费用) FROM visits GROUP BY 1
=>
m1 over clinic.visits(c1: 科室, c2: 费用)
  by k1=c1
  a1=rows(c2)
  a2=avg(c2)
  a3=var_pop(c2)
  a4=var_samp(c2)
  a5=stddev_pop(c2)
  a6=stddev_samp(c2)
answer (m1 select o1=k1, o2=a1, o3=a2, o4=a3, o5=a4, o6=a4, o7=a5, o8=a6, o9=a6)
shows o1 as '科室', o2 as 'n', o3 as 'AVG(费用)', o4 as 'a', o5 as 'VAR_SAMP(费用)', o6 as 'c', o7 as 'STDDEV_POP(费用)', o8 as 'STDDEV_SAMP(费用)', o9 as 'STDDEV(费用)'

-- a standard deviation over some of the rows
SELECT STDDEV(income) FILTER (WHERE 性别 = '女') AS 女, STDDEV(income) FILTER (WHERE 性别 = '男') AS 男 FROM persons
=>
m1 over clinic.persons(c1: 性别, c2: income)
  a1=stddev_samp(c2) where (c1 = '女')
  a2=stddev_samp(c2) where (c1 = '男')
answer (m1 select o1=a1, o2=a2)
shows o1 as '女', o2 as '男'

-- covariance and correlation of a pair
SELECT 性别, COVAR_POP(income, birth_year) AS a, COVAR_SAMP(income, birth_year) AS b, CORR(income, birth_year) AS c FROM persons GROUP BY 1
=>
m1 over clinic.persons(c1: 性别, c2: birth_year, c3: income)
  by k1=c1
  a1=covar_pop(c3, c2)
  a2=covar_samp(c3, c2)
  a3=corr(c3, c2)
answer (m1 select o1=k1, o2=a1, o3=a2, o4=a3)
shows o1 as '性别', o2 as 'a', o3 as 'b', o4 as 'c'

-- a regression line
SELECT REGR_SLOPE(income, birth_year) AS slope, REGR_INTERCEPT(income, birth_year) AS intercept, REGR_R2(income, birth_year) AS r2 FROM persons
=>
m1 over clinic.persons(c1: birth_year, c2: income)
  a1=regr_slope(c2, c1)
  a2=regr_intercept(c2, c1)
  a3=regr_r2(c2, c1)
answer (m1 select o1=a1, o2=a2, o3=a3)
shows o1 as 'slope', o2 as 'intercept', o3 as 'r2'

-- what a regression rests on
SELECT REGR_COUNT(income, birth_year) AS n, REGR_AVGX(income, birth_year) AS x, REGR_AVGY(income, birth_year) AS y, REGR_SXX(income, birth_year) AS sxx, REGR_SYY(income, birth_year) AS syy, REGR_SXY(income, birth_year) AS sxy FROM persons
=>
m1 over clinic.persons(c1: birth_year, c2: income)
  a1=regr_count(c2, c1)
  a2=regr_avgx(c2, c1)
  a3=regr_avgy(c2, c1)
  a4=regr_sxx(c2, c1)
  a5=regr_syy(c2, c1)
  a6=regr_sxy(c2, c1)
answer (m1 select o1=a1, o2=a2, o3=a3, o4=a4, o5=a5, o6=a6)
shows o1 as 'n', o2 as 'x', o3 as 'y', o4 as 'sxx', o5 as 'syy', o6 as 'sxy'

-- moments of two subqueries over the same rows are measured together
SELECT a.r, b.s FROM (SELECT CORR(income, birth_year) AS r FROM persons) a CROSS JOIN (SELECT COVAR_POP(income, birth_year) AS s FROM persons) b
=>
m1 over clinic.persons(c1: birth_year, c2: income)
  a1=corr(c2, c1)
  a2=covar_pop(c2, c1)
answer (((m1 select o1=a1) inner join (m1 select o2=a2) on true) select o3=o1, o4=o2)
shows o3 as 'r', o4 as 's'
