-- data set tpch

-- Q1
SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price, sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price, sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge, avg(l_quantity) AS avg_qty, avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc, count(*) AS count_order FROM lineitem WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL '90' DAY GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus
=>
m1 over tpch.lineitem(c1: l_quantity, c2: l_extendedprice, c3: l_discount, c4: l_tax, c5: l_returnflag, c6: l_linestatus, c7: l_shipdate) where (c7 <= 1998-09-02)
  by k1=c5
  by k2=c6
  a1=sum(c1)
  a2=sum(c2)
  a3=sum((c2 * (1 - c3)))
  a4=sum(((c2 * (1 - c3)) * (1 + c4)))
  a5=avg(c1)
  a6=avg(c2)
  a7=avg(c3)
  a8=rows()
answer (m1 select o1=k1, o2=k2, o3=a1, o4=a2, o5=a3, o6=a4, o7=a5, o8=a6, o9=a7, o10=a8) order o1, o2
shows o1 as 'l_returnflag', o2 as 'l_linestatus', o3 as 'sum_qty', o4 as 'sum_base_price', o5 as 'sum_disc_price', o6 as 'sum_charge', o7 as 'avg_qty', o8 as 'avg_price', o9 as 'avg_disc', o10 as 'count_order'

-- Q3 without the order's own key
SELECT o_orderdate, o_shippriority, sum(l_extendedprice * (1 - l_discount)) AS revenue FROM customer, orders, lineitem WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey AND o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15' GROUP BY o_orderdate, o_shippriority ORDER BY revenue DESC, o_orderdate LIMIT 10
=>
m1 over ((tpch.customer(c1: c_custkey, c2: c_mktsegment) inner join tpch.orders(c3: o_orderkey, c4: o_custkey, c5: o_orderdate, c6: o_shippriority) on unit) inner join tpch.lineitem(c7: l_orderkey, c8: l_extendedprice, c9: l_discount, c10: l_shipdate) on unit and (c7 = c3)) where ((c2 = 'BUILDING') and (c5 < 1995-03-15) and (c10 > 1995-03-15))
  by k1=c5
  by k2=c6
  a1=sum((c8 * (1 - c9)))
answer (m1 select o1=k1, o2=k2, o3=a1) order o3 desc, o1 limit 10
shows o1 as 'o_orderdate', o2 as 'o_shippriority', o3 as 'revenue'

-- Q5
SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue FROM customer, orders, lineitem, supplier, nation, region WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey AND c_nationkey = s_nationkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'ASIA' AND o_orderdate >= DATE '1994-01-01' AND o_orderdate < DATE '1994-01-01' + INTERVAL '1' YEAR GROUP BY n_name ORDER BY revenue DESC
=>
m1 over (((((tpch.customer(c1: c_custkey, c2: c_nationkey) inner join tpch.orders(c3: o_orderkey, c4: o_custkey, c5: o_orderdate) on unit) inner join tpch.lineitem(c6: l_orderkey, c7: l_suppkey, c8: l_extendedprice, c9: l_discount) on unit and (c6 = c3)) inner join tpch.supplier(c10: s_suppkey, c11: s_nationkey) on ((c7 = c10) and (c2 = c11))) inner join tpch.nation(c12: n_nationkey, c13: n_name, c14: n_regionkey) on (c11 = c12)) inner join tpch.region(c15: r_regionkey, c16: r_name) on (c14 = c15)) where ((c16 = 'ASIA') and (c5 >= 1994-01-01) and (c5 < 1995-01-01))
  by k1=c13
  a1=sum((c8 * (1 - c9)))
answer (m1 select o1=k1, o2=a1) order o2 desc
shows o1 as 'n_name', o2 as 'revenue'

-- Q6
SELECT sum(l_extendedprice * l_discount) AS revenue FROM lineitem WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1994-01-01' + INTERVAL '1' YEAR AND l_discount BETWEEN 0.06 - 0.01 AND 0.06 + 0.01 AND l_quantity < 24
=>
m1 over tpch.lineitem(c1: l_quantity, c2: l_extendedprice, c3: l_discount, c4: l_shipdate) where ((c4 >= 1994-01-01) and (c4 < 1995-01-01) and (c3 >= 1/20d) and (c3 <= 7/100d) and (c1 < 24))
  a1=sum((c2 * c3))
answer (m1 select o1=a1)
shows o1 as 'revenue'

