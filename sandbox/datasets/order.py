"""What the parent of a load asks of its child, and what it hears back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from policies.canonical import card_from_json, card_to_json
from policies.cards import DatasetCard
from policies.domains import Canonical
from sandbox.datasets.facts import facts_from_json, facts_to_json
from sandbox.plan.checked import PublicFacts


class Format(StrEnum):
    """How an input file is written, by its suffix."""

    CSV = "csv"
    """RFC 4180, comma, header, UTF-8 with or without byte order mark."""
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class InputFile:
    """The rows of one table."""

    table: str
    format: Format
    descriptor: int


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """One load. Every descriptor is one that the child has inherited."""

    card: DatasetCard
    canonical: Canonical
    max_units: int
    digest_key: bytes
    """Digests unit keys for the domain's dictionary."""
    seed_key: bytes
    """Makes `_seed` and `_rank`."""
    files: tuple[InputFile, ...]
    segments: tuple[int, ...]
    """The dictionary so far."""
    private: int
    """Empty memfd for the private part; so are the next two."""
    public: int
    grown: int
    """For the dictionary's next segment, which every load adds, whether anybody is new or not (rule 4)."""


class What(StrEnum):
    """What is wrong with a file, or worth a word about it."""

    ENCODING = "encoding"
    DAMAGED = "damaged"
    MALFORMED = "malformed"
    MISSING_COLUMN = "missing_column"
    UNKNOWN_COLUMN = "unknown_column"
    REPEATED_COLUMN = "repeated_column"
    NESTED = "nested"
    UNPARSED = "unparsed"
    EMPTY = "empty"
    DUPLICATE_KEY = "duplicate_key"
    DUPLICATE_UNIT_KEY = "duplicate_unit_key"
    NO_TARGET = "no_target"
    OTHER_NOT_KEY = "other_not_key"
    MANY_UNITS = "many_units"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, for the provider's own terminal and no other place (rule 4). It names no cell's value.

    Of a file's first line, which is a record where the header was forgotten, it names what the card names too.
    """

    what: What
    table: str
    columns: tuple[str, ...] = ()
    count: int = 0
    rows: tuple[int, ...] = ()
    """The first data rows concerned, from 1, the header not counted; of unknown columns, their places."""

    def sentence(self) -> str:
        """One line in both languages."""
        place = self.table + (f".{', '.join(self.columns)}" if self.columns else "")
        numbers = ", ".join(map(str, self.rows)) + (", …" if self.count > len(self.rows) else "")
        english, chinese = _SENTENCES[self.what]
        where = f" ({self.count}: {numbers})" if self.rows else ""
        return f"{place}: {english} / {chinese}{where}"


_SENTENCES: Mapping[What, tuple[str, str]] = {
    What.ENCODING: ("the file is not UTF-8", "文件不是 UTF-8 编码"),
    What.DAMAGED: ("the file cannot be read as its suffix says", "文件无法按其后缀格式读取"),
    What.MALFORMED: ("malformed lines; line numbers", "格式错误的行；行号"),
    What.MISSING_COLUMN: ("the column is missing", "缺少该列"),
    What.UNKNOWN_COLUMN: ("columns that are not on the card; their places", "数据卡中没有的列；列序号"),
    What.REPEATED_COLUMN: ("the column is repeated", "该列重复出现"),
    What.NESTED: ("the column holds lists, structures or bytes", "该列含有列表、结构或二进制"),
    What.UNPARSED: ("values that are not of the declared type; rows", "不符合声明类型的值；行"),
    What.EMPTY: ("no value where the card declares one; rows", "数据卡声明非空而值为空；行"),
    What.DUPLICATE_KEY: ("the declared key is not unique; rows", "声明的主键重复；行"),
    What.DUPLICATE_UNIT_KEY: ("the declared key within a unit is not unique; rows", "单元内声明的主键重复；行"),
    What.NO_TARGET: ("refers to a row that does not exist; rows", "引用的行不存在；行"),
    What.OTHER_NOT_KEY: ("the value for `other` is no key of the public table", "`other` 的取值不是公开表的主键"),
    What.MANY_UNITS: (
        "more units than the unit domain's max_units declares: results stay private but may be cut",
        "单元数超过单元域声明的 max_units：隐私保证不变，结果可能被截断",
    ),
}


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """What became of a load: refused when there are findings."""

    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    facts: Mapping[str, PublicFacts]


def order_to_json(order: LoadOrder) -> dict[str, Any]:
    """The order as what JSON knows. It holds keys: it goes through a pipe and nowhere else."""
    return {
        "card": card_to_json(order.card).decode(),
        "canonical": str(order.canonical),
        "max_units": order.max_units,
        "digest_key": order.digest_key.hex(),
        "seed_key": order.seed_key.hex(),
        "files": [[file.table, str(file.format), file.descriptor] for file in order.files],
        "segments": list(order.segments),
        "private": order.private,
        "public": order.public,
        "grown": order.grown,
    }


def order_from_json(found: dict[str, Any]) -> LoadOrder:
    """The order that was written."""
    return LoadOrder(
        card_from_json(found["card"].encode()),
        Canonical(found["canonical"]),
        found["max_units"],
        bytes.fromhex(found["digest_key"]),
        bytes.fromhex(found["seed_key"]),
        tuple(InputFile(table, Format(form), descriptor) for table, form, descriptor in found["files"]),
        tuple(found["segments"]),
        found["private"],
        found["public"],
        found["grown"],
    )


def outcome_to_json(outcome: LoadOutcome) -> dict[str, Any]:
    """The outcome as what JSON knows."""
    return {
        "findings": [_finding_to_json(finding) for finding in outcome.findings],
        "warnings": [_finding_to_json(finding) for finding in outcome.warnings],
        "facts": {table: facts_to_json(facts) for table, facts in outcome.facts.items()},
    }


def outcome_from_json(found: dict[str, Any]) -> LoadOutcome:
    """The outcome that was written."""
    return LoadOutcome(
        tuple(_finding(entry) for entry in found["findings"]),
        tuple(_finding(entry) for entry in found["warnings"]),
        {table: facts_from_json(facts) for table, facts in found["facts"].items()},
    )


def _finding_to_json(finding: Finding) -> list[Any]:
    return [str(finding.what), finding.table, list(finding.columns), finding.count, list(finding.rows)]


def _finding(found: list[Any]) -> Finding:
    what, table, columns, count, rows = found
    return Finding(What(what), table, tuple(columns), count, tuple(rows))
