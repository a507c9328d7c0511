-- data set clinic

-- a window over everybody
SELECT COUNT(*) FROM (SELECT ROW_NUMBER() OVER (ORDER BY 日期) AS r FROM visits) WHERE r = 1
=>
refused sql.window
at ROW_NUMBER() OVER (ORDER BY 日期)
write SELECT COUNT(*) FROM (SELECT ROW_NUMBER() OVER (PARTITION BY visits.pid ORDER BY 日期) AS r FROM visits) WHERE r = 1

-- a window over a part of everybody
SELECT COUNT(*) FROM (SELECT RANK() OVER (PARTITION BY 科室 ORDER BY 日期) AS r FROM visits) WHERE r = 1
=>
refused sql.window
at RANK() OVER (PARTITION BY 科室 ORDER BY 日期)
write SELECT COUNT(*) FROM (SELECT RANK() OVER (PARTITION BY visits.pid, 科室 ORDER BY 日期) AS r FROM visits) WHERE r = 1

-- a window over shown rows
SELECT SUM(income) OVER (PARTITION BY 性别) FROM persons
=>
refused sql.window
at SUM(income) OVER (PARTITION BY 性别)
write SELECT 性别, SUM(income) FROM persons GROUP BY 性别

-- a window in WHERE
SELECT COUNT(*) FROM (SELECT 科室 FROM visits WHERE ROW_NUMBER() OVER (PARTITION BY pid ORDER BY 日期) = 1)
=>
refused sql.window_place
at ROW_NUMBER() OVER (PARTITION BY pid ORDER BY 日期)
write SELECT COUNT(*) FROM (SELECT 科室 FROM (SELECT * FROM visits QUALIFY ROW_NUMBER() OVER (PARTITION BY pid ORDER BY 日期) = 1))

-- a window in an aggregate
SELECT SUM(RANK() OVER (PARTITION BY pid ORDER BY 日期)) FROM visits
=>
refused sql.window_place
at RANK() OVER (PARTITION BY pid ORDER BY 日期)
write SELECT SUM(v) FROM (SELECT RANK() OVER (PARTITION BY pid ORDER BY 日期) AS v FROM visits)

-- a window in a window
SELECT COUNT(*) FROM (SELECT RANK() OVER (PARTITION BY pid ORDER BY RANK() OVER (PARTITION BY pid ORDER BY 费用)) AS r FROM visits)
=>
refused sql.window_place
at RANK() OVER (PARTITION BY pid ORDER BY 费用)

-- a unit key as an order
SELECT COUNT(*) FROM (SELECT RANK() OVER (PARTITION BY pid ORDER BY pid) AS r FROM visits)
=>
refused sql.unit_value
at pid
write SELECT COUNT(*) FROM (SELECT COUNT(*) AS n FROM visits)

-- the first row in no order
SELECT COUNT(*) FROM (SELECT pid, FIRST(科室) AS w FROM visits GROUP BY pid)
=>
refused sql.unsupported (what=FIRST or LAST without ORDER BY)
at FIRST(科室)
write SELECT COUNT(*) FROM (SELECT pid, MIN(科室) AS w FROM visits GROUP BY pid)

-- EXCLUDE in a frame
SELECT COUNT(*) FROM (SELECT SUM(费用) OVER (PARTITION BY pid ORDER BY 日期 ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) AS s FROM visits)
=>
refused sql.unsupported (what=EXCLUDE in a frame)
at 1
write SELECT COUNT(*) FROM (SELECT SUM(费用) OVER (PARTITION BY pid ORDER BY 日期 ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM visits)

-- a distance by reals
SELECT COUNT(*) FROM (SELECT SUM(费用) OVER (PARTITION BY pid ORDER BY 费用 RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM visits)
=>
refused sql.unsupported (what=RANGE with a distance by this order)
at SUM(费用) OVER (PARTITION BY pid ORDER BY 费用 RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)
write SELECT COUNT(*) FROM (SELECT SUM(费用) OVER (PARTITION BY pid ORDER BY 费用 ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM visits)

-- an order of a unit's groups
SELECT COUNT(*) FROM (SELECT pid, MAX(科室) FROM visits GROUP BY pid ORDER BY 2)
=>
refused plan.order
at 2
write SELECT COUNT(*) FROM (SELECT pid, MAX(科室) FROM visits GROUP BY pid)

-- distinct groups of units without their key
SELECT COUNT(*) FROM (SELECT DISTINCT COUNT(*) AS n FROM visits GROUP BY pid)
=>
refused sql.distinct
at COUNT(*) AS n
write SELECT COUNT(*) FROM (SELECT COUNT(*) AS n FROM visits GROUP BY pid)

-- a unit's groups as an answer
SELECT pid, COUNT(*) FROM visits GROUP BY pid
=>
refused sql.unit_value
at pid
write SELECT AVG(x) FROM (SELECT pid, COUNT(*) AS x FROM visits GROUP BY pid)

-- DISTINCT ON
SELECT DISTINCT ON (性别) 性别, COUNT(*) FROM persons GROUP BY 1
=>
refused sql.unsupported (what=DISTINCT ON)
at 性别
write SELECT DISTINCT 性别, COUNT(*) FROM persons GROUP BY 1

-- a text averaged within a unit
SELECT AVG(m) FROM (SELECT pid, AVG(科室) AS m FROM visits GROUP BY pid)
=>
refused plan.type (function=avg, types=text)
at 科室
write SELECT AVG(m) FROM (SELECT pid, COUNT(科室) AS m FROM visits GROUP BY pid)

-- a window that is not there
SELECT COUNT(*) FROM (SELECT RANK() OVER w AS r FROM visits)
=>
refused sql.unsupported (what=the window w)
at RANK() OVER w
