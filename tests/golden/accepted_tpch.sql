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
