-- data set tpch

-- two unit domains in a row
SELECT count(*) FROM customer JOIN clinic.persons ON c_custkey = pid
=>
refused plan.domains
at clinic.persons

-- two unit domains below each other
SELECT count(*) FROM (SELECT c_custkey AS u FROM customer UNION ALL SELECT pid FROM clinic.persons)
=>
refused plan.domains
at c_custkey AS u FROM customer UNION ALL SELECT pid FROM clinic.persons

-- another domain's rows in EXISTS
SELECT count(*) FROM customer WHERE EXISTS (SELECT 1 FROM clinic.persons WHERE pid = c_custkey)
=>
refused plan.domains
at SELECT 1 FROM clinic.persons WHERE pid = c_custkey

-- R2T's Q5: a customer and a supplier in a row
SELECT COUNT(*) AS n FROM supply.suppliers, lineitem, orders, customer, nation, region
WHERE s_suppkey = l_suppkey AND l_orderkey = o_orderkey AND o_custkey = c_custkey AND c_nationkey = n_nationkey
AND n_nationkey = s_nationkey AND r_regionkey = n_regionkey
=>
refused plan.domains
at lineitem

-- R2T's Q8: a customer and a supplier in a row, of some years
SELECT COUNT(*) AS n FROM nation n1, nation n2, customer, orders, lineitem, supply.suppliers, region
WHERE n1.n_nationkey = c_nationkey AND n2.n_nationkey = s_nationkey AND c_custkey = o_custkey AND o_orderkey = l_orderkey
AND l_suppkey = s_suppkey AND n1.n_regionkey = r_regionkey
AND o_orderdate >= DATE '1995-01-01' AND o_orderdate <= DATE '1996-12-31'
=>
refused plan.domains
at supply.suppliers

-- R2T's Q21: a supplier in a row with orders
SELECT COUNT(*) AS n FROM nation, supply.suppliers, lineitem, orders
WHERE s_suppkey = l_suppkey AND o_orderkey = l_orderkey AND s_nationkey = n_nationkey
=>
refused plan.domains
at lineitem

-- groups by an order are of one customer each
SELECT l_orderkey, SUM(l_extendedprice) AS total FROM lineitem GROUP BY l_orderkey ORDER BY total DESC LIMIT 10
=>
refused sql.one_unit (column=l_orderkey)
at l_orderkey
write SELECT AVG(total) FROM (SELECT l_orderkey, SUM(l_extendedprice) AS total FROM lineitem GROUP BY l_orderkey)

-- and what they do not name is not one
SELECT AVG(s) FROM (SELECT o_custkey, o_orderkey, SUM(o_totalprice) AS s FROM orders GROUP BY o_orderkey)
=>
refused sql.unit_value (column=o_custkey)
at o_custkey
write SELECT AVG(s) FROM (SELECT o_orderkey, SUM(o_totalprice) AS s FROM orders GROUP BY o_orderkey)
