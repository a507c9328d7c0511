# ruff: noqa: S608  statements are made of generated names; values are bound
"""From the provider's files to typed tables: headers, cells, types and declared keys."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

from policies.cards import ColumnType, TableCard
from sandbox.datasets.order import Finding, Format, InputFile, What
from sandbox.datasets.staging import parse_sql
from sandbox.datasets.units import ascii_canonical_sql, canonical_key
from sandbox.datasets.workbench import SHOWN, Unreadable, Workbench, place

_FLAT = (
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
    *("FLOAT", "DOUBLE", "DECIMAL", "VARCHAR", "DATE", "TIMESTAMP", "UUID", "ENUM"),
)


def read(bench: Workbench) -> None:
    """r{i}: the text of every declared column, x{j}, in the order of the file."""
    files = {file.table: (number, file) for number, file in enumerate(bench.order.files)}
    for i, table in enumerate(bench.tables):
        number, file = files[table.name]
        path = str(bench.scratch / f"input{number}")
        try:
            if file.format is Format.CSV:
                _read_csv(bench, i, table, file, path)
            else:
                _read_parquet(bench, i, table, path)
        except UnicodeDecodeError:
            bench.findings.append(Finding(What.ENCODING, table.name))
        except (csv.Error, Unreadable):
            bench.findings.append(Finding(What.DAMAGED, table.name))
    bench.judge()


def _read_csv(bench: Workbench, i: int, table: TableCard, file: InputFile, path: str) -> None:
    header = _csv_header(file)
    if _misfits(bench, table, header, frozenset()):
        return
    names = ", ".join(f"h{k}: 'VARCHAR'" for k in range(len(header)))
    bench.rows(
        f"CREATE TABLE r{i} AS SELECT {_texts(table, header)} FROM read_csv($path, auto_detect = false, header = true,"
        f" columns = {{{names}}}, delim = ',', quote = '\"', escape = '\"', nullstr = '',"
        f" store_rejects = true, rejects_table = 'rejects{i}', rejects_scan = 'scans{i}')",
        path=path,
    )
    [(count, lines)] = bench.rows(f"SELECT count(*), min(line, {SHOWN}) FROM (SELECT DISTINCT line FROM rejects{i})")
    if count:
        bench.findings.append(Finding(What.MALFORMED, table.name, (), count, tuple(lines)))


def _read_parquet(bench: Workbench, i: int, table: TableCard, path: str) -> None:
    found = bench.rows("DESCRIBE SELECT * FROM read_parquet($path)", path=path)
    header = [unicodedata.normalize("NFKC", str(name)) for name, *_ in found]
    nested = frozenset(name for name, (_, kind, *_) in zip(header, found, strict=True) if not _is_flat(str(kind)))
    if _misfits(bench, table, header, nested):
        return
    names = ", ".join(f"h{k}" for k in range(len(header)))
    texts = _texts(table, header)
    bench.rows(f"CREATE TABLE r{i} AS SELECT {texts} FROM read_parquet($path) AS f({names})", path=path)


def _csv_header(file: InputFile) -> list[str]:
    """The names in the first line. Raises UnicodeDecodeError, csv.Error."""
    with Path(f"/proc/self/fd/{file.descriptor}").open(encoding="utf-8-sig", newline="") as text:
        return [unicodedata.normalize("NFKC", name).strip() for name in next(csv.reader(text, strict=True), [])]


def _misfits(bench: Workbench, table: TableCard, header: list[str], nested: frozenset[str]) -> bool:
    """Whether the columns found are not those declared; says which, by name only where the card has the name."""
    declared = [column.name for column in table.columns]
    unknown = [number for number, name in enumerate(header, 1) if name not in declared]
    findings = [
        Finding(what, table.name, (name,))
        for what, names in (
            (What.MISSING_COLUMN, [name for name in declared if name not in header]),
            (What.REPEATED_COLUMN, sorted({name for name in declared if header.count(name) > 1})),
            (What.NESTED, sorted(nested.intersection(declared))),
        )
        for name in names
    ]
    if unknown:
        findings.append(Finding(What.UNKNOWN_COLUMN, table.name, (), len(unknown), tuple(unknown[:SHOWN])))
    bench.findings += findings
    return bool(findings)


def _texts(table: TableCard, header: list[str]) -> str:
    places = [header.index(column.name) for column in table.columns]
    return ", ".join(f"CAST(h{k} AS VARCHAR) AS x{j}" for j, k in enumerate(places))


def _is_flat(kind: str) -> bool:
    """Whether an engine type is a plain value: DECIMAL(9,2) and TIMESTAMP_NS are, INTEGER[] is not."""
    word = "".join(letter if letter.isalpha() else " " for letter in kind).split()[0]
    return not kind.endswith("]") and word in _FLAT


def parse(bench: Workbench) -> None:
    """s{i}: typed values p{j} and row number n; unit keys in canonical form, a blank one NULL."""
    _canonical_keys(bench)
    for i, table in enumerate(bench.tables):
        values = []
        joins = []
        for j, column in enumerate(table.columns):
            if column.type is ColumnType.UNIT:
                ascii_key = ascii_canonical_sql(f"x{j}", bench.order.canonical)
                value = f"CASE WHEN strlen(x{j}) = length(x{j}) THEN {ascii_key} ELSE k{j}.key END"
                joins.append(f" LEFT JOIN canonical k{j} ON k{j}.raw = x{j}")
            else:
                value = parse_sql(f"x{j}", column.type)
            kept = f"nullif({value}, '')" if column.type is ColumnType.UNIT else value
            values.append(f"{kept} AS p{j}, x{j} IS NOT NULL AND ({value}) IS NULL AS b{j}")
        bench.rows(f"CREATE TABLE s{i} AS SELECT r{i}.rowid + 1 AS n, {', '.join(values)} FROM r{i}{''.join(joins)}")
        bench.rows(f"DROP TABLE r{i}")
        bench.count(table, f"s{i}", [(What.UNPARSED, (c.name,), f"b{j}") for j, c in enumerate(table.columns)])
        keys = [f"p{place(table, name)}" for name in table.key]
        bench.unique(What.DUPLICATE_KEY, table, table.key, f"s{i}", keys)
    bench.judge()


def _canonical_keys(bench: Workbench) -> None:
    """canonical: the form of every unit key that is not ASCII, which the engine cannot normalise."""
    places = [
        f"SELECT x{j} AS raw FROM r{i} WHERE strlen(x{j}) <> length(x{j})"
        for i, table in enumerate(bench.tables)
        for j, column in enumerate(table.columns)
        if column.type is ColumnType.UNIT
    ]
    everything = " UNION ALL ".join(places)
    raw = [str(text) for (text,) in bench.rows(f"SELECT DISTINCT raw FROM ({everything})")] if places else []
    bench.rows(
        "CREATE TABLE canonical AS"
        " SELECT unnest(CAST($raw AS VARCHAR[])) AS raw, unnest(CAST($keys AS VARCHAR[])) AS key",
        raw=raw,
        keys=[canonical_key(text, bench.order.canonical) for text in raw],
    )
