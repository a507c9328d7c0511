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