-- Q12
SELECT l_shipmode, sum(CASE WHEN o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH' THEN 1 ELSE 0 END) AS high_line_count, sum(CASE WHEN o_orderpriority <> '1-URGENT' AND o_orderpriority <> '2-HIGH' THEN 1 ELSE 0 END) AS low_line_count FROM orders, lineitem WHERE o_orderkey = l_orderkey AND l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate AND l_shipdate < l_commitdate AND l_receiptdate >= DATE '1994-01-01' AND l_receiptdate < DATE '1994-01-01' + INTERVAL '1' YEAR GROUP BY l_shipmode ORDER BY l_shipmode
=>
m1 over (tpch.orders(c1: o_orderkey, c2: o_orderpriority) inner join tpch.lineitem(c3: l_orderkey, c4: l_shipdate, c5: l_commitdate, c6: l_receiptdate, c7: l_shipmode) on unit and (c1 = c3)) where (in(c7, 'MAIL', 'SHIP') and (c5 < c6) and (c4 < c5) and (c6 >= 1994-01-01) and (c6 < 1995-01-01))
  by k1=c7
  a1=sum(case(((c2 = '1-URGENT') or (c2 = '2-HIGH')), 1, 0))
  a2=sum(case(((c2 <> '1-URGENT') and (c2 <> '2-HIGH')), 1, 0))
answer (m1 select o1=k1, o2=a1, o3=a2) order o1
shows o1 as 'l_shipmode', o2 as 'high_line_count', o3 as 'low_line_count'

-- Q14
SELECT 100.00 * sum(CASE WHEN p_type LIKE 'PROMO%' THEN l_extendedprice * (1 - l_discount) ELSE 0 END) / sum(l_extendedprice * (1 - l_discount)) AS promo_revenue FROM lineitem, part WHERE l_partkey = p_partkey AND l_shipdate >= DATE '1995-09-01' AND l_shipdate < DATE '1995-09-01' + INTERVAL '1' MONTH
=>
m1 over (tpch.lineitem(c1: l_partkey, c2: l_extendedprice, c3: l_discount, c4: l_shipdate) inner join tpch.part(c5: p_partkey, c6: p_type) on (c1 = c5)) where ((c4 >= 1995-09-01) and (c4 < 1995-10-01))
  a1=sum(case(like(c6, 'PROMO%'), (c2 * (1 - c3)), 0))
  a2=sum((c2 * (1 - c3)))
answer (m1 select o1=((100d * a1) / a2))
shows o1 as 'promo_revenue'

-- a comma join whose second item is not yet reachable
SELECT count(*) FROM customer, lineitem, orders WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey
=>
m1 over ((tpch.customer(c1: c_custkey) inner join tpch.orders(c2: o_orderkey, c3: o_custkey) on unit) inner join tpch.lineitem(c4: l_orderkey) on unit and (c4 = c2))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'count(*)'

-- another data set's table by its full name
SELECT count(*) FROM clinic.persons
=>
m1 over clinic.persons()
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'count(*)'

-- Q4 of three years
SELECT o_orderpriority, count(*) AS order_count FROM orders WHERE o_orderdate >= DATE '1993-07-01' AND o_orderdate < DATE '1993-07-01' + INTERVAL '3' YEAR AND EXISTS (SELECT * FROM lineitem WHERE l_orderkey = o_orderkey AND l_commitdate < l_receiptdate) GROUP BY o_orderpriority ORDER BY o_orderpriority
=>
m1 over (tpch.orders(c1: o_orderkey, c2: o_orderdate, c3: o_orderpriority) where ((c2 >= 1993-07-01) and (c2 < 1996-07-01)) mark e1 of tpch.lineitem(c4: l_orderkey, c5: l_commitdate, c6: l_receiptdate) where (c5 < c6) on unit and (c4 = c1)) where e1
  by k1=c3
  a1=rows()
answer (m1 select o1=k1, o2=a1) order o1
shows o1 as 'o_orderpriority', o2 as 'order_count'

-- Q16 of lines: suppliers without complaint
SELECT p_size, count(*) AS line_count FROM lineitem, part WHERE p_partkey = l_partkey AND p_brand <> 'Brand#45' AND p_type NOT LIKE 'MEDIUM POLISHED%' AND p_size IN (49, 14, 23, 45, 19, 3, 36, 9, 1, 5, 7) AND l_suppkey NOT IN (SELECT s_suppkey FROM supplier WHERE s_acctbal < -900) GROUP BY p_size ORDER BY line_count DESC, p_size
=>
m1 over ((((tpch.lineitem(c1: l_partkey, c2: l_suppkey) inner join tpch.part(c3: p_partkey, c4: p_brand, c5: p_type, c6: p_size) on (c3 = c1)) where ((c4 <> 'Brand#45') and not(like(c5, 'MEDIUM POLISHED%')) and in(c6, 49, 14, 23, 45, 19, 3, 36, 9, 1, 5, 7)) mark e1 of tpch.supplier(c7: s_suppkey, c8: s_acctbal) where (c8 < -900) on (c2 = c7)) mark e2 of tpch.supplier(c9: s_suppkey, c10: s_acctbal) where (c10 < -900) on is_null(c9)) mark e3 of tpch.supplier(c11: s_acctbal) where (c11 < -900) on true) where (not(e1) and not((e2 or (is_null(c2) and e3))))
  by k1=c6
  a1=rows()
answer (m1 select o1=k1, o2=a1) order o2 desc, o1
shows o1 as 'p_size', o2 as 'line_count'

-- Q20 of lines: parts in stock of one kind
SELECT count(*) AS n FROM lineitem WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1994-01-01' + INTERVAL '1' YEAR AND l_suppkey IN (SELECT ps_suppkey FROM partsupp WHERE ps_availqty > 10 AND ps_partkey IN (SELECT p_partkey FROM part WHERE p_size < 30))
=>
m1 over (tpch.lineitem(c1: l_suppkey, c2: l_shipdate) where ((c2 >= 1994-01-01) and (c2 < 1995-01-01)) mark e2 of (tpch.partsupp(c3: ps_partkey, c4: ps_suppkey, c5: ps_availqty) where (c5 > 10) mark e1 of tpch.part(c6: p_partkey, c7: p_size) where (c7 < 30) on (c3 = c6)) where e1 on (c1 = c4)) where e2
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'n'

-- Q21 of orders: a line that kept the others waiting
SELECT count(*) AS numwait FROM lineitem l1, orders WHERE o_orderkey = l1.l_orderkey AND o_orderstatus = 'F' AND l1.l_receiptdate > l1.l_commitdate AND EXISTS (SELECT * FROM lineitem l2 WHERE l2.l_orderkey = l1.l_orderkey AND l2.l_suppkey <> l1.l_suppkey) AND NOT EXISTS (SELECT * FROM lineitem l3 WHERE l3.l_orderkey = l1.l_orderkey AND l3.l_suppkey <> l1.l_suppkey AND l3.l_receiptdate > l3.l_commitdate AND l3.l_shipmode = 'AIR' AND l3.l_quantity < 5)
=>
m1 over (((tpch.lineitem(c1: l_orderkey, c2: l_suppkey, c3: l_commitdate, c4: l_receiptdate) inner join tpch.orders(c5: o_orderkey, c6: o_orderstatus) on unit and (c5 = c1)) where ((c6 = 'F') and (c4 > c3)) mark e1 of tpch.lineitem(c7: l_orderkey, c8: l_suppkey) on unit and ((c7 = c1) and (c8 <> c2))) mark e2 of tpch.lineitem(c9: l_orderkey, c10: l_suppkey, c11: l_quantity, c12: l_commitdate, c13: l_receiptdate, c14: l_shipmode) where ((c13 > c12) and (c14 = 'AIR') and (c11 < 5)) on unit and ((c9 = c1) and (c10 <> c2))) where (e1 and not(e2))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'numwait'

-- Q22 by nation
SELECT c_nationkey, count(*) AS numcust, sum(c_acctbal) AS totacctbal FROM customer WHERE c_acctbal > (SELECT avg(c_acctbal) FROM customer WHERE c_acctbal > 0) AND NOT EXISTS (SELECT * FROM orders WHERE o_custkey = c_custkey) GROUP BY c_nationkey ORDER BY c_nationkey
=>
m1 over tpch.customer(c1: c_acctbal) where (c1 > 0)
  a1=avg(c1)
m2 over ((tpch.customer(c2: c_custkey, c3: c_nationkey, c4: c_acctbal) inner join (m1 select o1=a1) on true) mark e1 of tpch.orders(c5: o_custkey) on unit) where ((c4 > o1) and not(e1))
  by k1=c3
  a2=rows()
  a3=sum(c4)
answer (m2 select o2=k1, o3=a2, o4=a3) order o2
shows o2 as 'c_nationkey', o3 as 'numcust', o4 as 'totacctbal'

-- two unit domains, measured apart and joined after the release
SELECT a.n AS persons, b.n AS customers FROM (SELECT count(*) AS n FROM clinic.persons) a, (SELECT count(*) AS n FROM customer) b
=>
m1 over clinic.persons()
  a1=rows()
m2 over tpch.customer()
  a2=rows()
answer (((m1 select o1=a1) inner join (m2 select o2=a2) on true) select o3=o1, o4=o2)
shows o3 as 'persons', o4 as 'customers'
