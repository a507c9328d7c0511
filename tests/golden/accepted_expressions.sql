-- data set clinic

-- arithmetic and its precedence
SELECT SUM(packs * (packs + 1) - packs // 2 % 3) FROM drugs
=>
m1 over clinic.drugs(c1: packs)
  a1=sum(((c1 * (c1 + 1)) - ((c1 // 2) % 3)))
answer (m1 select o1=a1)
shows o1 as 'SUM(packs * (packs + 1) - packs // 2 % 3)'

-- constants are folded exactly
SELECT COUNT(*) FROM persons WHERE income * (0.06 - 0.01) > 1e2 / 3 AND birth_year > -(-1930)
=>
m1 over clinic.persons(c1: birth_year, c2: income) where (((c2 * 1/20d) > 100/3d) and (c1 > 1930))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- division of constants is not integer division
SELECT SUM(income * (1 / 4)) FROM persons
=>
m1 over clinic.persons(c1: income)
  a1=sum((c1 * 1/4d))
answer (m1 select o1=a1)
shows o1 as 'SUM(income * (1 / 4))'

-- a constant divided by zero is left to the engine, where it is NULL
SELECT COUNT(*) FROM persons WHERE income > 1 / 0
=>
m1 over clinic.persons(c1: income) where (c1 > (1 / 0))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- comparison, BETWEEN and IN
SELECT COUNT(*) FROM visits WHERE 科室 IN ('内科', '外科') AND 费用 NOT BETWEEN 10 AND 20 AND NOT emergency AND 科室 NOT IN ('儿科')
=>
m1 over clinic.visits(c1: 科室, c2: 费用, c3: emergency) where (in(c1, '内科', '外科') and not(((c2 >= 10) and (c2 <= 20))) and not(c3) and not(in(c1, '儿科')))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- chains of AND and OR are flat
SELECT COUNT(*) FROM persons WHERE (birth_year = 1950 OR birth_year > 1951 OR (birth_year = 1952 OR birth_year = 1943)) AND (income > 1 AND income < 9000)
=>
m1 over clinic.persons(c1: birth_year, c2: income) where (((c1 = 1950) or (c1 > 1951) or (c1 = 1952) or (c1 = 1943)) and (c2 > 1) and (c2 < 9000))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- NULL
SELECT COUNT(*) FROM persons WHERE income IS NULL OR city IS NOT NULL OR 性别 IS DISTINCT FROM NULL OR income = NULL
=>
m1 over clinic.persons(c1: 性别, c2: income, c3: city) where (is_null(c2) or not(is_null(c3)) or is_distinct_from(c1, null::text) or (c2 = null::double))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- three-valued logic
SELECT COUNT(*) FROM visits WHERE emergency IS TRUE OR (费用 > 5) IS NOT TRUE OR emergency IS NOT DISTINCT FROM (费用 > 5)
=>
m1 over clinic.visits(c1: 费用, c2: emergency) where (coalesce(c2, false) or not(coalesce((c1 > 5), false)) or not(is_distinct_from(c2, (c1 > 5))))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- CASE with an operand, IF, COALESCE and NULLIF
SELECT CASE 性别 WHEN '女' THEN 'F' WHEN '男' THEN 'M' END AS s, SUM(IF(income > 5, 1, 0)), SUM(COALESCE(NULLIF(income, 0), 1)) FROM persons GROUP BY 1
=>
m1 over clinic.persons(c1: 性别, c2: income)
  by k1=case((c1 = '女'), 'F', (c1 = '男'), 'M', null::text)
  a1=sum(case((c2 > 5), 1, 0))
  a2=sum(coalesce(nullif(c2, 0), 1))
answer (m1 select o1=k1, o2=a1, o3=a2)
shows o1 as 's', o2 as 'SUM(IF(income > 5, 1, 0))', o3 as 'SUM(COALESCE(NULLIF(income, 0), 1))'

-- LIKE, ILIKE and their negations
SELECT COUNT(*) FROM persons WHERE city LIKE 'P%' OR city NOT LIKE 'A%' AND city ILIKE 'A%' AND city NOT ILIKE 'X%'
=>
m1 over clinic.persons(c1: city) where (like(c1, 'P%') or (not(like(c1, 'A%')) and like(lower(c1), 'a%') and not(like(lower(c1), 'x%'))))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- texts
SELECT upper(left(city, 2)) || '-' || trim(city) AS c, COUNT(*) FROM persons WHERE starts_with(city, 'P') AND length(city) > 2 OR contains(city, 'x') AND NOT suffix(city, 'y') GROUP BY 1
=>
m1 over clinic.persons(c1: city) where ((starts_with(c1, 'P') and (length(c1) > 2)) or (contains(c1, 'x') and not(ends_with(c1, 'y'))))
  by k1=concat(concat(upper(left(c1, 2)), '-'), trim(c1))
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'c', o2 as 'COUNT(*)'

-- concat treats NULL as empty, || does not
SELECT COUNT(*) FROM persons WHERE concat(city, 'x') = 'x' OR city || 'x' = 'Ax' OR substring(city, 2, 1) = 'R' OR replace(city, 'b', 'c') = 'c' AND ltrim(rtrim(city)) = 'b'
=>
m1 over clinic.persons(c1: city) where ((concat(coalesce(c1, ''), coalesce('x', '')) = 'x') or (concat(c1, 'x') = 'Ax') or (substring(c1, 2, 1) = 'R') or ((replace(c1, 'b', 'c') = 'c') and (ltrim(rtrim(c1)) = 'b')))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- numbers
SELECT SUM(round(income, 2)), SUM(floor(income) + ceil(income)), SUM(abs(income - 5)), SUM(sqrt(income) + ln(income + 1)), SUM(clamp(power(income, 2), 0, 100)) FROM persons
=>
m1 over clinic.persons(c1: income)
  a1=sum(round(c1, 2))
  a2=sum((floor(c1) + ceil(c1)))
  a3=sum(abs((c1 - 5)))
  a4=sum((sqrt(c1) + ln((c1 + 1))))
  a5=sum(clamp(power(c1, 2), 0, 100))
answer (m1 select o1=a1, o2=a2, o3=a3, o4=a4, o5=a5)
shows o1 as 'SUM(round(income, 2))', o2 as 'SUM(floor(income) + ceil(income))', o3 as 'SUM(abs(income - 5))', o4 as 'SUM(sqrt(income) + ln(income + 1))', o5 as 'SUM(clamp(power(income, 2), 0, 100))'

-- least, greatest, clamp and buckets
SELECT width_bucket(income, 0, 500000, 10) AS bucket, SUM(least(income, 1000)), SUM(greatest(income, 10)), SUM(clamp(income, 0, 100)) FROM persons GROUP BY bucket
=>
m1 over clinic.persons(c1: income)
  by k1=width_bucket(c1, 0, 500000, 10)
  a1=sum(least(c1, 1000))
  a2=sum(greatest(c1, 10))
  a3=sum(clamp(c1, 0, 100))
answer (m1 select o1=k1, o2=a1, o3=a2, o4=a3)
shows o1 as 'bucket', o2 as 'SUM(least(income, 1000))', o3 as 'SUM(greatest(income, 10))', o4 as 'SUM(clamp(income, 0, 100))'

-- casts
SELECT SUM(CAST(性别 = '女' AS INTEGER)), SUM(income::BIGINT), AVG(clamp(TRY_CAST(city AS DOUBLE), 0, 10)), COUNT(CAST(birth_year AS VARCHAR)) FROM persons
=>
m1 over clinic.persons(c1: 性别, c2: birth_year, c3: income, c4: city)
  a1=sum(cast_integer((c1 = '女')))
  a2=sum(cast_integer(c3))
  a3=avg(clamp(cast_double(c4), 0, 10))
  a4=rows(cast_text(c2))
answer (m1 select o1=a1, o2=a2, o3=a3, o4=a4)
shows o1 as "SUM(CAST(性别 = '女' AS INTEGER))", o2 as 'SUM(income::BIGINT)', o3 as 'AVG(clamp(TRY_CAST(city AS DOUBLE), 0, 10))', o4 as 'COUNT(CAST(birth_year AS VARCHAR))'

-- dates: parts, truncation, constants
SELECT date_trunc('month', 日期) AS m, COUNT(*) FROM visits WHERE 日期 >= DATE '2024-02-01' AND 日期 < '2024-07-01' AND extract(quarter FROM 日期) = 1 AND year(日期) = 2024 AND date_part('dow', 日期) <> 0 AND dayofyear(日期) > 3 GROUP BY m ORDER BY m
=>
m1 over clinic.visits(c1: 日期) where ((c1 >= 2024-02-01) and (c1 < 2024-07-01) and (quarter(c1) = 1) and (year(c1) = 2024) and (day_of_week(c1) <> 0) and (day_of_year(c1) > 3))
  by k1=date_trunc('month', c1)
  a1=rows()
answer (m1 select o1=k1, o2=a1) order o1
shows o1 as 'm', o2 as 'COUNT(*)'

-- dates: intervals and differences
SELECT COUNT(*) FROM visits WHERE 日期 + INTERVAL 1 MONTH < DATE '2024-12-31' - INTERVAL '90' DAY AND 日期 - DATE '2024-01-01' > 7 AND date_diff('week', DATE '2024-01-01', 日期) < 40 AND 日期 - 3 > '2024-01-05' AND 日期 + INTERVAL '60 weeks' > date_add(日期, INTERVAL 1 YEAR)
=>
m1 over clinic.visits(c1: 日期) where ((date_add_months(c1, 1) < 2024-10-02) and (date_difference('day', 2024-01-01, c1) > 7) and (date_difference('week', 2024-01-01, c1) < 40) and (date_add_days(c1, -3) > 2024-01-05) and (date_add_days(c1, 420) > date_add_months(c1, 12)))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- timestamps
SELECT COUNT(*) FROM visits WHERE 日期 < TIMESTAMP '2024-05-01 12:30:00' AND CAST(日期 AS TIMESTAMP) > '2024-01-01 08:00:00'
=>
m1 over clinic.visits(c1: 日期) where ((c1 < 2024-05-01 12:30:00) and (cast_timestamp(c1) > 2024-01-01 08:00:00))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- angles, roots and logarithms by any name
SELECT SUM(clamp(log2(income + 1) + log10(income) + log(income) + log(3, income) + cbrt(income) * pi(), 0, 9)) FROM persons WHERE sin(income) <= 1 AND (atan2(income, 2) >= 0 OR degrees(asin(income / 1000000)) < 90)
=>
m1 over clinic.persons(c1: income) where ((sin(c1) <= 1) and ((atan2(c1, 2) >= 0) or (degrees(asin((c1 / 1000000))) < 90)))
  a1=sum(clamp(((((log2((c1 + 1)) + log10(c1)) + log10(c1)) + log(3, c1)) + (cbrt(c1) * 3141592653589793/1000000000000000d)), 0, 9))
answer (m1 select o1=a1)
shows o1 as 'SUM(clamp(log2(income + 1) + log10(income) + log(income) + l'

-- whole numbers and their bits
SELECT SUM(gcd(packs, 12) + least_common_multiple(packs, 2) + bit_count(packs) + (packs & 3 | 8) + xor(packs, 1) + (packs >> 1)) FROM drugs WHERE ~packs < 0 AND packs << 2 < 90 AND factorial(packs::INTEGER) >= 1 AND even(packs) < 90
=>
m1 over clinic.drugs(c1: packs) where ((bit_not(c1) < 0) and (shift_left(c1, 2) < 90) and (factorial(c1) >= 1) and (even(c1) < 90))
  a1=sum((((((gcd(c1, 12) + lcm(c1, 2)) + bit_count(c1)) + bit_or(bit_and(c1, 3), 8)) + bit_xor(c1, 1)) + shift_right(c1, 1)))
answer (m1 select o1=a1)
shows o1 as 'SUM(gcd(packs, 12) + least_common_multiple(packs, 2) + bit_c'

-- rounding toward zero, to even, and by whole quotients
SELECT SUM(trunc(income, 2) + trunc(income) + roundbankers(income, 1) + fdiv(income, 3) + fmod(income, 3)) FROM persons WHERE isfinite(income) AND NOT isnan(income)
=>
m1 over clinic.persons(c1: income) where ((c1 = c1) and not((c1 <> c1)))
  a1=sum(((((trunc(c1, 2) + trunc(c1)) + round_even(c1, 1)) + floor((c1 / 3))) + (c1 - (3 * floor((c1 / 3))))))
answer (m1 select o1=a1)
shows o1 as 'SUM(trunc(income, 2) + trunc(income) + roundbankers(income, '

-- texts: padded, repeated, split, searched
SELECT COUNT(*) FROM visits WHERE lpad(科室, 4, '0') = '00内科' AND rpad(科室, 4, '0') = '内科00' AND reverse(repeat(科室, 2)) <> '' AND split_part(科室, '科', 1) = '内' AND strpos(科室, '科') > 0 AND position('科' IN 科室) = instr(科室, '科') AND translate(科室, '内科', 'ab') = chr(97) || 'b' AND ascii(科室) + unicode(科室) > ord('a') AND concat_ws('-', 科室, 'b') = '内科-b' AND strlen(科室) < 9 AND bit_length(科室) > 8
=>
m1 over clinic.visits(c1: 科室) where ((lpad(c1, 4, '0') = '00内科') and (rpad(c1, 4, '0') = '内科00') and (reverse(repeat(c1, 2)) <> '') and (split_part(c1, '科', 1) = '内') and (position(c1, '科') > 0) and (position(c1, '科') = position(c1, '科')) and (translate(c1, '内科', 'ab') = concat(chr(97), 'b')) and ((ascii(c1) + unicode(c1)) > unicode('a')) and (concat_ws('-', c1, 'b') = '内科-b') and (octet_length(c1) < 9) and ((octet_length(c1) * 8) > 8))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- characters chosen to trim
SELECT COUNT(*) FROM visits WHERE trim(科室, 'xy') = trim(BOTH 'x' FROM 科室) OR ltrim(科室, '0') = 'a' OR trim(TRAILING FROM 科室) = 'b'
=>
m1 over clinic.visits(c1: 科室) where ((trim(c1, 'xy') = trim(c1, 'x')) or (ltrim(c1, '0') = 'a') or (rtrim(c1) = 'b'))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- how alike texts are
SELECT COUNT(*) FROM visits WHERE levenshtein(科室, '内科') < 3 OR damerau_levenshtein(科室, 'a') < 2 OR hamming(科室, '外科') = 1 OR jaccard(科室, 'b') > 0.5 OR jaro_similarity(科室, 'c') > 0.9 OR jaro_winkler_similarity(科室, 'c') > 0.9 OR strip_accents(科室) = nfc_normalize(科室)
=>
m1 over clinic.visits(c1: 科室) where ((levenshtein(c1, '内科') < 3) or (damerau_levenshtein(c1, 'a') < 2) or (hamming(c1, '外科') = 1) or (jaccard(c1, 'b') > 1/2d) or (jaro_similarity(c1, 'c') > 9/10d) or (jaro_winkler_similarity(c1, 'c') > 9/10d) or (strip_accents(c1) = nfc_normalize(c1)))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- regular expressions
SELECT COUNT(*) FROM visits WHERE regexp_matches(科室, '^内.*科$') AND 科室 SIMILAR TO '(内|外)科' AND NOT regexp_full_match(科室, '[a-z]+') AND regexp_extract(科室, '(内)(b)?', 2) = '' AND regexp_replace(科室, '科', 'b') <> 科室 AND 科室 !~ 'x'
=>
m1 over clinic.visits(c1: 科室) where (regexp_matches(c1, '^内.*科$') and regexp_full_match(c1, '(内|外)科') and not(regexp_full_match(c1, '[a-z]+')) and (regexp_extract(c1, '(内)(b)?', 2) = '') and (regexp_replace(c1, '科', 'b') <> c1) and not(regexp_matches(c1, 'x')))
  a1=rows()
answer (m1 select o1=a1)
shows o1 as 'COUNT(*)'

-- parts of dates
SELECT week(日期) AS w, COUNT(*), SUM(isoyear(日期) + yearweek(日期) + isodow(日期) + century(日期) + decade(日期) + minute(日期) + second(日期) + millisecond(日期)) FROM visits WHERE epoch(日期) > 0 AND epoch_ms(日期) > 5 AND extract(isodow FROM 日期) < 6 AND datepart('epoch', 日期) > 1 AND days_in_month(日期) = 30 GROUP BY w
=>
m1 over clinic.visits(c1: 日期) where ((epoch(c1) > 0) and (epoch_ms(c1) > 5) and (iso_day_of_week(c1) < 6) and (epoch(c1) > 1) and (day(last_day(c1)) = 30))
  by k1=week(c1)
  a1=rows()
  a2=sum((((((((iso_year(c1) + year_week(c1)) + iso_day_of_week(c1)) + century(c1)) + decade(c1)) + minute(c1)) + second(c1)) + millisecond(c1)))
answer (m1 select o1=k1, o2=a1, o3=a2)
shows o1 as 'w', o2 as 'COUNT(*)', o3 as 'SUM(isoyear(日期) + yearweek(日期) + isodow(日期) + century(日期) + '

-- names of days and months are value sets
SELECT dayname(日期) AS d, monthname(日期) AS m, COUNT(*) FROM visits GROUP BY ALL
=>
m1 over clinic.visits(c1: 日期)
  by k1=day_name(c1)
  by k2=month_name(c1)
  a1=rows()
answer (m1 select o1=k1, o2=k2, o3=a1)
shows o1 as 'd', o2 as 'm', o3 as 'COUNT(*)'

-- dates are written and read by constant formats
SELECT strftime(日期, '%Y-%m') AS month, COUNT(*) FROM visits WHERE strptime('2024-05-06', '%Y-%m-%d') < 日期 AND try_strptime(科室, '%d.%m.%Y') IS NULL GROUP BY month
=>
m1 over clinic.visits(c1: 科室, c2: 日期) where ((strptime('2024-05-06', '%Y-%m-%d') < c2) and is_null(strptime(c1, '%d.%m.%Y')))
  by k1=strftime(c2, '%Y-%m')
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'month', o2 as 'COUNT(*)'

-- buckets of time, whole years passed, dates from parts
SELECT time_bucket(INTERVAL 2 WEEK, 日期) AS b, COUNT(*) FROM visits WHERE date_sub('year', DATE '2000-02-29', 日期) >= 18 AND make_date(year(日期), 1, 1) < last_day(日期) AND make_timestamp(year(日期), 1, 1, 0, 0, 0) + INTERVAL 90 MINUTE < 日期 AND date_diff('minute', make_timestamp(2020, 1, 1, 0, 0, 0), 日期) > 5 GROUP BY b
=>
m1 over clinic.visits(c1: 日期) where ((date_elapsed('year', 2000-02-29, c1) >= 18) and (make_date(year(c1), 1, 1) < last_day(c1)) and (date_add_seconds(make_timestamp(year(c1), 1, 1, 0, 0, 0), 5400) < c1) and (date_difference('minute', make_timestamp(2020, 1, 1, 0, 0, 0), c1) > 5))
  by k1=time_bucket(14, 'day', c1)
  a1=rows()
answer (m1 select o1=k1, o2=a1)
shows o1 as 'b', o2 as 'COUNT(*)'

-- values put together are texts
SELECT year(日期) || '-' || emergency AS k, concat(科室, '/', month(日期)) AS m, COUNT(*) FROM visits GROUP BY k, m
=>
m1 over clinic.visits(c1: 科室, c2: 日期, c3: emergency)
  by k1=concat(concat(cast_text(year(c2)), '-'), cast_text(c3))
  by k2=concat(coalesce(c1, ''), coalesce('/', ''), coalesce(cast_text(month(c2)), ''))
  a1=rows()
answer (m1 select o1=k1, o2=k2, o3=a1)
shows o1 as 'k', o2 as 'm', o3 as 'COUNT(*)'
