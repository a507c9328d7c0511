-- data set clinic

-- one row per unit: a single aggregation
SELECT 性别, COUNT(*) AS n, AVG(income) FROM persons GROUP BY 性别
=>
-- m1
SELECT
  "_r9"."k1" AS "k1",
  CAST(LEAST(
    GREATEST(CAST("_r9"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1",
  CAST(LEAST(
    GREATEST(CAST("_r9"."m1s2" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s2",
  CAST(LEAST(
    GREATEST(CAST("_r9"."m1s3" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s3"
FROM (
  SELECT
    "_r3"."k1" AS "k1",
    COUNT(*) AS "m1s1",
    COUNT("_r3"."_x8") AS "m1s2",
    COALESCE(SUM("_r3"."_x8"), 0) AS "m1s3"
  FROM (
    SELECT
      "_r7"."_unit" AS "_unit",
      "_r7"."_seed" AS "_seed",
      "_r7"."k1" AS "k1",
      "_r7"."_x4" AS "_x4",
      "_r7"."_x5" AS "_x5",
      "_r7"."_x6" AS "_x6",
      CASE
        WHEN (
          "_r7"."_x6" BETWEEN CAST($2 AS DOUBLE) AND CAST($3 AS DOUBLE)
        )
        THEN (
          CAST("_r7"."_x6" AS BIGINT) - 25000000
        )
        WHEN ISFINITE("_r7"."_x4")
        THEN (
          CASE
            WHEN (
              "_r7"."_x6" < CAST($2 AS DOUBLE)
            )
            THEN (
              -25000000
            )
            ELSE 25000000
          END
        )
      END AS "_x8"
    FROM (
      SELECT
        "_r2"."_unit" AS "_unit",
        "_r2"."_seed" AS "_seed",
        "_r2"."c1" AS "k1",
        "_r2"."c2" AS "_x4",
        ROUND("_r2"."c2") AS "_x5",
        ROUND("_r2"."c2" * CAST($1 AS DOUBLE)) AS "_x6"
      FROM (
        SELECT
          "_r1"."c1" AS "c1",
          "_r1"."c3" AS "c2",
          "_r1"."_unit" AS "_unit",
          "_r1"."_seed" AS "_seed"
        FROM "private0"."main"."t0" AS "_r1"
      ) AS "_r2"
    ) AS "_r7"
  ) AS "_r3"
  GROUP BY
    "_r3"."k1"
  HAVING
    CASE
      WHEN (
        COUNT(*) > 0
      )
      THEN (
        (
          "_r3"."k1" IN (CAST($4 AS TEXT), CAST($5 AS TEXT))
        )
        OR (
          "_r3"."k1" IS NULL
        )
      )
    END
) AS "_r9"
-- with $1 = 100, $2 = 0, $3 = 50000000, $4 = 女, $5 = 男; at most 3 rows of text, integer, integer, integer
-- answer
SELECT
  "_r4"."o1" AS "o1",
  "_r4"."o2" AS "o2",
  "_r4"."o3" AS "o3",
  "_r4"."_m2" AS "_m2"
FROM (
  SELECT
    "_r3"."k1" AS "o1",
    "_r3"."a1" AS "o2",
    "_r3"."a2" AS "o3",
    "_r3"."_m2" AS "_m2",
    "_r3"."_order" AS "_order"
  FROM (
    SELECT
      "_r1"."k1" AS "k1",
      "_r1"."a1" AS "a1",
      "_r1"."a2" AS "a2",
      "_r1"."_number" AS "_m2",
      "_r1"."_number" AS "_order"
    FROM "temp"."main"."m1" AS "_r1"
  ) AS "_r3"
) AS "_r4"
ORDER BY
  "_r4"."_order" ASC
-- with no parameters; at most 1000000 rows of text, integer, double, integer

-- units folded, groups chosen, rows cut
SELECT 科室, COUNT(*) AS n, SUM(费用) AS total FROM visits GROUP BY 科室
=>
-- m1
SELECT
  "_r12"."k1" AS "k1",
  CAST(LEAST(
    GREATEST(CAST("_r12"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1",
  CAST(LEAST(
    GREATEST(CAST("_r12"."m1s2" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s2"
FROM (
  SELECT
    "_r11"."k1" AS "k1",
    COALESCE(SUM("_r11"."m1s1"), 0) AS "m1s1",
    COALESCE(SUM("_r11"."m1s2"), 0) AS "m1s2"
  FROM (
    SELECT
      "_r10"."k1" AS "k1",
      "_r10"."m1s1" AS "m1s1",
      "_r10"."m1s2" AS "m1s2"
    FROM (
      SELECT
        "_r9"."k1" AS "k1",
        "_r9"."m1s1" AS "m1s1",
        "_r9"."m1s2" AS "m1s2",
        ROW_NUMBER() OVER (
          PARTITION BY "_r9"."_unit"
          ORDER BY LEFT(
            MD5(
              CAST("_r9"."_seed" AS TEXT) || (
                CASE
                  WHEN (
                    "_r9"."k1" IS NULL
                  )
                  THEN ';n'
                  ELSE (
                    (
                      ';' || CAST(LENGTH(CAST("_r9"."k1" AS TEXT)) AS TEXT)
                    ) || (
                      ':' || CAST("_r9"."k1" AS TEXT)
                    )
                  )
                END
              )
            ),
            16
          ) ASC, "_r9"."k1" ASC
        ) AS "_place"
      FROM (
        SELECT
          "_r8"."_unit" AS "_unit",
          "_r8"."_seed" AS "_seed",
          "_r8"."k1" AS "k1",
          LEAST("_r8"."n_m1s1", 3) AS "m1s1",
          LEAST(GREATEST("_r8"."s_m1s2", 0), 600000) AS "m1s2"
        FROM (
          SELECT
            "_r3"."_unit" AS "_unit",
            MIN("_r3"."_seed") AS "_seed",
            "_r3"."k1" AS "k1",
            COUNT(*) AS "n_m1s1",
            COALESCE(SUM("_r3"."_x7"), 0) AS "s_m1s2"
          FROM (
            SELECT
              "_r6"."_unit" AS "_unit",
              "_r6"."_seed" AS "_seed",
              "_r6"."k1" AS "k1",
              "_r6"."_x4" AS "_x4",
              "_r6"."_x5" AS "_x5",
              CASE
                WHEN (
                  "_r6"."_x5" BETWEEN CAST($2 AS DOUBLE) AND CAST($3 AS DOUBLE)
                )
                THEN CAST("_r6"."_x5" AS BIGINT)
                WHEN ISFINITE("_r6"."_x4")
                THEN (
                  CASE WHEN (
                    "_r6"."_x5" < CAST($2 AS DOUBLE)
                  ) THEN 0 ELSE 200000 END
                )
              END AS "_x7"
            FROM (
              SELECT
                "_r2"."_unit" AS "_unit",
                "_r2"."_seed" AS "_seed",
                "_r2"."c1" AS "k1",
                "_r2"."c2" AS "_x4",
                ROUND("_r2"."c2" * CAST($1 AS DOUBLE)) AS "_x5"
              FROM (
                SELECT
                  "_r1"."c2" AS "c1",
                  "_r1"."c4" AS "c2",
                  "_r1"."_unit" AS "_unit",
                  "_r1"."_seed" AS "_seed"
                FROM "private0"."main"."t1" AS "_r1"
              ) AS "_r2"
            ) AS "_r6"
          ) AS "_r3"
          GROUP BY
            "_r3"."_unit",
            "_r3"."k1"
          HAVING
            CASE
              WHEN (
                COUNT(*) > 0
              )
              THEN (
                "_r3"."k1" IN (CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS TEXT))
              )
            END
        ) AS "_r8"
      ) AS "_r9"
    ) AS "_r10"
    WHERE
      "_r10"."_place" <= 2
  ) AS "_r11"
  GROUP BY
    "_r11"."k1"
) AS "_r12"
-- with $1 = 100, $2 = 0, $3 = 200000, $4 = 儿科, $5 = 其他, $6 = 内科, $7 = 外科; at most 4 rows of text, integer, integer
-- m1t
SELECT
  CAST(COALESCE(SUM("_r11"."_cut"), 0) AS BIGINT) AS "_cut"
FROM (
  SELECT
    CASE
      WHEN (
        MAX("_r10"."_cut") > 0
      )
      THEN 1
      WHEN (
        COUNT(*) > 2
      )
      THEN 1
      ELSE 0
    END AS "_cut"
  FROM (
    SELECT
      "_r9"."_unit" AS "_unit",
      "_r9"."_cut" AS "_cut"
    FROM (
      SELECT
        "_r8"."_unit" AS "_unit",
        "_r8"."_seed" AS "_seed",
        "_r8"."k1" AS "k1",
        LEAST("_r8"."n_m1s1", 3) AS "m1s1",
        LEAST(GREATEST("_r8"."s_m1s2", 0), 600000) AS "m1s2",
        CASE
          WHEN (
            "_r8"."n_m1s1" > 3
          )
          THEN 1
          WHEN (
            "_r8"."s_m1s2" <> LEAST(GREATEST("_r8"."s_m1s2", 0), 600000)
          )
          THEN 1
          ELSE 0
        END AS "_cut"
      FROM (
        SELECT
          "_r3"."_unit" AS "_unit",
          MIN("_r3"."_seed") AS "_seed",
          "_r3"."k1" AS "k1",
          COUNT(*) AS "n_m1s1",
          COALESCE(SUM("_r3"."_x7"), 0) AS "s_m1s2"
        FROM (
          SELECT
            "_r6"."_unit" AS "_unit",
            "_r6"."_seed" AS "_seed",
            "_r6"."k1" AS "k1",
            "_r6"."_x4" AS "_x4",
            "_r6"."_x5" AS "_x5",
            CASE
              WHEN (
                "_r6"."_x5" BETWEEN CAST($2 AS DOUBLE) AND CAST($3 AS DOUBLE)
              )
              THEN CAST("_r6"."_x5" AS BIGINT)
              WHEN ISFINITE("_r6"."_x4")
              THEN (
                CASE WHEN (
                  "_r6"."_x5" < CAST($2 AS DOUBLE)
                ) THEN 0 ELSE 200000 END
              )
            END AS "_x7"
          FROM (
            SELECT
              "_r2"."_unit" AS "_unit",
              "_r2"."_seed" AS "_seed",
              "_r2"."c1" AS "k1",
              "_r2"."c2" AS "_x4",
              ROUND("_r2"."c2" * CAST($1 AS DOUBLE)) AS "_x5"
            FROM (
              SELECT
                "_r1"."c2" AS "c1",
                "_r1"."c4" AS "c2",
                "_r1"."_unit" AS "_unit",
                "_r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "_r1"
            ) AS "_r2"
          ) AS "_r6"
        ) AS "_r3"
        GROUP BY
          "_r3"."_unit",
          "_r3"."k1"
        HAVING
          CASE
            WHEN (
              COUNT(*) > 0
            )
            THEN (
              "_r3"."k1" IN (CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS TEXT))
            )
          END
      ) AS "_r8"
    ) AS "_r9"
  ) AS "_r10"
  GROUP BY
    "_r10"."_unit"
) AS "_r11"
-- with $1 = 100, $2 = 0, $3 = 200000, $4 = 儿科, $5 = 其他, $6 = 内科, $7 = 外科; at most 1 rows of integer
-- answer
SELECT
  "_r4"."o1" AS "o1",
  "_r4"."o2" AS "o2",
  "_r4"."o3" AS "o3",
  "_r4"."_m2" AS "_m2"
FROM (
  SELECT
    "_r3"."k1" AS "o1",
    "_r3"."a1" AS "o2",
    "_r3"."a2" AS "o3",
    "_r3"."_m2" AS "_m2",
    "_r3"."_order" AS "_order"
  FROM (
    SELECT
      "_r1"."k1" AS "k1",
      "_r1"."a1" AS "a1",
      "_r1"."a2" AS "a2",
      "_r1"."_number" AS "_m2",
      "_r1"."_number" AS "_order"
    FROM "temp"."main"."m1" AS "_r1"
  ) AS "_r3"
) AS "_r4"
ORDER BY
  "_r4"."_order" ASC
-- with no parameters; at most 1000000 rows of text, integer, double, integer

-- a join on the unit, a public table, a filter with literals
SELECT c.code, COUNT(DISTINCT v.pid) FROM visits v JOIN persons p ON p.pid = v.pid LEFT JOIN cities c ON c.code = p.city WHERE v.科室 = '内科''; --' OR v.费用 > 100.5 GROUP BY c.code
=>
-- m1
SELECT
  "_r14"."k1" AS "k1",
  CAST(LEAST(
    GREATEST(CAST("_r14"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1"
FROM (
  SELECT
    "_r13"."k1" AS "k1",
    COALESCE(SUM("_r13"."m1s1"), 0) AS "m1s1"
  FROM (
    SELECT
      "_r12"."_unit" AS "_unit",
      "_r12"."_seed" AS "_seed",
      "_r12"."k1" AS "k1",
      LEAST("_r12"."n_m1s1", 1) AS "m1s1"
    FROM (
      SELECT
        "_r10"."_unit" AS "_unit",
        MIN("_r10"."_seed") AS "_seed",
        "_r10"."k1" AS "k1",
        COUNT(*) AS "n_m1s1"
      FROM (
        SELECT
          "_r9"."_unit" AS "_unit",
          "_r9"."_seed" AS "_seed",
          "_r9"."c6" AS "k1"
        FROM (
          SELECT
            "_r8"."c1" AS "c1",
            "_r8"."c2" AS "c2",
            "_r8"."c3" AS "c3",
            "_r8"."c4" AS "c4",
            "_r8"."c5" AS "c5",
            "_r8"."c6" AS "c6",
            "_r8"."_unit" AS "_unit",
            "_r8"."_seed" AS "_seed"
          FROM (
            SELECT
              "_r6"."c1" AS "c1",
              "_r6"."c2" AS "c2",
              "_r6"."c3" AS "c3",
              "_r6"."c4" AS "c4",
              "_r6"."c5" AS "c5",
              "_r7"."c6" AS "c6",
              "_r6"."_unit" AS "_unit",
              "_r6"."_seed" AS "_seed"
            FROM (
              SELECT
                "_r3"."c1" AS "c1",
                "_r3"."c2" AS "c2",
                "_r3"."c3" AS "c3",
                "_r4"."c4" AS "c4",
                "_r4"."c5" AS "c5",
                "_r3"."_unit" AS "_unit",
                "_r3"."_seed" AS "_seed"
              FROM (
                SELECT
                  "_r1"."_unit" AS "c1",
                  "_r1"."c2" AS "c2",
                  "_r1"."c4" AS "c3",
                  "_r1"."_unit" AS "_unit",
                  "_r1"."_seed" AS "_seed"
                FROM "private0"."main"."t1" AS "_r1"
              ) AS "_r3"
              INNER JOIN (
                SELECT
                  "_r2"."_unit" AS "c4",
                  "_r2"."c4" AS "c5",
                  "_r2"."_unit" AS "_unit",
                  "_r2"."_seed" AS "_seed"
                FROM "private0"."main"."t0" AS "_r2"
              ) AS "_r4"
                ON "_r3"."_unit" = "_r4"."_unit"
            ) AS "_r6"
            LEFT JOIN (
              SELECT
                "_r5"."c0" AS "c6"
              FROM "public0"."main"."t3" AS "_r5"
            ) AS "_r7"
              ON "_r7"."c6" = "_r6"."c5"
          ) AS "_r8"
          WHERE
            (
              "_r8"."c2" = CAST($1 AS TEXT)
            ) OR (
              "_r8"."c3" > CAST($2 AS DOUBLE)
            )
        ) AS "_r9"
      ) AS "_r10"
      GROUP BY
        "_r10"."_unit",
        "_r10"."k1"
      HAVING
        CASE
          WHEN (
            COUNT(*) > 0
          )
          THEN (
            (
              "_r10"."k1" IN (CAST($3 AS TEXT), CAST($4 AS TEXT))
            )
            OR (
              "_r10"."k1" IS NULL
            )
          )
        END
    ) AS "_r12"
  ) AS "_r13"
  GROUP BY
    "_r13"."k1"
) AS "_r14"
-- with $1 = 内科'; --, $2 = 201/2, $3 = b, $4 = s; at most 3 rows of text, integer
-- answer
SELECT
  "_r4"."o1" AS "o1",
  "_r4"."o2" AS "o2",
  "_r4"."_m2" AS "_m2"
FROM (
  SELECT
    "_r3"."k1" AS "o1",
    "_r3"."a1" AS "o2",
    "_r3"."_m2" AS "_m2",
    "_r3"."_order" AS "_order"
  FROM (
    SELECT
      "_r1"."k1" AS "k1",
      "_r1"."a1" AS "a1",
      "_r1"."_number" AS "_m2",
      "_r1"."_number" AS "_order"
    FROM "temp"."main"."m1" AS "_r1"
  ) AS "_r3"
) AS "_r4"
ORDER BY
  "_r4"."_order" ASC
-- with no parameters; at most 1000000 rows of text, integer, integer

-- private group keys
SELECT 费用, COUNT(*) FROM visits GROUP BY 费用
=>
-- m1
SELECT
  "_r9"."k1" AS "k1",
  CAST(LEAST(
    GREATEST(CAST("_r9"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1",
  CAST(LEAST(
    GREATEST(CAST("_r9"."m1s2" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s2"
FROM (
  SELECT
    "_r8"."k1" AS "k1",
    COALESCE(SUM("_r8"."m1s1"), 0) AS "m1s1",
    COALESCE(SUM("_r8"."m1s2"), 0) AS "m1s2"
  FROM (
    SELECT
      "_r7"."k1" AS "k1",
      "_r7"."m1s1" AS "m1s1",
      "_r7"."m1s2" AS "m1s2"
    FROM (
      SELECT
        "_r6"."k1" AS "k1",
        "_r6"."m1s1" AS "m1s1",
        "_r6"."m1s2" AS "m1s2",
        ROW_NUMBER() OVER (
          PARTITION BY "_r6"."_unit"
          ORDER BY LEFT(
            MD5(
              CAST("_r6"."_seed" AS TEXT) || (
                CASE
                  WHEN (
                    "_r6"."k1" IS NULL
                  )
                  THEN ';n'
                  ELSE (
                    (
                      ';' || CAST(LENGTH(FORMAT('{:.17e}', "_r6"."k1" + 0.0)) AS TEXT)
                    ) || (
                      ':' || FORMAT('{:.17e}', "_r6"."k1" + 0.0)
                    )
                  )
                END
              )
            ),
            16
          ) ASC, "_r6"."k1" ASC
        ) AS "_place"
      FROM (
        SELECT
          "_r5"."_unit" AS "_unit",
          "_r5"."_seed" AS "_seed",
          "_r5"."k1" AS "k1",
          LEAST("_r5"."n_m1s1", 1) AS "m1s1",
          LEAST("_r5"."n_m1s2", 3) AS "m1s2"
        FROM (
          SELECT
            "_r3"."_unit" AS "_unit",
            MIN("_r3"."_seed") AS "_seed",
            "_r3"."k1" AS "k1",
            COUNT(*) AS "n_m1s1",
            COUNT(*) AS "n_m1s2"
          FROM (
            SELECT
              "_r2"."_unit" AS "_unit",
              "_r2"."_seed" AS "_seed",
              "_r2"."c1" AS "k1"
            FROM (
              SELECT
                "_r1"."c4" AS "c1",
                "_r1"."_unit" AS "_unit",
                "_r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "_r1"
            ) AS "_r2"
          ) AS "_r3"
          GROUP BY
            "_r3"."_unit",
            "_r3"."k1"
        ) AS "_r5"
      ) AS "_r6"
    ) AS "_r7"
    WHERE
      "_r7"."_place" <= 2
  ) AS "_r8"
  GROUP BY
    "_r8"."k1"
) AS "_r9"
-- with no parameters; at most 4000000 rows of double, integer, integer
-- m1t
SELECT
  CAST(COALESCE(SUM("_r8"."_cut"), 0) AS BIGINT) AS "_cut"
FROM (
  SELECT
    CASE WHEN (
      MAX("_r7"."_cut") > 0
    ) THEN 1 WHEN (
      COUNT(*) > 2
    ) THEN 1 ELSE 0 END AS "_cut"
  FROM (
    SELECT
      "_r6"."_unit" AS "_unit",
      "_r6"."_cut" AS "_cut"
    FROM (
      SELECT
        "_r5"."_unit" AS "_unit",
        "_r5"."_seed" AS "_seed",
        "_r5"."k1" AS "k1",
        LEAST("_r5"."n_m1s1", 1) AS "m1s1",
        LEAST("_r5"."n_m1s2", 3) AS "m1s2",
        CASE WHEN (
          "_r5"."n_m1s2" > 3
        ) THEN 1 ELSE 0 END AS "_cut"
      FROM (
        SELECT
          "_r3"."_unit" AS "_unit",
          MIN("_r3"."_seed") AS "_seed",
          "_r3"."k1" AS "k1",
          COUNT(*) AS "n_m1s1",
          COUNT(*) AS "n_m1s2"
        FROM (
          SELECT
            "_r2"."_unit" AS "_unit",
            "_r2"."_seed" AS "_seed",
            "_r2"."c1" AS "k1"
          FROM (
            SELECT
              "_r1"."c4" AS "c1",
              "_r1"."_unit" AS "_unit",
              "_r1"."_seed" AS "_seed"
            FROM "private0"."main"."t1" AS "_r1"
          ) AS "_r2"
        ) AS "_r3"
        GROUP BY
          "_r3"."_unit",
          "_r3"."k1"
      ) AS "_r5"
    ) AS "_r6"
  ) AS "_r7"
  GROUP BY
    "_r7"."_unit"
) AS "_r8"
-- with no parameters; at most 1 rows of integer
-- m1g
SELECT
  CAST(COUNT(*) AS BIGINT) AS "_groups"
FROM (
  SELECT DISTINCT
    "_r8"."k1" AS "k1"
  FROM (
    SELECT
      "_r7"."k1" AS "k1",
      "_r7"."m1s1" AS "m1s1",
      "_r7"."m1s2" AS "m1s2"
    FROM (
      SELECT
        "_r6"."k1" AS "k1",
        "_r6"."m1s1" AS "m1s1",
        "_r6"."m1s2" AS "m1s2",
        ROW_NUMBER() OVER (
          PARTITION BY "_r6"."_unit"
          ORDER BY LEFT(
            MD5(
              CAST("_r6"."_seed" AS TEXT) || (
                CASE
                  WHEN (
                    "_r6"."k1" IS NULL
                  )
                  THEN ';n'
                  ELSE (
                    (
                      ';' || CAST(LENGTH(FORMAT('{:.17e}', "_r6"."k1" + 0.0)) AS TEXT)
                    ) || (
                      ':' || FORMAT('{:.17e}', "_r6"."k1" + 0.0)
                    )
                  )
                END
              )
            ),
            16
          ) ASC, "_r6"."k1" ASC
        ) AS "_place"
      FROM (
        SELECT
          "_r5"."_unit" AS "_unit",
          "_r5"."_seed" AS "_seed",
          "_r5"."k1" AS "k1",
          LEAST("_r5"."n_m1s1", 1) AS "m1s1",
          LEAST("_r5"."n_m1s2", 3) AS "m1s2"
        FROM (
          SELECT
            "_r3"."_unit" AS "_unit",
            MIN("_r3"."_seed") AS "_seed",
            "_r3"."k1" AS "k1",
            COUNT(*) AS "n_m1s1",
            COUNT(*) AS "n_m1s2"
          FROM (
            SELECT
              "_r2"."_unit" AS "_unit",
              "_r2"."_seed" AS "_seed",
              "_r2"."c1" AS "k1"
            FROM (
              SELECT
                "_r1"."c4" AS "c1",
                "_r1"."_unit" AS "_unit",
                "_r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "_r1"
            ) AS "_r2"
          ) AS "_r3"
          GROUP BY
            "_r3"."_unit",
            "_r3"."k1"
        ) AS "_r5"
      ) AS "_r6"
    ) AS "_r7"
    WHERE
      "_r7"."_place" <= 2
  ) AS "_r8"
) AS "_r9"
-- with no parameters; at most 1 rows of integer
-- answer
SELECT
  "_r4"."o1" AS "o1",
  "_r4"."o2" AS "o2",
  "_r4"."_m2" AS "_m2"
FROM (
  SELECT
    "_r3"."k1" AS "o1",
    "_r3"."a1" AS "o2",
    "_r3"."_m2" AS "_m2",
    "_r3"."_order" AS "_order"
  FROM (
    SELECT
      "_r1"."k1" AS "k1",
      "_r1"."a1" AS "a1",
      "_r1"."_number" AS "_m2",
      "_r1"."_number" AS "_order"
    FROM "temp"."main"."m1" AS "_r1"
  ) AS "_r3"
) AS "_r4"
ORDER BY
  "_r4"."_order" ASC
-- with no parameters; at most 1000000 rows of double, integer, integer

-- the public part: HAVING, arithmetic, ORDER BY, LIMIT
SELECT date_trunc('quarter', 日期) AS q, SUM(费用) / COUNT(*) AS mean, COUNT(*) AS n FROM visits GROUP BY q HAVING COUNT(*) > 10 ORDER BY n DESC LIMIT 3
=>
-- m1
SELECT
  "_r12"."k1" AS "k1",
  CAST(LEAST(
    GREATEST(CAST("_r12"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1",
  CAST(LEAST(
    GREATEST(CAST("_r12"."m1s2" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s2"
FROM (
  SELECT
    "_r11"."k1" AS "k1",
    COALESCE(SUM("_r11"."m1s1"), 0) AS "m1s1",
    COALESCE(SUM("_r11"."m1s2"), 0) AS "m1s2"
  FROM (
    SELECT
      "_r10"."k1" AS "k1",
      "_r10"."m1s1" AS "m1s1",
      "_r10"."m1s2" AS "m1s2"
    FROM (
      SELECT
        "_r9"."k1" AS "k1",
        "_r9"."m1s1" AS "m1s1",
        "_r9"."m1s2" AS "m1s2",
        ROW_NUMBER() OVER (
          PARTITION BY "_r9"."_unit"
          ORDER BY LEFT(
            MD5(
              CAST("_r9"."_seed" AS TEXT) || (
                CASE
                  WHEN (
                    "_r9"."k1" IS NULL
                  )
                  THEN ';n'
                  ELSE (
                    (
                      ';' || CAST(LENGTH(CAST("_r9"."k1" AS TEXT)) AS TEXT)
                    ) || (
                      ':' || CAST("_r9"."k1" AS TEXT)
                    )
                  )
                END
              )
            ),
            16
          ) ASC, "_r9"."k1" ASC
        ) AS "_place"
      FROM (
        SELECT
          "_r8"."_unit" AS "_unit",
          "_r8"."_seed" AS "_seed",
          "_r8"."k1" AS "k1",
          LEAST("_r8"."n_m1s1", 3) AS "m1s1",
          LEAST(GREATEST("_r8"."s_m1s2", 0), 600000) AS "m1s2"
        FROM (
          SELECT
            "_r3"."_unit" AS "_unit",
            MIN("_r3"."_seed") AS "_seed",
            "_r3"."k1" AS "k1",
            COUNT(*) AS "n_m1s1",
            COALESCE(SUM("_r3"."_x7"), 0) AS "s_m1s2"
          FROM (
            SELECT
              "_r6"."_unit" AS "_unit",
              "_r6"."_seed" AS "_seed",
              "_r6"."k1" AS "k1",
              "_r6"."_x4" AS "_x4",
              "_r6"."_x5" AS "_x5",
              CASE
                WHEN (
                  "_r6"."_x5" BETWEEN CAST($3 AS DOUBLE) AND CAST($4 AS DOUBLE)
                )
                THEN CAST("_r6"."_x5" AS BIGINT)
                WHEN ISFINITE("_r6"."_x4")
                THEN (
                  CASE WHEN (
                    "_r6"."_x5" < CAST($3 AS DOUBLE)
                  ) THEN 0 ELSE 200000 END
                )
              END AS "_x7"
            FROM (
              SELECT
                "_r2"."_unit" AS "_unit",
                "_r2"."_seed" AS "_seed",
                CAST(DATE_TRUNC(CAST($1 AS TEXT), "_r2"."c1") AS DATE) AS "k1",
                "_r2"."c2" AS "_x4",
                ROUND("_r2"."c2" * CAST($2 AS DOUBLE)) AS "_x5"
              FROM (
                SELECT
                  "_r1"."c3" AS "c1",
                  "_r1"."c4" AS "c2",
                  "_r1"."_unit" AS "_unit",
                  "_r1"."_seed" AS "_seed"
                FROM "private0"."main"."t1" AS "_r1"
              ) AS "_r2"
            ) AS "_r6"
          ) AS "_r3"
          GROUP BY
            "_r3"."_unit",
            "_r3"."k1"
          HAVING
            CASE
              WHEN (
                COUNT(*) > 0
              )
              THEN (
                "_r3"."k1" IN (CAST($5 AS DATE), CAST($6 AS DATE), CAST($7 AS DATE), CAST($8 AS DATE))
              )
            END
        ) AS "_r8"
      ) AS "_r9"
    ) AS "_r10"
    WHERE
      "_r10"."_place" <= 2
  ) AS "_r11"
  GROUP BY
    "_r11"."k1"
) AS "_r12"
-- with $1 = quarter, $2 = 100, $3 = 0, $4 = 200000, $5 = 2024-01-01, $6 = 2024-04-01, $7 = 2024-07-01, $8 = 2024-10-01; at most 4 rows of date, integer, integer
-- m1t
SELECT
  CAST(COALESCE(SUM("_r11"."_cut"), 0) AS BIGINT) AS "_cut"
FROM (
  SELECT
    CASE
      WHEN (
        MAX("_r10"."_cut") > 0
      )
      THEN 1
      WHEN (
        COUNT(*) > 2
      )
      THEN 1
      ELSE 0
    END AS "_cut"
  FROM (
    SELECT
      "_r9"."_unit" AS "_unit",
      "_r9"."_cut" AS "_cut"
    FROM (
      SELECT
        "_r8"."_unit" AS "_unit",
        "_r8"."_seed" AS "_seed",
        "_r8"."k1" AS "k1",
        LEAST("_r8"."n_m1s1", 3) AS "m1s1",
        LEAST(GREATEST("_r8"."s_m1s2", 0), 600000) AS "m1s2",
        CASE
          WHEN (
            "_r8"."n_m1s1" > 3
          )
          THEN 1
          WHEN (
            "_r8"."s_m1s2" <> LEAST(GREATEST("_r8"."s_m1s2", 0), 600000)
          )
          THEN 1
          ELSE 0
        END AS "_cut"
      FROM (
        SELECT
          "_r3"."_unit" AS "_unit",
          MIN("_r3"."_seed") AS "_seed",
          "_r3"."k1" AS "k1",
          COUNT(*) AS "n_m1s1",
          COALESCE(SUM("_r3"."_x7"), 0) AS "s_m1s2"
        FROM (
          SELECT
            "_r6"."_unit" AS "_unit",
            "_r6"."_seed" AS "_seed",
            "_r6"."k1" AS "k1",
            "_r6"."_x4" AS "_x4",
            "_r6"."_x5" AS "_x5",
            CASE
              WHEN (
                "_r6"."_x5" BETWEEN CAST($3 AS DOUBLE) AND CAST($4 AS DOUBLE)
              )
              THEN CAST("_r6"."_x5" AS BIGINT)
              WHEN ISFINITE("_r6"."_x4")
              THEN (
                CASE WHEN (
                  "_r6"."_x5" < CAST($3 AS DOUBLE)
                ) THEN 0 ELSE 200000 END
              )
            END AS "_x7"
          FROM (
            SELECT
              "_r2"."_unit" AS "_unit",
              "_r2"."_seed" AS "_seed",
              CAST(DATE_TRUNC(CAST($1 AS TEXT), "_r2"."c1") AS DATE) AS "k1",
              "_r2"."c2" AS "_x4",
              ROUND("_r2"."c2" * CAST($2 AS DOUBLE)) AS "_x5"
            FROM (
              SELECT
                "_r1"."c3" AS "c1",
                "_r1"."c4" AS "c2",
                "_r1"."_unit" AS "_unit",
                "_r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "_r1"
            ) AS "_r2"
          ) AS "_r6"
        ) AS "_r3"
        GROUP BY
          "_r3"."_unit",
          "_r3"."k1"
        HAVING
          CASE
            WHEN (
              COUNT(*) > 0
            )
            THEN (
              "_r3"."k1" IN (CAST($5 AS DATE), CAST($6 AS DATE), CAST($7 AS DATE), CAST($8 AS DATE))
            )
          END
      ) AS "_r8"
    ) AS "_r9"
  ) AS "_r10"
  GROUP BY
    "_r10"."_unit"
) AS "_r11"
-- with $1 = quarter, $2 = 100, $3 = 0, $4 = 200000, $5 = 2024-01-01, $6 = 2024-04-01, $7 = 2024-07-01, $8 = 2024-10-01; at most 1 rows of integer
-- answer
SELECT
  "_r8"."o1" AS "o1",
  "_r8"."o2" AS "o2",
  "_r8"."o3" AS "o3",
  "_r8"."_m2" AS "_m2"
FROM (
  SELECT
    "_r7"."o1" AS "o1",
    "_r7"."o2" AS "o2",
    "_r7"."o3" AS "o3",
    "_r7"."_m2" AS "_m2",
    "_r7"."_order" AS "_order"
  FROM (
    SELECT
      "_r6"."o1" AS "o1",
      "_r6"."o2" AS "o2",
      "_r6"."o3" AS "o3",
      "_r6"."_m2" AS "_m2",
      ROW_NUMBER() OVER (ORDER BY "_r6"."o3" DESC, "_r6"."_order" ASC) AS "_order"
    FROM (
      SELECT
        "_r4"."k1" AS "o1",
        LIST_EXTRACT(
          LIST_TRANSFORM(
            [
              CASE
                WHEN (
                  CAST("_r4"."a1" AS DOUBLE) <> 0
                )
                THEN (
                  "_r4"."a2" / CAST("_r4"."a1" AS DOUBLE)
                )
              END
            ],
            LAMBDA _x5 : CASE WHEN ISFINITE(_x5) THEN _x5 END
          ),
          1
        ) AS "o2",
        "_r4"."a1" AS "o3",
        "_r4"."_m2" AS "_m2",
        "_r4"."_order" AS "_order"
      FROM (
        SELECT
          "_r3"."k1" AS "k1",
          "_r3"."a1" AS "a1",
          "_r3"."a2" AS "a2",
          "_r3"."_m2" AS "_m2",
          "_r3"."_order" AS "_order"
        FROM (
          SELECT
            "_r1"."k1" AS "k1",
            "_r1"."a1" AS "a1",
            "_r1"."a2" AS "a2",
            "_r1"."_number" AS "_m2",
            "_r1"."_number" AS "_order"
          FROM "temp"."main"."m1" AS "_r1"
        ) AS "_r3"
        WHERE
          "_r3"."a1" > CAST($1 AS BIGINT)
      ) AS "_r4"
    ) AS "_r6"
  ) AS "_r7"
  ORDER BY
    "_r7"."_order" ASC
  LIMIT 3
  OFFSET 0
) AS "_r8"
ORDER BY
  "_r8"."_order" ASC
-- with $1 = 10; at most 1000000 rows of date, double, integer, integer

-- sums of squares and of products, in whole numbers
SELECT VAR_POP(费用) AS v, CORR(费用, month(日期)) AS r FROM visits
=>
-- m1
SELECT
  CAST(LEAST(
    GREATEST(CAST("_r14"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1",
  CAST(LEAST(
    GREATEST(CAST("_r14"."m1s2" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s2",
  CAST(LEAST(
    GREATEST(CAST("_r14"."m1s3" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s3",
  CAST(LEAST(
    GREATEST(CAST("_r14"."m1s4" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s4",
  CAST(LEAST(
    GREATEST(CAST("_r14"."m1s5" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s5",
  CAST(LEAST(
    GREATEST(CAST("_r14"."m1s6" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s6",
  CAST(LEAST(
    GREATEST(CAST("_r14"."m1s7" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s7"
FROM (
  SELECT
    COALESCE(SUM("_r13"."m1s1"), 0) AS "m1s1",
    COALESCE(SUM("_r13"."m1s2"), 0) AS "m1s2",
    COALESCE(SUM("_r13"."m1s3"), 0) AS "m1s3",
    COALESCE(SUM("_r13"."m1s4"), 0) AS "m1s4",
    COALESCE(SUM("_r13"."m1s5"), 0) AS "m1s5",
    COALESCE(SUM("_r13"."m1s6"), 0) AS "m1s6",
    COALESCE(SUM("_r13"."m1s7"), 0) AS "m1s7"
  FROM (
    SELECT
      "_r12"."_unit" AS "_unit",
      "_r12"."_seed" AS "_seed",
      LEAST("_r12"."n_m1s1", 3) AS "m1s1",
      LEAST(
        GREATEST(
          CASE
            WHEN (
              "_r12"."n_m1s2" > 3
            )
            THEN (
              (
                CAST("_r12"."s_m1s2" AS INT128) * 3
              ) // CAST("_r12"."n_m1s2" AS INT128)
            )
            ELSE "_r12"."s_m1s2"
          END,
          (
            -300000
          )
        ),
        300000
      ) AS "m1s2",
      LEAST(
        GREATEST(
          CASE
            WHEN (
              "_r12"."n_m1s3" > 3
            )
            THEN (
              (
                CAST("_r12"."s_m1s3" AS INT128) * 3
              ) // CAST("_r12"."n_m1s3" AS INT128)
            )
            ELSE "_r12"."s_m1s3"
          END,
          (
            -15000000000
          )
        ),
        15000000000
      ) AS "m1s3",
      LEAST("_r12"."n_m1s4", 3) AS "m1s4",
      LEAST(
        GREATEST(
          CASE
            WHEN (
              "_r12"."n_m1s5" > 3
            )
            THEN (
              (
                CAST("_r12"."s_m1s5" AS INT128) * 3
              ) // CAST("_r12"."n_m1s5" AS INT128)
            )
            ELSE "_r12"."s_m1s5"
          END,
          (
            -15
          )
        ),
        18
      ) AS "m1s5",
      LEAST(
        GREATEST(
          CASE
            WHEN (
              "_r12"."n_m1s6" > 3
            )
            THEN (
              (
                CAST("_r12"."s_m1s6" AS INT128) * 3
              ) // CAST("_r12"."n_m1s6" AS INT128)
            )
            ELSE "_r12"."s_m1s6"
          END,
          (
            -54
          )
        ),
        54
      ) AS "m1s6",
      LEAST(
        GREATEST(
          CASE
            WHEN (
              "_r12"."n_m1s7" > 3
            )
            THEN (
              (
                CAST("_r12"."s_m1s7" AS INT128) * 3
              ) // CAST("_r12"."n_m1s7" AS INT128)
            )
            ELSE "_r12"."s_m1s7"
          END,
          (
            -1800000
          )
        ),
        1800000
      ) AS "m1s7"
    FROM (
      SELECT
        "_r3"."_unit" AS "_unit",
        MIN("_r3"."_seed") AS "_seed",
        COUNT("_r3"."_x10") AS "n_m1s1",
        COUNT("_r3"."_x10") AS "n_m1s2",
        COALESCE(SUM("_r3"."_x10"), 0) AS "s_m1s2",
        COUNT(*) FILTER(WHERE
          (
            (
              NOT (
                "_r3"."_x4" IS NULL
              )
            ) AND ISFINITE("_r3"."_x4")
          )
          AND (
            (
              NOT (
                "_r3"."_x4" IS NULL
              )
            ) AND ISFINITE("_r3"."_x4")
          )) AS "n_m1s3",
        COALESCE(
          SUM(
            (
              CAST(CASE
                WHEN (
                  "_r3"."_x6" BETWEEN CAST($4 AS DOUBLE) AND CAST($5 AS DOUBLE)
                )
                THEN (
                  CAST("_r3"."_x6" AS BIGINT) - 100000
                )
                WHEN ISFINITE("_r3"."_x4")
                THEN (
                  CASE WHEN (
                    "_r3"."_x6" < CAST($4 AS DOUBLE)
                  ) THEN (
                    -100000
                  ) ELSE 100000 END
                )
              END AS BIGINT) * CAST(CASE
                WHEN (
                  "_r3"."_x6" BETWEEN CAST($6 AS DOUBLE) AND CAST($7 AS DOUBLE)
                )
                THEN (
                  CAST("_r3"."_x6" AS BIGINT) - 100000
                )
                WHEN ISFINITE("_r3"."_x4")
                THEN (
                  CASE WHEN (
                    "_r3"."_x6" < CAST($6 AS DOUBLE)
                  ) THEN (
                    -100000
                  ) ELSE 100000 END
                )
              END AS BIGINT)
            ) - 5000000000
          ),
          0
        ) AS "s_m1s3",
        COUNT(*) FILTER(WHERE
          "_r3"."_x7") AS "n_m1s4",
        COUNT("_r3"."_x11") FILTER(WHERE
          "_r3"."_x7") AS "n_m1s5",
        COALESCE(SUM("_r3"."_x11") FILTER(WHERE
          "_r3"."_x7"), 0) AS "s_m1s5",
        COUNT(*) FILTER(WHERE
          "_r3"."_x7"
          AND (
            (
              NOT (
                "_r3"."_x8" IS NULL
              )
            )
            AND (
              NOT (
                "_r3"."_x8" IS NULL
              )
            )
          )) AS "n_m1s6",
        COALESCE(
          SUM(
            (
              CAST(CASE
                WHEN (
                  "_r3"."_x8" BETWEEN 1 AND 12
                )
                THEN (
                  "_r3"."_x8" - 6
                )
                WHEN (
                  NOT (
                    "_r3"."_x8" IS NULL
                  )
                )
                THEN (
                  CASE WHEN (
                    "_r3"."_x8" < 1
                  ) THEN (
                    -5
                  ) ELSE 6 END
                )
              END AS BIGINT) * CAST(CASE
                WHEN (
                  "_r3"."_x8" BETWEEN 1 AND 12
                )
                THEN (
                  "_r3"."_x8" - 6
                )
                WHEN (
                  NOT (
                    "_r3"."_x8" IS NULL
                  )
                )
                THEN (
                  CASE WHEN (
                    "_r3"."_x8" < 1
                  ) THEN (
                    -5
                  ) ELSE 6 END
                )
              END AS BIGINT)
            ) - 18
          ) FILTER(WHERE
            "_r3"."_x7"),
          0
        ) AS "s_m1s6",
        COUNT(*) FILTER(WHERE
          (
            NOT (
              "_r3"."_x8" IS NULL
            )
          )
          AND (
            (
              NOT (
                "_r3"."_x4" IS NULL
              )
            ) AND ISFINITE("_r3"."_x4")
          )) AS "n_m1s7",
        COALESCE(
          SUM(
            CAST(CASE
              WHEN (
                "_r3"."_x8" BETWEEN 1 AND 12
              )
              THEN (
                "_r3"."_x8" - 6
              )
              WHEN (
                NOT (
                  "_r3"."_x8" IS NULL
                )
              )
              THEN (
                CASE WHEN (
                  "_r3"."_x8" < 1
                ) THEN (
                  -5
                ) ELSE 6 END
              )
            END AS BIGINT) * CAST(CASE
              WHEN (
                "_r3"."_x6" BETWEEN CAST($8 AS DOUBLE) AND CAST($9 AS DOUBLE)
              )
              THEN (
                CAST("_r3"."_x6" AS BIGINT) - 100000
              )
              WHEN ISFINITE("_r3"."_x4")
              THEN (
                CASE WHEN (
                  "_r3"."_x6" < CAST($8 AS DOUBLE)
                ) THEN (
                  -100000
                ) ELSE 100000 END
              )
            END AS BIGINT)
          ),
          0
        ) AS "s_m1s7"
      FROM (
        SELECT
          "_r9"."_unit" AS "_unit",
          "_r9"."_seed" AS "_seed",
          "_r9"."_x4" AS "_x4",
          "_r9"."_x5" AS "_x5",
          "_r9"."_x6" AS "_x6",
          "_r9"."_x7" AS "_x7",
          "_r9"."_x8" AS "_x8",
          CASE
            WHEN (
              "_r9"."_x6" BETWEEN CAST($2 AS DOUBLE) AND CAST($3 AS DOUBLE)
            )
            THEN (
              CAST("_r9"."_x6" AS BIGINT) - 100000
            )
            WHEN ISFINITE("_r9"."_x4")
            THEN (
              CASE WHEN (
                "_r9"."_x6" < CAST($2 AS DOUBLE)
              ) THEN (
                -100000
              ) ELSE 100000 END
            )
          END AS "_x10",
          CASE
            WHEN (
              "_r9"."_x8" BETWEEN 1 AND 12
            )
            THEN (
              "_r9"."_x8" - 6
            )
            WHEN (
              NOT (
                "_r9"."_x8" IS NULL
              )
            )
            THEN (
              CASE WHEN (
                "_r9"."_x8" < 1
              ) THEN (
                -5
              ) ELSE 6 END
            )
          END AS "_x11"
        FROM (
          SELECT
            "_r2"."_unit" AS "_unit",
            "_r2"."_seed" AS "_seed",
            "_r2"."c2" AS "_x4",
            ROUND("_r2"."c2") AS "_x5",
            ROUND("_r2"."c2" * CAST($1 AS DOUBLE)) AS "_x6",
            NOT (
              "_r2"."c2" IS NULL
            ) AS "_x7",
            CAST(MONTH("_r2"."c1") AS BIGINT) AS "_x8"
          FROM (
            SELECT
              "_r1"."c3" AS "c1",
              "_r1"."c4" AS "c2",
              "_r1"."_unit" AS "_unit",
              "_r1"."_seed" AS "_seed"
            FROM "private0"."main"."t1" AS "_r1"
          ) AS "_r2"
        ) AS "_r9"
      ) AS "_r3"
      GROUP BY
        "_r3"."_unit"
    ) AS "_r12"
  ) AS "_r13"
) AS "_r14"
-- with $1 = 100, $2 = 0, $3 = 200000, $4 = 0, $5 = 200000, $6 = 0, $7 = 200000, $8 = 0, $9 = 200000; at most 1 rows of integer, integer, integer, integer, integer, integer, integer
-- m1t
SELECT
  CAST(COALESCE(SUM("_r15"."_cut"), 0) AS BIGINT) AS "_cut"
FROM (
  SELECT
    CASE
      WHEN (
        MAX("_r14"."_cut") > 0
      )
      THEN 1
      WHEN (
        COUNT(*) > 1
      )
      THEN 1
      ELSE 0
    END AS "_cut"
  FROM (
    SELECT
      "_r13"."_unit" AS "_unit",
      "_r13"."_cut" AS "_cut"
    FROM (
      SELECT
        "_r12"."_unit" AS "_unit",
        "_r12"."_seed" AS "_seed",
        LEAST("_r12"."n_m1s1", 3) AS "m1s1",
        LEAST(
          GREATEST(
            CASE
              WHEN (
                "_r12"."n_m1s2" > 3
              )
              THEN (
                (
                  CAST("_r12"."s_m1s2" AS INT128) * 3
                ) // CAST("_r12"."n_m1s2" AS INT128)
              )
              ELSE "_r12"."s_m1s2"
            END,
            (
              -300000
            )
          ),
          300000
        ) AS "m1s2",
        LEAST(
          GREATEST(
            CASE
              WHEN (
                "_r12"."n_m1s3" > 3
              )
              THEN (
                (
                  CAST("_r12"."s_m1s3" AS INT128) * 3
                ) // CAST("_r12"."n_m1s3" AS INT128)
              )
              ELSE "_r12"."s_m1s3"
            END,
            (
              -15000000000
            )
          ),
          15000000000
        ) AS "m1s3",
        LEAST("_r12"."n_m1s4", 3) AS "m1s4",
        LEAST(
          GREATEST(
            CASE
              WHEN (
                "_r12"."n_m1s5" > 3
              )
              THEN (
                (
                  CAST("_r12"."s_m1s5" AS INT128) * 3
                ) // CAST("_r12"."n_m1s5" AS INT128)
              )
              ELSE "_r12"."s_m1s5"
            END,
            (
              -15
            )
          ),
          18
        ) AS "m1s5",
        LEAST(
          GREATEST(
            CASE
              WHEN (
                "_r12"."n_m1s6" > 3
              )
              THEN (
                (
                  CAST("_r12"."s_m1s6" AS INT128) * 3
                ) // CAST("_r12"."n_m1s6" AS INT128)
              )
              ELSE "_r12"."s_m1s6"
            END,
            (
              -54
            )
          ),
          54
        ) AS "m1s6",
        LEAST(
          GREATEST(
            CASE
              WHEN (
                "_r12"."n_m1s7" > 3
              )
              THEN (
                (
                  CAST("_r12"."s_m1s7" AS INT128) * 3
                ) // CAST("_r12"."n_m1s7" AS INT128)
              )
              ELSE "_r12"."s_m1s7"
            END,
            (
              -1800000
            )
          ),
          1800000
        ) AS "m1s7",
        CASE
          WHEN (
            "_r12"."n_m1s1" > 3
          )
          THEN 1
          WHEN (
            "_r12"."n_m1s2" > 3
          )
          THEN 1
          WHEN (
            "_r12"."n_m1s3" > 3
          )
          THEN 1
          WHEN (
            "_r12"."n_m1s4" > 3
          )
          THEN 1
          WHEN (
            "_r12"."n_m1s5" > 3
          )
          THEN 1
          WHEN (
            "_r12"."n_m1s6" > 3
          )
          THEN 1
          WHEN (
            "_r12"."n_m1s7" > 3
          )
          THEN 1
          ELSE 0
        END AS "_cut"
      FROM (
        SELECT
          "_r3"."_unit" AS "_unit",
          MIN("_r3"."_seed") AS "_seed",
          COUNT("_r3"."_x10") AS "n_m1s1",
          COUNT("_r3"."_x10") AS "n_m1s2",
          COALESCE(SUM("_r3"."_x10"), 0) AS "s_m1s2",
          COUNT(*) FILTER(WHERE
            (
              (
                NOT (
                  "_r3"."_x4" IS NULL
                )
              ) AND ISFINITE("_r3"."_x4")
            )
            AND (
              (
                NOT (
                  "_r3"."_x4" IS NULL
                )
              ) AND ISFINITE("_r3"."_x4")
            )) AS "n_m1s3",
          COALESCE(
            SUM(
              (
                CAST(CASE
                  WHEN (
                    "_r3"."_x6" BETWEEN CAST($4 AS DOUBLE) AND CAST($5 AS DOUBLE)
                  )
                  THEN (
                    CAST("_r3"."_x6" AS BIGINT) - 100000
                  )
                  WHEN ISFINITE("_r3"."_x4")
                  THEN (
                    CASE WHEN (
                      "_r3"."_x6" < CAST($4 AS DOUBLE)
                    ) THEN (
                      -100000
                    ) ELSE 100000 END
                  )
                END AS BIGINT) * CAST(CASE
                  WHEN (
                    "_r3"."_x6" BETWEEN CAST($6 AS DOUBLE) AND CAST($7 AS DOUBLE)
                  )
                  THEN (
                    CAST("_r3"."_x6" AS BIGINT) - 100000
                  )
                  WHEN ISFINITE("_r3"."_x4")
                  THEN (
                    CASE WHEN (
                      "_r3"."_x6" < CAST($6 AS DOUBLE)
                    ) THEN (
                      -100000
                    ) ELSE 100000 END
                  )
                END AS BIGINT)
              ) - 5000000000
            ),
            0
          ) AS "s_m1s3",
          COUNT(*) FILTER(WHERE
            "_r3"."_x7") AS "n_m1s4",
          COUNT("_r3"."_x11") FILTER(WHERE
            "_r3"."_x7") AS "n_m1s5",
          COALESCE(SUM("_r3"."_x11") FILTER(WHERE
            "_r3"."_x7"), 0) AS "s_m1s5",
          COUNT(*) FILTER(WHERE
            "_r3"."_x7"
            AND (
              (
                NOT (
                  "_r3"."_x8" IS NULL
                )
              )
              AND (
                NOT (
                  "_r3"."_x8" IS NULL
                )
              )
            )) AS "n_m1s6",
          COALESCE(
            SUM(
              (
                CAST(CASE
                  WHEN (
                    "_r3"."_x8" BETWEEN 1 AND 12
                  )
                  THEN (
                    "_r3"."_x8" - 6
                  )
                  WHEN (
                    NOT (
                      "_r3"."_x8" IS NULL
                    )
                  )
                  THEN (
                    CASE WHEN (
                      "_r3"."_x8" < 1
                    ) THEN (
                      -5
                    ) ELSE 6 END
                  )
                END AS BIGINT) * CAST(CASE
                  WHEN (
                    "_r3"."_x8" BETWEEN 1 AND 12
                  )
                  THEN (
                    "_r3"."_x8" - 6
                  )
                  WHEN (
                    NOT (
                      "_r3"."_x8" IS NULL
                    )
                  )
                  THEN (
                    CASE WHEN (
                      "_r3"."_x8" < 1
                    ) THEN (
                      -5
                    ) ELSE 6 END
                  )
                END AS BIGINT)
              ) - 18
            ) FILTER(WHERE
              "_r3"."_x7"),
            0
          ) AS "s_m1s6",
          COUNT(*) FILTER(WHERE
            (
              NOT (
                "_r3"."_x8" IS NULL
              )
            )
            AND (
              (
                NOT (
                  "_r3"."_x4" IS NULL
                )
              ) AND ISFINITE("_r3"."_x4")
            )) AS "n_m1s7",
          COALESCE(
            SUM(
              CAST(CASE
                WHEN (
                  "_r3"."_x8" BETWEEN 1 AND 12
                )
                THEN (
                  "_r3"."_x8" - 6
                )
                WHEN (
                  NOT (
                    "_r3"."_x8" IS NULL
                  )
                )
                THEN (
                  CASE WHEN (
                    "_r3"."_x8" < 1
                  ) THEN (
                    -5
                  ) ELSE 6 END
                )
              END AS BIGINT) * CAST(CASE
                WHEN (
                  "_r3"."_x6" BETWEEN CAST($8 AS DOUBLE) AND CAST($9 AS DOUBLE)
                )
                THEN (
                  CAST("_r3"."_x6" AS BIGINT) - 100000
                )
                WHEN ISFINITE("_r3"."_x4")
                THEN (
                  CASE WHEN (
                    "_r3"."_x6" < CAST($8 AS DOUBLE)
                  ) THEN (
                    -100000
                  ) ELSE 100000 END
                )
              END AS BIGINT)
            ),
            0
          ) AS "s_m1s7"
        FROM (
          SELECT
            "_r9"."_unit" AS "_unit",
            "_r9"."_seed" AS "_seed",
            "_r9"."_x4" AS "_x4",
            "_r9"."_x5" AS "_x5",
            "_r9"."_x6" AS "_x6",
            "_r9"."_x7" AS "_x7",
            "_r9"."_x8" AS "_x8",
            CASE
              WHEN (
                "_r9"."_x6" BETWEEN CAST($2 AS DOUBLE) AND CAST($3 AS DOUBLE)
              )
              THEN (
                CAST("_r9"."_x6" AS BIGINT) - 100000
              )
              WHEN ISFINITE("_r9"."_x4")
              THEN (
                CASE WHEN (
                  "_r9"."_x6" < CAST($2 AS DOUBLE)
                ) THEN (
                  -100000
                ) ELSE 100000 END
              )
            END AS "_x10",
            CASE
              WHEN (
                "_r9"."_x8" BETWEEN 1 AND 12
              )
              THEN (
                "_r9"."_x8" - 6
              )
              WHEN (
                NOT (
                  "_r9"."_x8" IS NULL
                )
              )
              THEN (
                CASE WHEN (
                  "_r9"."_x8" < 1
                ) THEN (
                  -5
                ) ELSE 6 END
              )
            END AS "_x11"
          FROM (
            SELECT
              "_r2"."_unit" AS "_unit",
              "_r2"."_seed" AS "_seed",
              "_r2"."c2" AS "_x4",
              ROUND("_r2"."c2") AS "_x5",
              ROUND("_r2"."c2" * CAST($1 AS DOUBLE)) AS "_x6",
              NOT (
                "_r2"."c2" IS NULL
              ) AS "_x7",
              CAST(MONTH("_r2"."c1") AS BIGINT) AS "_x8"
            FROM (
              SELECT
                "_r1"."c3" AS "c1",
                "_r1"."c4" AS "c2",
                "_r1"."_unit" AS "_unit",
                "_r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "_r1"
            ) AS "_r2"
          ) AS "_r9"
        ) AS "_r3"
        GROUP BY
          "_r3"."_unit"
      ) AS "_r12"
    ) AS "_r13"
  ) AS "_r14"
  GROUP BY
    "_r14"."_unit"
) AS "_r15"
-- with $1 = 100, $2 = 0, $3 = 200000, $4 = 0, $5 = 200000, $6 = 0, $7 = 200000, $8 = 0, $9 = 200000; at most 1 rows of integer
-- answer
SELECT
  "_r4"."o1" AS "o1",
  "_r4"."o2" AS "o2",
  "_r4"."_m2" AS "_m2"
FROM (
  SELECT
    "_r3"."a1" AS "o1",
    "_r3"."a2" AS "o2",
    "_r3"."_m2" AS "_m2",
    "_r3"."_order" AS "_order"
  FROM (
    SELECT
      "_r1"."a1" AS "a1",
      "_r1"."a2" AS "a2",
      "_r1"."_number" AS "_m2",
      "_r1"."_number" AS "_order"
    FROM "temp"."main"."m1" AS "_r1"
  ) AS "_r3"
) AS "_r4"
ORDER BY
  "_r4"."_order" ASC
-- with no parameters; at most 1000000 rows of double, double, integer

-- distinct values of a unit, kept by the keyed choice
SELECT 科室, COUNT(*), COUNT(DISTINCT 费用) FILTER (WHERE emergency) FROM visits GROUP BY 科室
=>
-- m1
SELECT
  "_r11"."k1" AS "k1",
  CAST(LEAST(
    GREATEST(CAST("_r11"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1",
  CAST(LEAST(
    GREATEST(CAST("_r11"."m1s2" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s2"
FROM (
  SELECT
    "_r10"."k1" AS "k1",
    COALESCE(SUM("_r10"."m1s1"), 0) AS "m1s1",
    COALESCE(LENGTH(LIST_DISTINCT(FLATTEN(ARRAY_AGG("_r10"."m1s2")))), 0) AS "m1s2"
  FROM (
    SELECT
      "_r9"."k1" AS "k1",
      "_r9"."m1s1" AS "m1s1",
      "_r9"."m1s2" AS "m1s2"
    FROM (
      SELECT
        "_r8"."k1" AS "k1",
        "_r8"."m1s1" AS "m1s1",
        "_r8"."m1s2" AS "m1s2",
        ROW_NUMBER() OVER (
          PARTITION BY "_r8"."_unit"
          ORDER BY LEFT(
            MD5(
              CAST("_r8"."_seed" AS TEXT) || (
                CASE
                  WHEN (
                    "_r8"."k1" IS NULL
                  )
                  THEN ';n'
                  ELSE (
                    (
                      ';' || CAST(LENGTH(CAST("_r8"."k1" AS TEXT)) AS TEXT)
                    ) || (
                      ':' || CAST("_r8"."k1" AS TEXT)
                    )
                  )
                END
              )
            ),
            16
          ) ASC, "_r8"."k1" ASC
        ) AS "_place"
      FROM (
        SELECT
          "_r7"."_unit" AS "_unit",
          "_r7"."_seed" AS "_seed",
          "_r7"."k1" AS "k1",
          LEAST("_r7"."n_m1s1", 3) AS "m1s1",
          "_r7"."s_m1s2" AS "m1s2"
        FROM (
          SELECT
            "_r3"."_unit" AS "_unit",
            MIN("_r3"."_seed") AS "_seed",
            "_r3"."k1" AS "k1",
            COUNT(*) AS "n_m1s1",
            LIST_TRANSFORM(
              LIST_SLICE(
                LIST_SORT(
                  ARRAY_AGG(
                    DISTINCT {'d': LEFT(
                      MD5(
                        (
                          CAST("_r3"."_seed" AS TEXT) || (
                            CASE
                              WHEN (
                                "_r3"."k1" IS NULL
                              )
                              THEN ';n'
                              ELSE (
                                (
                                  ';' || CAST(LENGTH(CAST("_r3"."k1" AS TEXT)) AS TEXT)
                                ) || (
                                  ':' || CAST("_r3"."k1" AS TEXT)
                                )
                              )
                            END
                          )
                        ) || (
                          CASE
                            WHEN (
                              (
                                "_r3"."_x5" + 0.0
                              ) IS NULL
                            )
                            THEN ';n'
                            ELSE (
                              (
                                ';' || CAST(LENGTH(FORMAT('{:.17e}', (
                                  "_r3"."_x5" + 0.0
                                ) + 0.0)) AS TEXT)
                              ) || (
                                ':' || FORMAT('{:.17e}', (
                                  "_r3"."_x5" + 0.0
                                ) + 0.0)
                              )
                            )
                          END
                        )
                      ),
                      16
                    ), 'x': "_r3"."_x5" + 0.0}
                  ) FILTER(WHERE
                    "_r3"."_x4"
                    AND (
                      (
                        NOT (
                          "_r3"."_x5" IS NULL
                        )
                      ) AND ISFINITE("_r3"."_x5")
                    ))
                ),
                1,
                3
              ),
              LAMBDA v : v.x
            ) AS "s_m1s2"
          FROM (
            SELECT
              "_r2"."_unit" AS "_unit",
              "_r2"."_seed" AS "_seed",
              "_r2"."c1" AS "k1",
              "_r2"."c3" AS "_x4",
              "_r2"."c2" AS "_x5"
            FROM (
              SELECT
                "_r1"."c2" AS "c1",
                "_r1"."c4" AS "c2",
                "_r1"."c5" AS "c3",
                "_r1"."_unit" AS "_unit",
                "_r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "_r1"
            ) AS "_r2"
          ) AS "_r3"
          GROUP BY
            "_r3"."_unit",
            "_r3"."k1"
          HAVING
            CASE
              WHEN (
                COUNT(*) > 0
              )
              THEN (
                "_r3"."k1" IN (CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT))
              )
            END
        ) AS "_r7"
      ) AS "_r8"
    ) AS "_r9"
    WHERE
      "_r9"."_place" <= 2
  ) AS "_r10"
  GROUP BY
    "_r10"."k1"
) AS "_r11"
-- with $1 = 儿科, $2 = 其他, $3 = 内科, $4 = 外科; at most 4 rows of text, integer, integer
-- m1t
SELECT
  CAST(COALESCE(SUM("_r10"."_cut"), 0) AS BIGINT) AS "_cut"
FROM (
  SELECT
    CASE WHEN (
      MAX("_r9"."_cut") > 0
    ) THEN 1 WHEN (
      COUNT(*) > 2
    ) THEN 1 ELSE 0 END AS "_cut"
  FROM (
    SELECT
      "_r8"."_unit" AS "_unit",
      "_r8"."_cut" AS "_cut"
    FROM (
      SELECT
        "_r7"."_unit" AS "_unit",
        "_r7"."_seed" AS "_seed",
        "_r7"."k1" AS "k1",
        LEAST("_r7"."n_m1s1", 3) AS "m1s1",
        "_r7"."s_m1s2" AS "m1s2",
        CASE
          WHEN (
            "_r7"."n_m1s1" > 3
          )
          THEN 1
          WHEN (
            "_r7"."n_m1s2" > 3
          )
          THEN 1
          ELSE 0
        END AS "_cut"
      FROM (
        SELECT
          "_r3"."_unit" AS "_unit",
          MIN("_r3"."_seed") AS "_seed",
          "_r3"."k1" AS "k1",
          COUNT(*) AS "n_m1s1",
          LIST_TRANSFORM(
            LIST_SLICE(
              LIST_SORT(
                ARRAY_AGG(
                  DISTINCT {'d': LEFT(
                    MD5(
                      (
                        CAST("_r3"."_seed" AS TEXT) || (
                          CASE
                            WHEN (
                              "_r3"."k1" IS NULL
                            )
                            THEN ';n'
                            ELSE (
                              (
                                ';' || CAST(LENGTH(CAST("_r3"."k1" AS TEXT)) AS TEXT)
                              ) || (
                                ':' || CAST("_r3"."k1" AS TEXT)
                              )
                            )
                          END
                        )
                      ) || (
                        CASE
                          WHEN (
                            (
                              "_r3"."_x5" + 0.0
                            ) IS NULL
                          )
                          THEN ';n'
                          ELSE (
                            (
                              ';' || CAST(LENGTH(FORMAT('{:.17e}', (
                                "_r3"."_x5" + 0.0
                              ) + 0.0)) AS TEXT)
                            ) || (
                              ':' || FORMAT('{:.17e}', (
                                "_r3"."_x5" + 0.0
                              ) + 0.0)
                            )
                          )
                        END
                      )
                    ),
                    16
                  ), 'x': "_r3"."_x5" + 0.0}
                ) FILTER(WHERE
                  "_r3"."_x4"
                  AND (
                    (
                      NOT (
                        "_r3"."_x5" IS NULL
                      )
                    ) AND ISFINITE("_r3"."_x5")
                  ))
              ),
              1,
              3
            ),
            LAMBDA v : v.x
          ) AS "s_m1s2",
          COUNT(DISTINCT "_r3"."_x5" + 0.0) FILTER(WHERE
            "_r3"."_x4"
            AND (
              (
                NOT (
                  "_r3"."_x5" IS NULL
                )
              ) AND ISFINITE("_r3"."_x5")
            )) AS "n_m1s2"
        FROM (
          SELECT
            "_r2"."_unit" AS "_unit",
            "_r2"."_seed" AS "_seed",
            "_r2"."c1" AS "k1",
            "_r2"."c3" AS "_x4",
            "_r2"."c2" AS "_x5"
          FROM (
            SELECT
              "_r1"."c2" AS "c1",
              "_r1"."c4" AS "c2",
              "_r1"."c5" AS "c3",
              "_r1"."_unit" AS "_unit",
              "_r1"."_seed" AS "_seed"
            FROM "private0"."main"."t1" AS "_r1"
          ) AS "_r2"
        ) AS "_r3"
        GROUP BY
          "_r3"."_unit",
          "_r3"."k1"
        HAVING
          CASE
            WHEN (
              COUNT(*) > 0
            )
            THEN (
              "_r3"."k1" IN (CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT))
            )
          END
      ) AS "_r7"
    ) AS "_r8"
  ) AS "_r9"
  GROUP BY
    "_r9"."_unit"
) AS "_r10"
-- with $1 = 儿科, $2 = 其他, $3 = 内科, $4 = 外科; at most 1 rows of integer
-- answer
SELECT
  "_r4"."o1" AS "o1",
  "_r4"."o2" AS "o2",
  "_r4"."o3" AS "o3",
  "_r4"."_m2" AS "_m2"
FROM (
  SELECT
    "_r3"."k1" AS "o1",
    "_r3"."a1" AS "o2",
    "_r3"."a2" AS "o3",
    "_r3"."_m2" AS "_m2",
    "_r3"."_order" AS "_order"
  FROM (
    SELECT
      "_r1"."k1" AS "k1",
      "_r1"."a1" AS "a1",
      "_r1"."a2" AS "a2",
      "_r1"."_number" AS "_m2",
      "_r1"."_number" AS "_order"
    FROM "temp"."main"."m1" AS "_r1"
  ) AS "_r3"
) AS "_r4"
ORDER BY
  "_r4"."_order" ASC
-- with no parameters; at most 1000000 rows of text, integer, integer, integer

-- buckets of two quantiles of one argument, of units cut to groups and scaled to rows
SELECT 科室, MEDIAN(费用), QUANTILE_DISC(费用, 0.9) FROM visits GROUP BY 1
=>
-- m1t
SELECT
  CAST(COALESCE(SUM("_r11"."_cut"), 0) AS BIGINT) AS "_cut"
FROM (
  SELECT
    CASE
      WHEN (
        MAX("_r10"."_cut") > 0
      )
      THEN 1
      WHEN (
        COUNT(*) > 2
      )
      THEN 1
      ELSE 0
    END AS "_cut"
  FROM (
    SELECT
      "_r9"."_unit" AS "_unit",
      "_r9"."_cut" AS "_cut"
    FROM (
      SELECT
        "_r8"."_unit" AS "_unit",
        "_r8"."_seed" AS "_seed",
        "_r8"."k1" AS "k1",
        CASE WHEN (
          "_r8"."m1b1" > 3
        ) THEN 1 ELSE 0 END AS "_cut"
      FROM (
        SELECT
          "_r3"."_unit" AS "_unit",
          MIN("_r3"."_seed") AS "_seed",
          "_r3"."k1" AS "k1",
          COUNT("_r3"."_x7") AS "m1b1"
        FROM (
          SELECT
            "_r6"."_unit" AS "_unit",
            "_r6"."_seed" AS "_seed",
            "_r6"."k1" AS "k1",
            "_r6"."_x4" AS "_x4",
            "_r6"."_x5" AS "_x5",
            CASE
              WHEN (
                "_r6"."_x5" BETWEEN CAST($2 AS DOUBLE) AND CAST($3 AS DOUBLE)
              )
              THEN CAST("_r6"."_x5" AS BIGINT)
              WHEN ISFINITE("_r6"."_x4")
              THEN (
                CASE WHEN (
                  "_r6"."_x5" < CAST($2 AS DOUBLE)
                ) THEN 0 ELSE 10000 END
              )
            END AS "_x7"
          FROM (
            SELECT
              "_r2"."_unit" AS "_unit",
              "_r2"."_seed" AS "_seed",
              "_r2"."c1" AS "k1",
              "_r2"."c2" AS "_x4",
              ROUND("_r2"."c2" * CAST($1 AS DOUBLE)) AS "_x5"
            FROM (
              SELECT
                "_r1"."c2" AS "c1",
                "_r1"."c4" AS "c2",
                "_r1"."_unit" AS "_unit",
                "_r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "_r1"
            ) AS "_r2"
          ) AS "_r6"
        ) AS "_r3"
        GROUP BY
          "_r3"."_unit",
          "_r3"."k1"
        HAVING
          CASE
            WHEN (
              COUNT(*) > 0
            )
            THEN (
              "_r3"."k1" IN (CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS TEXT))
            )
          END
      ) AS "_r8"
    ) AS "_r9"
  ) AS "_r10"
  GROUP BY
    "_r10"."_unit"
) AS "_r11"
-- with $1 = 5, $2 = 0, $3 = 10000, $4 = 儿科, $5 = 其他, $6 = 内科, $7 = 外科; at most 1 rows of integer
-- m1b1
SELECT
  "_r9"."k1" AS "k1",
  CAST("_r9"."_b" AS BIGINT) AS "_b",
  CAST(LEAST(
    SUM(
      CASE
        WHEN (
          "_r9"."_n" > 3
        )
        THEN (
          (
            (
              CAST("_r9"."_c" AS INT128) * 1048576
            ) * 3
          ) // "_r9"."_n"
        )
        ELSE (
          CAST("_r9"."_c" AS INT128) * 1048576
        )
      END
    ),
    4611686018427387903
  ) AS BIGINT) AS "_c"
FROM (
  SELECT
    "_r10"."k1" AS "k1",
    "_r10"."_b" AS "_b",
    "_r10"."_c" AS "_c",
    SUM("_r10"."_c") OVER (PARTITION BY "_r10"."_unit", "_r10"."k1") AS "_n",
    DENSE_RANK() OVER (
      PARTITION BY "_r10"."_unit"
      ORDER BY LEFT(
        MD5(
          CAST("_r10"."_seed" AS TEXT) || (
            CASE
              WHEN (
                "_r10"."k1" IS NULL
              )
              THEN ';n'
              ELSE (
                (
                  ';' || CAST(LENGTH(CAST("_r10"."k1" AS TEXT)) AS TEXT)
                ) || (
                  ':' || CAST("_r10"."k1" AS TEXT)
                )
              )
            END
          )
        ),
        16
      ) ASC, "_r10"."k1" ASC
    ) AS "_g"
  FROM (
    SELECT
      "_r8"."_unit" AS "_unit",
      MIN("_r8"."_seed") AS "_seed",
      "_r8"."k1" AS "k1",
      "_r8"."_b" AS "_b",
      COUNT(*) AS "_c"
    FROM (
      SELECT
        "_r3"."_unit" AS "_unit",
        "_r3"."_seed" AS "_seed",
        "_r3"."k1" AS "k1",
        "_r3"."_x7" AS "_b"
      FROM (
        SELECT
          "_r6"."_unit" AS "_unit",
          "_r6"."_seed" AS "_seed",
          "_r6"."k1" AS "k1",
          "_r6"."_x4" AS "_x4",
          "_r6"."_x5" AS "_x5",
          CASE
            WHEN (
              "_r6"."_x5" BETWEEN CAST($2 AS DOUBLE) AND CAST($3 AS DOUBLE)
            )
            THEN CAST("_r6"."_x5" AS BIGINT)
            WHEN ISFINITE("_r6"."_x4")
            THEN (
              CASE WHEN (
                "_r6"."_x5" < CAST($2 AS DOUBLE)
              ) THEN 0 ELSE 10000 END
            )
          END AS "_x7"
        FROM (
          SELECT
            "_r2"."_unit" AS "_unit",
            "_r2"."_seed" AS "_seed",
            "_r2"."c1" AS "k1",
            "_r2"."c2" AS "_x4",
            ROUND("_r2"."c2" * CAST($1 AS DOUBLE)) AS "_x5"
          FROM (
            SELECT
              "_r1"."c2" AS "c1",
              "_r1"."c4" AS "c2",
              "_r1"."_unit" AS "_unit",
              "_r1"."_seed" AS "_seed"
            FROM "private0"."main"."t1" AS "_r1"
          ) AS "_r2"
        ) AS "_r6"
      ) AS "_r3"
      WHERE
        NOT (
          "_r3"."_x7" IS NULL
        )
    ) AS "_r8"
    GROUP BY
      "_r8"."_unit",
      "_r8"."k1",
      "_r8"."_b"
    HAVING
      CASE
        WHEN (
          COUNT(*) > 0
        )
        THEN (
          "_r8"."k1" IN (CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS TEXT))
        )
      END
  ) AS "_r10"
) AS "_r9"
WHERE
  "_r9"."_g" <= 2
GROUP BY
  "_r9"."k1",
  "_r9"."_b"
-- with $1 = 5, $2 = 0, $3 = 10000, $4 = 儿科, $5 = 其他, $6 = 内科, $7 = 外科; at most 40004 rows of text, integer, integer
-- answer
SELECT
  "_r4"."o1" AS "o1",
  "_r4"."o2" AS "o2",
  "_r4"."o3" AS "o3",
  "_r4"."_m2" AS "_m2"
FROM (
  SELECT
    "_r3"."k1" AS "o1",
    "_r3"."a1" AS "o2",
    "_r3"."a2" AS "o3",
    "_r3"."_m2" AS "_m2",
    "_r3"."_order" AS "_order"
  FROM (
    SELECT
      "_r1"."k1" AS "k1",
      "_r1"."a1" AS "a1",
      "_r1"."a2" AS "a2",
      "_r1"."_number" AS "_m2",
      "_r1"."_number" AS "_order"
    FROM "temp"."main"."m1" AS "_r1"
  ) AS "_r3"
) AS "_r4"
ORDER BY
  "_r4"."_order" ASC
-- with no parameters; at most 1000000 rows of text, double, double, integer

-- buckets of the private group keys that were released
SELECT 费用, MAX(费用) FILTER (WHERE emergency) FROM visits GROUP BY 1
=>
-- m1
SELECT
  "_r9"."k1" AS "k1",
  CAST(LEAST(
    GREATEST(CAST("_r9"."m1s1" AS INT128), (
      -4611686018427387903
    )),
    4611686018427387903
  ) AS BIGINT) AS "m1s1"
FROM (
  SELECT
    "_r8"."k1" AS "k1",
    COALESCE(SUM("_r8"."m1s1"), 0) AS "m1s1"
  FROM (
    SELECT
      "_r7"."k1" AS "k1",
      "_r7"."m1s1" AS "m1s1"
    FROM (
      SELECT
        "_r6"."k1" AS "k1",
        "_r6"."m1s1" AS "m1s1",
        ROW_NUMBER() OVER (
          PARTITION BY "_r6"."_unit"
          ORDER BY LEFT(
            MD5(
              CAST("_r6"."_seed" AS TEXT) || (
                CASE
                  WHEN (
                    "_r6"."k1" IS NULL
                  )
                  THEN ';n'
                  ELSE (
                    (
                      ';' || CAST(LENGTH(FORMAT('{:.17e}', "_r6"."k1" + 0.0)) AS TEXT)
                    ) || (
                      ':' || FORMAT('{:.17e}', "_r6"."k1" + 0.0)
                    )
                  )
                END
              )
            ),
            16
          ) ASC, "_r6"."k1" ASC
        ) AS "_place"
      FROM (
        SELECT
          "_r5"."_unit" AS "_unit",
          "_r5"."_seed" AS "_seed",
          "_r5"."k1" AS "k1",
          LEAST("_r5"."n_m1s1", 1) AS "m1s1"
        FROM (
          SELECT
            "_r3"."_unit" AS "_unit",
            MIN("_r3"."_seed") AS "_seed",
            "_r3"."k1" AS "k1",
            COUNT(*) AS "n_m1s1"
          FROM (
            SELECT
              "_r2"."_unit" AS "_unit",
              "_r2"."_seed" AS "_seed",
              "_r2"."c1" AS "k1"
            FROM (
              SELECT
                "_r1"."c4" AS "c1",
                "_r1"."c5" AS "c2",
                "_r1"."_unit" AS "_unit",
                "_r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "_r1"
            ) AS "_r2"
          ) AS "_r3"
          GROUP BY
            "_r3"."_unit",
            "_r3"."k1"
        ) AS "_r5"
      ) AS "_r6"
    ) AS "_r7"
    WHERE
      "_r7"."_place" <= 2
  ) AS "_r8"
  GROUP BY
    "_r8"."k1"
) AS "_r9"
-- with no parameters; at most 4000000 rows of double, integer
-- m1t
SELECT
  CAST(COALESCE(SUM("_r12"."_cut"), 0) AS BIGINT) AS "_cut"
FROM (
  SELECT
    CASE
      WHEN (
        MAX("_r11"."_cut") > 0
      )
      THEN 1
      WHEN (
        COUNT(*) > 2
      )
      THEN 1
      ELSE 0
    END AS "_cut"
  FROM (
    SELECT
      "_r10"."_unit" AS "_unit",
      "_r10"."_cut" AS "_cut"
    FROM (
      SELECT
        "_r9"."_unit" AS "_unit",
        "_r9"."_seed" AS "_seed",
        "_r9"."k1" AS "k1",
        LEAST("_r9"."n_m1s1", 1) AS "m1s1",
        CASE WHEN (
          "_r9"."m1b1" > 3
        ) THEN 1 ELSE 0 END AS "_cut"
      FROM (
        SELECT
          "_r3"."_unit" AS "_unit",
          MIN("_r3"."_seed") AS "_seed",
          "_r3"."k1" AS "k1",
          COUNT(*) AS "n_m1s1",
          COUNT("_r3"."_x8") FILTER(WHERE
            "_r3"."_x4") AS "m1b1"
        FROM (
          SELECT
            "_r7"."_unit" AS "_unit",
            "_r7"."_seed" AS "_seed",
            "_r7"."k1" AS "k1",
            "_r7"."_x4" AS "_x4",
            "_r7"."_x5" AS "_x5",
            "_r7"."_x6" AS "_x6",
            CASE
              WHEN (
                "_r7"."_x6" BETWEEN CAST($2 AS DOUBLE) AND CAST($3 AS DOUBLE)
              )
              THEN CAST("_r7"."_x6" AS BIGINT)
              WHEN ISFINITE("_r7"."_x5")
              THEN (
                CASE WHEN (
                  "_r7"."_x6" < CAST($2 AS DOUBLE)
                ) THEN 0 ELSE 10000 END
              )
            END AS "_x8"
          FROM (
            SELECT
              "_r2"."_unit" AS "_unit",
              "_r2"."_seed" AS "_seed",
              "_r2"."c1" AS "k1",
              "_r2"."c2" AS "_x4",
              "_r2"."c1" AS "_x5",
              ROUND("_r2"."c1" * CAST($1 AS DOUBLE)) AS "_x6"
            FROM (
              SELECT
                "_r1"."c4" AS "c1",
                "_r1"."c5" AS "c2",
                "_r1"."_unit" AS "_unit",
                "_r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "_r1"
            ) AS "_r2"
          ) AS "_r7"
        ) AS "_r3"
        GROUP BY
          "_r3"."_unit",
          "_r3"."k1"
      ) AS "_r9"
    ) AS "_r10"
  ) AS "_r11"
  GROUP BY
    "_r11"."_unit"
) AS "_r12"
-- with $1 = 5, $2 = 0, $3 = 10000; at most 1 rows of integer
-- m1g
SELECT
  CAST(COUNT(*) AS BIGINT) AS "_groups"
FROM (
  SELECT DISTINCT
    "_r8"."k1" AS "k1"
  FROM (
    SELECT
      "_r7"."k1" AS "k1",
      "_r7"."m1s1" AS "m1s1"
    FROM (
      SELECT
        "_r6"."k1" AS "k1",
        "_r6"."m1s1" AS "m1s1",
        ROW_NUMBER() OVER (
          PARTITION BY "_r6"."_unit"
          ORDER BY LEFT(
            MD5(
              CAST("_r6"."_seed" AS TEXT) || (
                CASE
                  WHEN (
                    "_r6"."k1" IS NULL
                  )
                  THEN ';n'
                  ELSE (
                    (
                      ';' || CAST(LENGTH(FORMAT('{:.17e}', "_r6"."k1" + 0.0)) AS TEXT)
                    ) || (
                      ':' || FORMAT('{:.17e}', "_r6"."k1" + 0.0)
                    )
                  )
                END
              )
            ),
            16
          ) ASC, "_r6"."k1" ASC
        ) AS "_place"
      FROM (
        SELECT
          "_r5"."_unit" AS "_unit",
          "_r5"."_seed" AS "_seed",
          "_r5"."k1" AS "k1",
          LEAST("_r5"."n_m1s1", 1) AS "m1s1"
        FROM (
          SELECT
            "_r3"."_unit" AS "_unit",
            MIN("_r3"."_seed") AS "_seed",
            "_r3"."k1" AS "k1",
            COUNT(*) AS "n_m1s1"
          FROM (
            SELECT
              "_r2"."_unit" AS "_unit",
              "_r2"."_seed" AS "_seed",
              "_r2"."c1" AS "k1"
            FROM (
              SELECT
                "_r1"."c4" AS "c1",
                "_r1"."c5" AS "c2",
                "_r1"."_unit" AS "_unit",
                "_r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "_r1"
            ) AS "_r2"
          ) AS "_r3"
          GROUP BY
            "_r3"."_unit",
            "_r3"."k1"
        ) AS "_r5"
      ) AS "_r6"
    ) AS "_r7"
    WHERE
      "_r7"."_place" <= 2
  ) AS "_r8"
) AS "_r9"
-- with no parameters; at most 1 rows of integer
-- m1b1
SELECT
  "_r12"."k1" AS "k1",
  CAST("_r12"."_b" AS BIGINT) AS "_b",
  CAST(LEAST(
    SUM(
      CASE
        WHEN (
          "_r12"."_n" > 3
        )
        THEN (
          (
            (
              CAST("_r12"."_c" AS INT128) * 1048576
            ) * 3
          ) // "_r12"."_n"
        )
        ELSE (
          CAST("_r12"."_c" AS INT128) * 1048576
        )
      END
    ),
    4611686018427387903
  ) AS BIGINT) AS "_c"
FROM (
  SELECT
    "_r13"."k1" AS "k1",
    "_r13"."_b" AS "_b",
    "_r13"."_c" AS "_c",
    SUM("_r13"."_c") OVER (PARTITION BY "_r13"."_unit", "_r13"."k1") AS "_n",
    DENSE_RANK() OVER (
      PARTITION BY "_r13"."_unit"
      ORDER BY LEFT(
        MD5(
          CAST("_r13"."_seed" AS TEXT) || (
            CASE
              WHEN (
                "_r13"."k1" IS NULL
              )
              THEN ';n'
              ELSE (
                (
                  ';' || CAST(LENGTH(FORMAT('{:.17e}', "_r13"."k1" + 0.0)) AS TEXT)
                ) || (
                  ':' || FORMAT('{:.17e}', "_r13"."k1" + 0.0)
                )
              )
            END
          )
        ),
        16
      ) ASC, "_r13"."k1" ASC
    ) AS "_g"
  FROM (
    SELECT
      "_r10"."_unit" AS "_unit",
      "_r10"."_seed" AS "_seed",
      "_r10"."k1" AS "k1",
      "_r10"."_b" AS "_b",
      "_r10"."_c" AS "_c"
    FROM (
      SELECT
        "_r9"."_unit" AS "_unit",
        MIN("_r9"."_seed") AS "_seed",
        "_r9"."k1" AS "k1",
        "_r9"."_b" AS "_b",
        COUNT(*) AS "_c"
      FROM (
        SELECT
          "_r3"."_unit" AS "_unit",
          "_r3"."_seed" AS "_seed",
          "_r3"."k1" AS "k1",
          "_r3"."_x8" AS "_b"
        FROM (
          SELECT
            "_r7"."_unit" AS "_unit",
            "_r7"."_seed" AS "_seed",
            "_r7"."k1" AS "k1",
            "_r7"."_x4" AS "_x4",
            "_r7"."_x5" AS "_x5",
            "_r7"."_x6" AS "_x6",
            CASE
              WHEN (
                "_r7"."_x6" BETWEEN CAST($2 AS DOUBLE) AND CAST($3 AS DOUBLE)
              )
              THEN CAST("_r7"."_x6" AS BIGINT)
              WHEN ISFINITE("_r7"."_x5")
              THEN (
                CASE WHEN (
                  "_r7"."_x6" < CAST($2 AS DOUBLE)
                ) THEN 0 ELSE 10000 END
              )
            END AS "_x8"
          FROM (
            SELECT
              "_r2"."_unit" AS "_unit",
              "_r2"."_seed" AS "_seed",
              "_r2"."c1" AS "k1",
              "_r2"."c2" AS "_x4",
              "_r2"."c1" AS "_x5",
              ROUND("_r2"."c1" * CAST($1 AS DOUBLE)) AS "_x6"
            FROM (
              SELECT
                "_r1"."c4" AS "c1",
                "_r1"."c5" AS "c2",
                "_r1"."_unit" AS "_unit",
                "_r1"."_seed" AS "_seed"
              FROM "private0"."main"."t1" AS "_r1"
            ) AS "_r2"
          ) AS "_r7"
        ) AS "_r3"
        WHERE
          (
            NOT (
              "_r3"."_x8" IS NULL
            )
          ) AND "_r3"."_x4"
      ) AS "_r9"
      GROUP BY
        "_r9"."_unit",
        "_r9"."k1",
        "_r9"."_b"
    ) AS "_r10"
    JOIN "temp"."main"."_released" AS "_r11"
      ON "_r10"."k1" IS NOT DISTINCT FROM "_r11"."k1"
  ) AS "_r13"
) AS "_r12"
WHERE
  "_r12"."_g" <= 2
GROUP BY
  "_r12"."k1",
  "_r12"."_b"
-- with $1 = 5, $2 = 0, $3 = 10000; at most 20002 rows of double, integer, integer
-- answer
SELECT
  "_r4"."o1" AS "o1",
  "_r4"."o2" AS "o2",
  "_r4"."_m2" AS "_m2"
FROM (
  SELECT
    "_r3"."k1" AS "o1",
    "_r3"."a1" AS "o2",
    "_r3"."_m2" AS "_m2",
    "_r3"."_order" AS "_order"
  FROM (
    SELECT
      "_r1"."k1" AS "k1",
      "_r1"."a1" AS "a1",
      "_r1"."_number" AS "_m2",
      "_r1"."_number" AS "_order"
    FROM "temp"."main"."m1" AS "_r1"
  ) AS "_r3"
) AS "_r4"
ORDER BY
  "_r4"."_order" ASC
-- with no parameters; at most 1000000 rows of double, double, integer
