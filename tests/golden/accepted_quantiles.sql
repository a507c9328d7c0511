-- data set clinic

-- every way to write a quantile; equal ones are one
SELECT MEDIAN(费用), QUANTILE_CONT(费用, 0.5) AS a, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY 费用), QUANTILE_DISC(费用, 0.25), PERCENTILE_DISC(0.25) WITHIN GROUP (ORDER BY 费用) AS b, QUANTILE(费用, 0.25) AS c FROM visits
=>
m1 over clinic.visits(c1: 费用)
  a1=quantile_cont(c1, 1/2)
  a2=quantile_disc(c1, 1/4)
answer (m1 select o1=a1, o2=a1, o3=a1, o4=a2, o5=a2, o6=a2)
shows o1 as 'MEDIAN(费用)', o2 as 'a', o3 as 'PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY 费用)', o4 as 'QUANTILE_DISC(费用, 0.25)', o5 as 'b', o6 as 'c'

-- the least and the greatest, of a condition's rows
SELECT 科室, MIN(费用), MAX(费用) FILTER (WHERE emergency) FROM visits GROUP BY 1
=>
m1 over clinic.visits(c1: 科室, c2: 费用, c3: emergency)
  by k1=c1
  a1=min(c2)
  a2=max(c2) where c3
answer (m1 select o1=k1, o2=a1, o3=a2)
shows o1 as '科室', o2 as 'MIN(费用)', o3 as 'MAX(费用) FILTER (WHERE emergency)'
