-- data set clinic

-- one row per unit: a single aggregation
SELECT 性别, COUNT(*) AS n, AVG(income) FROM persons GROUP BY 性别
=>
-- m1
SELECT
  "r7"."k1" AS "k1",
  CAST(LEAST(
    GREATEST(CAST("r7"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1",
  CAST(LEAST(
    GREATEST(CAST("r7"."m1s2" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s2",
  CAST(LEAST(
    GREATEST(CAST("r7"."m1s3" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s3"
FROM (
  SELECT
    "r3"."k1" AS "k1",
    COUNT(*) AS "m1s1",
    COUNT(*) FILTER(WHERE
      (
        NOT (
          "r3"."x4" IS NULL
        )
      ) AND ISFINITE("r3"."x4")) AS "m1s2",
    COALESCE(
      SUM(
        CASE
          WHEN (
            "r3"."x6" BETWEEN CAST($2 AS DOUBLE) AND CAST($3 AS DOUBLE)
          )
          THEN (
            CAST("r3"."x6" AS BIGINT) - 25000000
          )
          WHEN ISFINITE("r3"."x4")
          THEN (
            CASE
              WHEN (
                "r3"."x6" < CAST($2 AS DOUBLE)
              )
              THEN (
                -25000000
              )
              ELSE 25000000
            END
          )
        END
      ),
      0
    ) AS "m1s3"
  FROM (
    SELECT
      "r2"."_unit" AS "_unit",
      "r2"."_seed" AS "_seed",
      "r2"."c1" AS "k1",
      "r2"."c2" AS "x4",
      ROUND("r2"."c2") AS "x5",
      ROUND("r2"."c2" * CAST($1 AS DOUBLE)) AS "x6"
    FROM (
      SELECT
        "r1"."c1" AS "c1",
        "r1"."c3" AS "c2",
        "r1"."_unit" AS "_unit",
        "r1"."_seed" AS "_seed"
      FROM "private0"."main"."t0" AS "r1"
    ) AS "r2"
  ) AS "r3"
  GROUP BY
    "r3"."k1"
  HAVING
    CASE
      WHEN (
        COUNT(*) > 0
      )
      THEN (
        (
          "r3"."k1" IN (CAST($4 AS TEXT), CAST($5 AS TEXT))
        )
        OR (
          "r3"."k1" IS NULL
        )
      )
    END
) AS "r7"
-- with $1 = 100, $2 = 0, $3 = 50000000, $4 = 女, $5 = 男; at most 3 rows of text, integer, integer, integer
-- answer
SELECT
  "r3"."o1" AS "o1",
  "r3"."o2" AS "o2",
  "r3"."o3" AS "o3",
  "r3"."a1_lo" AS "_interval3",
  "r3"."a1_hi" AS "_interval4",
  "r3"."a2_lo" AS "_interval5",
  "r3"."a2_hi" AS "_interval6"
FROM (
  SELECT
    "r2"."k1" AS "o1",
    "r2"."a1" AS "o2",
    "r2"."a2" AS "o3",
    "r2"."a1_lo" AS "a1_lo",
    "r2"."a1_hi" AS "a1_hi",
    "r2"."a2_lo" AS "a2_lo",
    "r2"."a2_hi" AS "a2_hi",
    "r2"."_order" AS "_order"
  FROM (
    SELECT
      "r1"."k1" AS "k1",
      "r1"."a1" AS "a1",
      "r1"."a2" AS "a2",
      "r1"."a1_lo" AS "a1_lo",
      "r1"."a1_hi" AS "a1_hi",
      "r1"."a2_lo" AS "a2_lo",
      "r1"."a2_hi" AS "a2_hi",
      ROW_NUMBER() OVER (ORDER BY "r1"."k1" ASC) AS "_order"
    FROM "temp"."main"."m1" AS "r1"
  ) AS "r2"
) AS "r3"
ORDER BY
  "r3"."_order" ASC
-- with no parameters; at most 1000000 rows of text, integer, double, double, double, double, double

-- units folded, groups chosen, rows cut
SELECT 科室, COUNT(*) AS n, SUM(费用) AS total FROM visits GROUP BY 科室
=>
-- m1
SELECT
  "r10"."k1" AS "k1",
  CAST(LEAST(
    GREATEST(CAST("r10"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1",
  CAST(LEAST(
    GREATEST(CAST("r10"."m1s2" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s2"
FROM (
  SELECT
    "r9"."k1" AS "k1",
    COALESCE(SUM("r9"."m1s1"), 0) AS "m1s1",
    COALESCE(SUM("r9"."m1s2"), 0) AS "m1s2"
  FROM (
    SELECT
      "r8"."k1" AS "k1",
      "r8"."m1s1" AS "m1s1",
      "r8"."m1s2" AS "m1s2"
    FROM (
      SELECT
        "r7"."k1" AS "k1",
        "r7"."m1s1" AS "m1s1",
        "r7"."m1s2" AS "m1s2",
        ROW_NUMBER() OVER (
          PARTITION BY "r7"."_unit"
          ORDER BY LEFT(
            MD5(
              CAST("r7"."_seed" AS TEXT) || (
                CASE
                  WHEN (
                    "r7"."k1" IS NULL
                  )
                  THEN ';n'
                  ELSE (
                    (
                      ';' || CAST(LENGTH(CAST("r7"."k1" AS TEXT)) AS TEXT)
                    ) || (
                      ':' || CAST("r7"."k1" AS TEXT)
                    )
                  )
                END
              )
            ),
            16
          ) ASC, "r7"."k1" ASC
        ) AS "_place"
      FROM (
        SELECT
          "r6"."_unit" AS "_unit",
          "r6"."_seed" AS "_seed",
          "r6"."k1" AS "k1",
          LEAST("r6"."n_m1s1", 3) AS "m1s1",
          LEAST(GREATEST("r6"."s_m1s2", 0), 600000) AS "m1s2"
        FROM (
          SELECT
            "r3"."_unit" AS "_unit",
            MIN("r3"."_seed") AS "_seed",
            "r3"."k1" AS "k1",
            COUNT(*) AS "n_m1s1",
            COALESCE(
              SUM(
                CASE
                  WHEN (
                    "r3"."x5" BETWEEN CAST($2 AS DOUBLE) AND CAST($3 AS DOUBLE)
                  )
                  THEN CAST("r3"."x5" AS BIGINT)
                  WHEN ISFINITE("r3"."x4")
                  THEN (
                    CASE WHEN (
                      "r3"."x5" < CAST($2 AS DOUBLE)
                    ) THEN 0 ELSE 200000 END
                  )
                END
              ),
              0
            ) AS "s_m1s2"
          FROM (
            SELECT
              "r2"."_unit" AS "_unit",
              "r2"."_seed" AS "_seed",
              "r2"."c1" AS "k1",
              "r2"."c2" AS "x4",
              ROUND("r2"."c2" * CAST($1 AS DOUBLE)) AS "x5"
            FROM (
              SELECT
                "r1"."c2" AS "c1",
                "r1"."c4" AS "c2",
                "r1"."_unit" AS "_unit",
                "r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "r1"
            ) AS "r2"
          ) AS "r3"
          GROUP BY
            "r3"."_unit",
            "r3"."k1"
          HAVING
            CASE
              WHEN (
                COUNT(*) > 0
              )
              THEN (
                "r3"."k1" IN (CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS TEXT))
              )
            END
        ) AS "r6"
      ) AS "r7"
    ) AS "r8"
    WHERE
      "r8"."_place" <= 2
  ) AS "r9"
  GROUP BY
    "r9"."k1"
) AS "r10"
-- with $1 = 100, $2 = 0, $3 = 200000, $4 = 儿科, $5 = 其他, $6 = 内科, $7 = 外科; at most 4 rows of text, integer, integer
-- answer
SELECT
  "r3"."o1" AS "o1",
  "r3"."o2" AS "o2",
  "r3"."o3" AS "o3",
  "r3"."a1_lo" AS "_interval3",
  "r3"."a1_hi" AS "_interval4",
  "r3"."a2_lo" AS "_interval5",
  "r3"."a2_hi" AS "_interval6"
FROM (
  SELECT
    "r2"."k1" AS "o1",
    "r2"."a1" AS "o2",
    "r2"."a2" AS "o3",
    "r2"."a1_lo" AS "a1_lo",
    "r2"."a1_hi" AS "a1_hi",
    "r2"."a2_lo" AS "a2_lo",
    "r2"."a2_hi" AS "a2_hi",
    "r2"."_order" AS "_order"
  FROM (
    SELECT
      "r1"."k1" AS "k1",
      "r1"."a1" AS "a1",
      "r1"."a2" AS "a2",
      "r1"."a1_lo" AS "a1_lo",
      "r1"."a1_hi" AS "a1_hi",
      "r1"."a2_lo" AS "a2_lo",
      "r1"."a2_hi" AS "a2_hi",
      ROW_NUMBER() OVER (ORDER BY "r1"."k1" ASC) AS "_order"
    FROM "temp"."main"."m1" AS "r1"
  ) AS "r2"
) AS "r3"
ORDER BY
  "r3"."_order" ASC
-- with no parameters; at most 1000000 rows of text, integer, double, double, double, double, double

-- a join on the unit, a public table, a filter with literals
SELECT c.code, COUNT(DISTINCT v.pid) FROM visits v JOIN persons p ON p.pid = v.pid LEFT JOIN cities c ON c.code = p.city WHERE v.科室 = '内科''; --' OR v.费用 > 100.5 GROUP BY c.code
=>
-- m1
SELECT
  "r13"."k1" AS "k1",
  CAST(LEAST(
    GREATEST(CAST("r13"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1"
FROM (
  SELECT
    "r12"."k1" AS "k1",
    COALESCE(SUM("r12"."m1s1"), 0) AS "m1s1"
  FROM (
    SELECT
      "r11"."_unit" AS "_unit",
      "r11"."_seed" AS "_seed",
      "r11"."k1" AS "k1",
      LEAST("r11"."n_m1s1", 1) AS "m1s1"
    FROM (
      SELECT
        "r10"."_unit" AS "_unit",
        MIN("r10"."_seed") AS "_seed",
        "r10"."k1" AS "k1",
        COUNT(*) AS "n_m1s1"
      FROM (
        SELECT
          "r9"."_unit" AS "_unit",
          "r9"."_seed" AS "_seed",
          "r9"."c6" AS "k1"
        FROM (
          SELECT
            "r8"."c1" AS "c1",
            "r8"."c2" AS "c2",
            "r8"."c3" AS "c3",
            "r8"."c4" AS "c4",
            "r8"."c5" AS "c5",
            "r8"."c6" AS "c6",
            "r8"."_unit" AS "_unit",
            "r8"."_seed" AS "_seed"
          FROM (
            SELECT
              "r6"."c1" AS "c1",
              "r6"."c2" AS "c2",
              "r6"."c3" AS "c3",
              "r6"."c4" AS "c4",
              "r6"."c5" AS "c5",
              "r7"."c6" AS "c6",
              "r6"."_unit" AS "_unit",
              "r6"."_seed" AS "_seed"
            FROM (
              SELECT
                "r3"."c1" AS "c1",
                "r3"."c2" AS "c2",
                "r3"."c3" AS "c3",
                "r4"."c4" AS "c4",
                "r4"."c5" AS "c5",
                "r3"."_unit" AS "_unit",
                "r3"."_seed" AS "_seed"
              FROM (
                SELECT
                  "r1"."_unit" AS "c1",
                  "r1"."c2" AS "c2",
                  "r1"."c4" AS "c3",
                  "r1"."_unit" AS "_unit",
                  "r1"."_seed" AS "_seed"
                FROM "private0"."main"."t1" AS "r1"
              ) AS "r3"
              INNER JOIN (
                SELECT
                  "r2"."_unit" AS "c4",
                  "r2"."c4" AS "c5",
                  "r2"."_unit" AS "_unit",
                  "r2"."_seed" AS "_seed"
                FROM "private0"."main"."t0" AS "r2"
              ) AS "r4"
                ON "r3"."_unit" = "r4"."_unit"
            ) AS "r6"
            LEFT JOIN (
              SELECT
                "r5"."c0" AS "c6"
              FROM "public0"."main"."t3" AS "r5"
            ) AS "r7"
              ON "r7"."c6" = "r6"."c5"
          ) AS "r8"
          WHERE
            (
              "r8"."c2" = CAST($1 AS TEXT)
            ) OR (
              "r8"."c3" > CAST($2 AS DOUBLE)
            )
        ) AS "r9"
      ) AS "r10"
      GROUP BY
        "r10"."_unit",
        "r10"."k1"
      HAVING
        CASE
          WHEN (
            COUNT(*) > 0
          )
          THEN (
            (
              "r10"."k1" IN (CAST($3 AS TEXT), CAST($4 AS TEXT))
            )
            OR (
              "r10"."k1" IS NULL
            )
          )
        END
    ) AS "r11"
  ) AS "r12"
  GROUP BY
    "r12"."k1"
) AS "r13"
-- with $1 = 内科'; --, $2 = 201/2, $3 = b, $4 = s; at most 3 rows of text, integer
-- answer
SELECT
  "r3"."o1" AS "o1",
  "r3"."o2" AS "o2",
  "r3"."a1_lo" AS "_interval2",
  "r3"."a1_hi" AS "_interval3"
FROM (
  SELECT
    "r2"."k1" AS "o1",
    "r2"."a1" AS "o2",
    "r2"."a1_lo" AS "a1_lo",
    "r2"."a1_hi" AS "a1_hi",
    "r2"."_order" AS "_order"
  FROM (
    SELECT
      "r1"."k1" AS "k1",
      "r1"."a1" AS "a1",
      "r1"."a1_lo" AS "a1_lo",
      "r1"."a1_hi" AS "a1_hi",
      ROW_NUMBER() OVER (ORDER BY "r1"."k1" ASC) AS "_order"
    FROM "temp"."main"."m1" AS "r1"
  ) AS "r2"
) AS "r3"
ORDER BY
  "r3"."_order" ASC
-- with no parameters; at most 1000000 rows of text, integer, double, double

-- private group keys
SELECT visit_no, COUNT(*) FROM visits GROUP BY visit_no
=>
-- m1
SELECT
  "r8"."k1" AS "k1",
  CAST(LEAST(
    GREATEST(CAST("r8"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1",
  CAST(LEAST(
    GREATEST(CAST("r8"."m1s2" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s2"
FROM (
  SELECT
    "r7"."k1" AS "k1",
    COALESCE(SUM("r7"."m1s1"), 0) AS "m1s1",
    COALESCE(SUM("r7"."m1s2"), 0) AS "m1s2"
  FROM (
    SELECT
      "r6"."k1" AS "k1",
      "r6"."m1s1" AS "m1s1",
      "r6"."m1s2" AS "m1s2"
    FROM (
      SELECT
        "r5"."k1" AS "k1",
        "r5"."m1s1" AS "m1s1",
        "r5"."m1s2" AS "m1s2",
        ROW_NUMBER() OVER (
          PARTITION BY "r5"."_unit"
          ORDER BY LEFT(
            MD5(
              CAST("r5"."_seed" AS TEXT) || (
                CASE
                  WHEN (
                    "r5"."k1" IS NULL
                  )
                  THEN ';n'
                  ELSE (
                    (
                      ';' || CAST(LENGTH(CAST("r5"."k1" AS TEXT)) AS TEXT)
                    ) || (
                      ':' || CAST("r5"."k1" AS TEXT)
                    )
                  )
                END
              )
            ),
            16
          ) ASC, "r5"."k1" ASC
        ) AS "_place"
      FROM (
        SELECT
          "r4"."_unit" AS "_unit",
          "r4"."_seed" AS "_seed",
          "r4"."k1" AS "k1",
          LEAST("r4"."n_m1s1", 1) AS "m1s1",
          LEAST("r4"."n_m1s2", 1) AS "m1s2"
        FROM (
          SELECT
            "r3"."_unit" AS "_unit",
            MIN("r3"."_seed") AS "_seed",
            "r3"."k1" AS "k1",
            COUNT(*) AS "n_m1s1",
            COUNT(*) AS "n_m1s2"
          FROM (
            SELECT
              "r2"."_unit" AS "_unit",
              "r2"."_seed" AS "_seed",
              "r2"."c1" AS "k1"
            FROM (
              SELECT
                "r1"."c0" AS "c1",
                "r1"."_unit" AS "_unit",
                "r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "r1"
            ) AS "r2"
          ) AS "r3"
          GROUP BY
            "r3"."_unit",
            "r3"."k1"
        ) AS "r4"
      ) AS "r5"
    ) AS "r6"
    WHERE
      "r6"."_place" <= 2
  ) AS "r7"
  GROUP BY
    "r7"."k1"
) AS "r8"
-- with no parameters; at most 1000000 rows of integer, integer, integer
-- answer
SELECT
  "r3"."o1" AS "o1",
  "r3"."o2" AS "o2",
  "r3"."a1_lo" AS "_interval2",
  "r3"."a1_hi" AS "_interval3"
FROM (
  SELECT
    "r2"."k1" AS "o1",
    "r2"."a1" AS "o2",
    "r2"."a1_lo" AS "a1_lo",
    "r2"."a1_hi" AS "a1_hi",
    "r2"."_order" AS "_order"
  FROM (
    SELECT
      "r1"."k1" AS "k1",
      "r1"."a1" AS "a1",
      "r1"."a1_lo" AS "a1_lo",
      "r1"."a1_hi" AS "a1_hi",
      ROW_NUMBER() OVER (ORDER BY "r1"."k1" ASC) AS "_order"
    FROM "temp"."main"."m1" AS "r1"
  ) AS "r2"
) AS "r3"
ORDER BY
  "r3"."_order" ASC
-- with no parameters; at most 1000000 rows of integer, integer, double, double

-- the public part: HAVING, arithmetic, ORDER BY, LIMIT
SELECT date_trunc('quarter', 日期) AS q, SUM(费用) / COUNT(*) AS mean, COUNT(*) AS n FROM visits GROUP BY q HAVING COUNT(*) > 10 ORDER BY n DESC LIMIT 3
=>
-- m1
SELECT
  "r10"."k1" AS "k1",
  CAST(LEAST(
    GREATEST(CAST("r10"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1",
  CAST(LEAST(
    GREATEST(CAST("r10"."m1s2" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s2"
FROM (
  SELECT
    "r9"."k1" AS "k1",
    COALESCE(SUM("r9"."m1s1"), 0) AS "m1s1",
    COALESCE(SUM("r9"."m1s2"), 0) AS "m1s2"
  FROM (
    SELECT
      "r8"."k1" AS "k1",
      "r8"."m1s1" AS "m1s1",
      "r8"."m1s2" AS "m1s2"
    FROM (
      SELECT
        "r7"."k1" AS "k1",
        "r7"."m1s1" AS "m1s1",
        "r7"."m1s2" AS "m1s2",
        ROW_NUMBER() OVER (
          PARTITION BY "r7"."_unit"
          ORDER BY LEFT(
            MD5(
              CAST("r7"."_seed" AS TEXT) || (
                CASE
                  WHEN (
                    "r7"."k1" IS NULL
                  )
                  THEN ';n'
                  ELSE (
                    (
                      ';' || CAST(LENGTH(CAST("r7"."k1" AS TEXT)) AS TEXT)
                    ) || (
                      ':' || CAST("r7"."k1" AS TEXT)
                    )
                  )
                END
              )
            ),
            16
          ) ASC, "r7"."k1" ASC
        ) AS "_place"
      FROM (
        SELECT
          "r6"."_unit" AS "_unit",
          "r6"."_seed" AS "_seed",
          "r6"."k1" AS "k1",
          LEAST("r6"."n_m1s1", 3) AS "m1s1",
          LEAST(GREATEST("r6"."s_m1s2", 0), 600000) AS "m1s2"
        FROM (
          SELECT
            "r3"."_unit" AS "_unit",
            MIN("r3"."_seed") AS "_seed",
            "r3"."k1" AS "k1",
            COUNT(*) AS "n_m1s1",
            COALESCE(
              SUM(
                CASE
                  WHEN (
                    "r3"."x5" BETWEEN CAST($3 AS DOUBLE) AND CAST($4 AS DOUBLE)
                  )
                  THEN CAST("r3"."x5" AS BIGINT)
                  WHEN ISFINITE("r3"."x4")
                  THEN (
                    CASE WHEN (
                      "r3"."x5" < CAST($3 AS DOUBLE)
                    ) THEN 0 ELSE 200000 END
                  )
                END
              ),
              0
            ) AS "s_m1s2"
          FROM (
            SELECT
              "r2"."_unit" AS "_unit",
              "r2"."_seed" AS "_seed",
              CAST(DATE_TRUNC(CAST($1 AS TEXT), "r2"."c1") AS DATE) AS "k1",
              "r2"."c2" AS "x4",
              ROUND("r2"."c2" * CAST($2 AS DOUBLE)) AS "x5"
            FROM (
              SELECT
                "r1"."c3" AS "c1",
                "r1"."c4" AS "c2",
                "r1"."_unit" AS "_unit",
                "r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "r1"
            ) AS "r2"
          ) AS "r3"
          GROUP BY
            "r3"."_unit",
            "r3"."k1"
          HAVING
            CASE
              WHEN (
                COUNT(*) > 0
              )
              THEN (
                "r3"."k1" IN (CAST($5 AS DATE), CAST($6 AS DATE), CAST($7 AS DATE), CAST($8 AS DATE))
              )
            END
        ) AS "r6"
      ) AS "r7"
    ) AS "r8"
    WHERE
      "r8"."_place" <= 2
  ) AS "r9"
  GROUP BY
    "r9"."k1"
) AS "r10"
-- with $1 = quarter, $2 = 100, $3 = 0, $4 = 200000, $5 = 2024-01-01, $6 = 2024-04-01, $7 = 2024-07-01, $8 = 2024-10-01; at most 4 rows of date, integer, integer
-- answer
SELECT
  "r7"."o1" AS "o1",
  "r7"."o2" AS "o2",
  "r7"."o3" AS "o3",
  "r7"."a1_lo" AS "_interval3",
  "r7"."a1_hi" AS "_interval4"
FROM (
  SELECT
    "r6"."o1" AS "o1",
    "r6"."o2" AS "o2",
    "r6"."o3" AS "o3",
    "r6"."a1_lo" AS "a1_lo",
    "r6"."a1_hi" AS "a1_hi",
    "r6"."a2_lo" AS "a2_lo",
    "r6"."a2_hi" AS "a2_hi",
    "r6"."_order" AS "_order"
  FROM (
    SELECT
      "r5"."o1" AS "o1",
      "r5"."o2" AS "o2",
      "r5"."o3" AS "o3",
      "r5"."a1_lo" AS "a1_lo",
      "r5"."a1_hi" AS "a1_hi",
      "r5"."a2_lo" AS "a2_lo",
      "r5"."a2_hi" AS "a2_hi",
      ROW_NUMBER() OVER (ORDER BY "r5"."o3" DESC, "r5"."_order" ASC) AS "_order"
    FROM (
      SELECT
        "r3"."k1" AS "o1",
        LIST_EXTRACT(
          LIST_TRANSFORM(
            [
              CASE
                WHEN (
                  CAST("r3"."a1" AS DOUBLE) <> 0
                )
                THEN (
                  "r3"."a2" / CAST("r3"."a1" AS DOUBLE)
                )
              END
            ],
            LAMBDA x4 : CASE WHEN ISFINITE(x4) THEN x4 END
          ),
          1
        ) AS "o2",
        "r3"."a1" AS "o3",
        "r3"."a1_lo" AS "a1_lo",
        "r3"."a1_hi" AS "a1_hi",
        "r3"."a2_lo" AS "a2_lo",
        "r3"."a2_hi" AS "a2_hi",
        "r3"."_order" AS "_order"
      FROM (
        SELECT
          "r2"."k1" AS "k1",
          "r2"."a1" AS "a1",
          "r2"."a2" AS "a2",
          "r2"."a1_lo" AS "a1_lo",
          "r2"."a1_hi" AS "a1_hi",
          "r2"."a2_lo" AS "a2_lo",
          "r2"."a2_hi" AS "a2_hi",
          "r2"."_order" AS "_order"
        FROM (
          SELECT
            "r1"."k1" AS "k1",
            "r1"."a1" AS "a1",
            "r1"."a2" AS "a2",
            "r1"."a1_lo" AS "a1_lo",
            "r1"."a1_hi" AS "a1_hi",
            "r1"."a2_lo" AS "a2_lo",
            "r1"."a2_hi" AS "a2_hi",
            ROW_NUMBER() OVER (ORDER BY "r1"."k1" ASC) AS "_order"
          FROM "temp"."main"."m1" AS "r1"
        ) AS "r2"
        WHERE
          "r2"."a1" > CAST($1 AS BIGINT)
      ) AS "r3"
    ) AS "r5"
  ) AS "r6"
  ORDER BY
    "r6"."_order" ASC
  LIMIT 3
  OFFSET 0
) AS "r7"
ORDER BY
  "r7"."_order" ASC
-- with $1 = 10; at most 1000000 rows of date, double, integer, double, double
