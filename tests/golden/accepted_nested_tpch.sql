-- data set tpch

-- Q11: groups above a share of the whole
SELECT l_partkey, SUM(l_extendedprice) AS value FROM lineitem GROUP BY l_partkey HAVING SUM(l_extendedprice) > (SELECT SUM(l_extendedprice) * 0.0001 FROM lineitem) ORDER BY value DESC
=>
m1 over tpch.lineitem(c1: l_partkey, c2: l_extendedprice)
  by k1=c1
  a1=sum(c2)
m2 over tpch.lineitem(c3: l_extendedprice)
  a2=sum(c3)
answer ((m1 inner join (m2 select o1=(a2 * 1/10000d)) on true) where (a1 > o1) select o2=k1, o3=a1) order o3 desc
shows o2 as 'l_partkey', o3 as 'value'

-- Q15: the supplier of the largest revenue
WITH revenue AS (SELECT l_suppkey AS supplier_no, SUM(l_extendedprice * (1 - l_discount)) AS total_revenue FROM lineitem WHERE l_shipdate >= DATE '1996-01-01' AND l_shipdate < DATE '1996-01-01' + INTERVAL 3 MONTH GROUP BY l_suppkey) SELECT s_suppkey, s_name, total_revenue FROM supplier, revenue WHERE s_suppkey = supplier_no AND total_revenue = (SELECT total_revenue FROM revenue ORDER BY total_revenue DESC LIMIT 1) ORDER BY s_suppkey
=>
m1 over tpch.lineitem(c1: l_suppkey, c2: l_extendedprice, c3: l_discount, c4: l_shipdate) where ((c4 >= 1996-01-01) and (c4 < 1996-04-01))
  by k1=c1
  a1=sum((c2 * (1 - c3)))
answer (((tpch.supplier(c5: s_suppkey, c6: s_name) inner join (m1 select o1=k1, o2=a1) on (c5 = o1)) left join ((m1 select o3=a1) select o4=o3) order o4 desc limit 1 on true) where (o2 = o4) select o5=c5, o6=c6, o7=o2) order o5
shows o5 as 's_suppkey', o6 as 's_name', o7 as 'total_revenue'

-- Q17: less than a share of the part's average quantity, by a join
SELECT SUM(l.l_extendedprice) / 7.0 AS avg_yearly FROM lineitem l JOIN (SELECT l_partkey AS part, 0.2 * AVG(l_quantity) AS few FROM lineitem GROUP BY l_partkey) q ON l.l_partkey = q.part WHERE l.l_quantity < q.few
=>
m1 over tpch.lineitem(c1: l_partkey, c2: l_quantity)
  by k1=c1
  a1=avg(c2)
m2 over (tpch.lineitem(c3: l_partkey, c4: l_quantity, c5: l_extendedprice) inner join (m1 select o1=k1, o2=(1/5d * a1)) on ((c3 = o1) and (c4 < o2)))
  a2=sum(c5)
answer (m2 select o3=(a2 / 7d))
shows o3 as 'avg_yearly'

-- Q22: customers above the average of those in credit
SELECT c_nationkey, COUNT(*) AS numcust, SUM(c_acctbal) AS totacctbal FROM customer WHERE c_acctbal > (SELECT AVG(c_acctbal) FROM customer WHERE c_acctbal > 0.00 AND c_nationkey < 20) GROUP BY c_nationkey ORDER BY c_nationkey
=>
m1 over tpch.customer(c1: c_nationkey, c2: c_acctbal) where ((c2 > 0d) and (c1 < 20))
  a1=avg(c2)
m2 over (tpch.customer(c3: c_nationkey, c4: c_acctbal) inner join (m1 select o1=a1) on true) where (c4 > o1)
  by k1=c3
  a2=rows()
  a3=sum(c4)
answer (m2 select o2=k1, o3=a2, o4=a3) order o2
shows o2 as 'c_nationkey', o3 as 'numcust', o4 as 'totacctbal'

-- Q17 as it is written
SELECT SUM(l_extendedprice) / 7.0 AS avg_yearly FROM lineitem l WHERE l_quantity < (SELECT 0.2 * AVG(l_quantity) FROM lineitem m WHERE m.l_partkey = l.l_partkey)
=>
m1 over tpch.lineitem(c1: l_partkey, c2: l_quantity)
  by k1=c1
  a1=avg(c2)
m2 over (tpch.lineitem(c3: l_partkey, c4: l_quantity, c5: l_extendedprice) left join (m1 select o1=(1/5d * a1), o2=k1) on (c3 = o2)) where (c4 < o1)
  a2=sum(c5)
answer (m2 select o3=(a2 / 7d))
shows o3 as 'avg_yearly'

-- an order leads to one customer: groups by it are of that customer's rows
SELECT AVG(total) FROM (SELECT l_orderkey, SUM(l_extendedprice) AS total FROM lineitem GROUP BY l_orderkey)
=>
m1 over ((tpch.lineitem(c1: l_orderkey, c2: l_extendedprice) group by k1=c1 fold f1=sum(c2)) select o1=f1)
  a1=avg(o1)
answer (m1 select o2=a1)
shows o2 as 'AVG(total)'

-- Q18's large orders as a CTE, joined with their rows again
WITH big AS (SELECT l_orderkey FROM lineitem GROUP BY l_orderkey HAVING SUM(l_quantity) > 250) SELECT COUNT(*), SUM(o_totalprice) FROM orders JOIN big ON o_orderkey = l_orderkey
=>
m1 over (tpch.orders(c1: o_orderkey, c2: o_totalprice) inner join ((tpch.lineitem(c3: l_orderkey, c4: l_quantity) group by k1=c3 fold f1=sum(c4)) where (f1 > 250) select o1=k1) on unit and (c1 = o1))
  a1=rows()
  a2=sum(c2)
answer (m1 select o2=a1, o3=a2)
shows o2 as 'COUNT(*)', o3 as 'SUM(o_totalprice)'

-- different orders and modes: rows of one customer each
SELECT l_shipmode, COUNT(*) FROM (SELECT DISTINCT l_orderkey, l_shipmode FROM lineitem) GROUP BY l_shipmode
=>
m1 over distinct (tpch.lineitem(c1: l_orderkey, c2: l_shipmode) select o1=c1, o2=c2)
  by k1=o2
  a1=rows()
answer (m1 select o3=k1, o4=a1)
shows o3 as 'l_shipmode', o4 as 'COUNT(*)'

-- a window of one order's rows
SELECT AVG(q) FROM (SELECT SUM(l_quantity) OVER (PARTITION BY l_orderkey) AS q FROM lineitem)
=>
m1 over ((tpch.lineitem(c1: l_orderkey, c2: l_quantity) window w1=sum(c2) over (by c1 range all..0)) select o1=w1)
  a1=avg(o1)
answer (m1 select o2=a1)
shows o2 as 'AVG(q)'
