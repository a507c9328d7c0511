"""Documents that a provider or department might write, for tests to spoil."""

from __future__ import annotations

CARD = """
name = "clinic"
version = 1
unit_domain = "people"
title = { zh = "门诊", en = "Clinic" }
description = { zh = "门诊", en = "Clinic" }

[budget]
rho = "1"
delta = "1e-5"

[catalogue]
provider = { zh = "卫健委", en = "Commission" }
category = { zh = "卫生", en = "Health" }
format = "csv"
sharing = "conditional"
opening = "conditional"
security_level = "3"
usage = { zh = "许可场景", en = "Licensed scenarios" }
update_cycle = "yearly"
source = { zh = "登记", en = "Register" }
acquired = 2026-01-31

[[tables]]
name = "visits"
kind = "private"
title = { zh = "就诊", en = "Visits" }
unit = "pid"
key = ["visit_no"]
unit_key = ["day"]
rows_per_unit = 50
bounds = { groups = 4, rows = 5 }
columns = [
  { name = "visit_no", type = "integer", title = { zh = "号", en = "Number" } },
  { name = "pid", type = "unit", title = { zh = "人", en = "Person" } },
  { name = "科室", type = "text", values = ["内科", "其他"], outside = "other", other = "其他", title = { zh = "科室", en = "Ward" } },
  { name = "cost", type = "double", range = [0, "20.50"], granularity = "0.01", nullable = true, title = { zh = "费用", en = "Cost" } },
  { name = "age", type = "integer", range = [0, 120], title = { zh = "年龄", en = "Age" } },
  { name = "day", type = "date", range = [2024-01-01, 2024-12-31], title = { zh = "日期", en = "Day" } },
  { name = "at", type = "timestamp", range = [2024-01-01T00:00:00, 2024-12-31T23:59:59], title = { zh = "时刻", en = "Time" } },
  { name = "urgent", type = "boolean", title = { zh = "急诊", en = "Urgent" } },
  { name = "city", type = "text", key_of = "cities", nullable = true, title = { zh = "城市", en = "City" } },
]

[[tables]]
name = "drugs"
kind = "private"
title = { zh = "处方", en = "Drugs" }
unit_through = { columns = ["visit_no"], references = "visits" }
rows_per_unit = 200
columns = [
  { name = "visit_no", type = "integer", title = { zh = "号", en = "Number" } },
]

[[tables]]
name = "cities"
kind = "public"
title = { zh = "城市", en = "Cities" }
key = ["code"]
columns = [
  { name = "code", type = "text", title = { zh = "代码", en = "Code" } },
]
"""  # noqa: E501

DOMAIN = """
name = "people"
title = { zh = "居民", en = "Residents" }
canonical = "integer"
max_units = 1000

[budget]
rho = "2"
delta = "1e-4"
"""

LICENCE = """
id = "clinic-2026-001"
institution = "institute"
mode = "scenario"
agreement = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
outputs = ["query"]
not_before = 2026-01-01T00:00:00Z
not_after = 2026-12-31T00:00:00Z
notion = "zcdp"

[budget]
rho = "0.25"
delta = "1e-6"

[[scenarios]]
id = "insurance"
title = { zh = "保险", en = "Insurance" }

[[grants]]
dataset = "clinic"
table = "visits"
columns = ["pid", "科室", "cost"]

[[grants]]
dataset = "clinic"
table = "cities"
columns = ["code"]
"""


def spoil(text: str, old: str, new: str) -> bytes:
    """The document with one place changed; the place must be there, once."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new).encode()
