"""What people write: cards, unit domains and licences as TOML, read into core types with every problem listed.

The file format is described in docs/cards.md. Unknown keys are refused, nothing is guessed, and a number that must be
exact is an integer or a string, never a TOML float.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from policies.card_consistency import card_problems, domain_problems
from policies.cards import (
    Bounds,
    Budget,
    CardValue,
    Catalogue,
    ColumnCard,
    ColumnType,
    DatasetCard,
    TableCard,
    Text,
    UnitPath,
    Violation,
)
from policies.domains import Canonical, UnitDomain
from policies.errors import PolicyError, refuse
from policies.licence_consistency import licence_problems
from policies.licences import Grant, Licence, LicenceBudget, Mode, Notion, Scenario

LARGEST_FILE = 4_000_000
"""Bytes."""

_EXACT = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,60})?(?:[eE]-?[0-9]{1,2})?|-?[0-9]{1,40}/[0-9]{1,40}")


def exact(value: object) -> Fraction:
    """The exact number an integer or a string like "0.5", "1e-6" or "1/3" stands for."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, float):
        raise ValueError('is a floating-point number; write it as a string, like "0.5"')
    if not isinstance(value, str) or not _EXACT.fullmatch(value):
        raise ValueError('is no exact number; write an integer or a string like "0.5", "1e-6" or "1/3"')
    try:
        return Fraction(value)
    except ZeroDivisionError:
        raise ValueError("divides by zero") from None


Exact = Annotated[Fraction, PlainValidator(exact)]


class Document(BaseModel):
    """A table of a TOML file: its keys are known, its types as written."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class TextDocument(Document):
    zh: str
    en: str


class ColumnDocument(Document):
    name: str
    title: TextDocument
    type: Annotated[ColumnType, Field(strict=False)]
    nullable: bool = False
    range: Annotated[list[Any], Field(min_length=2, max_length=2)] | None = None
    values: list[Any] | None = None
    key_of: str | None = None
    granularity: Exact | None = None
    outside: Annotated[Violation, Field(strict=False)] | None = None
    other: Any = None


class PathDocument(Document):
    columns: list[str]
    references: str


class BoundsDocument(Document):
    groups: int
    rows: int


class TableDocument(Document):
    name: str
    title: TextDocument
    kind: Annotated[str, Field(pattern="^(private|public)$")]
    unit: str | None = None
    unit_through: PathDocument | None = None
    key: list[str] = []
    unit_key: list[str] | None = None
    rows_per_unit: int | None = None
    bounds: BoundsDocument | None = None
    expected_size: int | None = None
    columns: list[ColumnDocument]


class BudgetDocument(Document):
    rho: Exact
    delta: Exact


class CatalogueDocument(Document):
    provider: TextDocument
    category: TextDocument
    format: str
    sharing: str
    opening: str
    security_level: str
    usage: TextDocument
    update_cycle: str
    source: TextDocument
    acquired: date


class CardDocument(Document):
    name: str
    version: int
    title: TextDocument
    description: TextDocument
    unit_domain: str
    minimum_frequency: int | None = None
    budget: BudgetDocument
    catalogue: CatalogueDocument
    tables: list[TableDocument]


class DomainDocument(Document):
    name: str
    title: TextDocument
    canonical: Annotated[Canonical, Field(strict=False)]
    max_units: int
    budget: BudgetDocument


class GrantDocument(Document):
    dataset: str
    table: str
    columns: list[str]


class ScenarioDocument(Document):
    id: str
    title: TextDocument


class LicenceBudgetDocument(Document):
    rho: Exact | None = None
    epsilon: Exact | None = None
    delta: Exact


class LicenceDocument(Document):
    id: str
    institution: str
    mode: Annotated[Mode, Field(strict=False)]
    agreement: str
    outputs: list[str]
    not_before: datetime
    not_after: datetime
    notion: Annotated[Notion, Field(strict=False)]
    minimum_frequency: int | None = None
    budget: LicenceBudgetDocument
    scenarios: list[ScenarioDocument]
    grants: list[GrantDocument]


def read_card(source: Path | bytes) -> DatasetCard:
    """The card of a TOML file. Refuses: PolicyError with every problem."""
    document = _read(CardDocument, source)
    problems: list[str] = []
    card = DatasetCard(
        name=document.name,
        version=document.version,
        title=_text(document.title),
        description=_text(document.description),
        unit_domain=document.unit_domain,
        tables=tuple(_table(table, problems) for table in document.tables),
        budget=Budget(document.budget.rho, document.budget.delta),
        catalogue=_catalogue(document.catalogue),
        minimum_frequency=document.minimum_frequency,
    )
    refuse([*problems, *card_problems(card)])
    return card


def read_domain(source: Path | bytes) -> UnitDomain:
    """The unit domain of a TOML file. Refuses: PolicyError with every problem."""
    document = _read(DomainDocument, source)
    domain = UnitDomain(
        name=document.name,
        title=_text(document.title),
        canonical=document.canonical,
        max_units=document.max_units,
        budget=Budget(document.budget.rho, document.budget.delta),
    )
    refuse(domain_problems(domain))
    return domain


def read_licence_text(source: Path | bytes) -> Licence:
    """The licence that an unsigned TOML text would grant. Refuses: PolicyError with every problem."""
    document = _read(LicenceDocument, source)
    licence = Licence(
        id=document.id,
        institution=document.institution,
        mode=document.mode,
        agreement=document.agreement,
        grants=tuple(Grant(grant.dataset, grant.table, tuple(grant.columns)) for grant in document.grants),
        scenarios=tuple(Scenario(scenario.id, _text(scenario.title)) for scenario in document.scenarios),
        outputs=tuple(document.outputs),
        not_before=_utc(document.not_before),
        not_after=_utc(document.not_after),
        notion=document.notion,
        budget=LicenceBudget(document.budget.rho, document.budget.epsilon, document.budget.delta),
        minimum_frequency=document.minimum_frequency,
    )
    refuse(licence_problems(licence))
    return licence


AnyDocument = TypeVar("AnyDocument", bound=Document)


def _read(model: type[AnyDocument], source: Path | bytes) -> AnyDocument:
    data = source if isinstance(source, bytes) else source.read_bytes()
    if len(data) > LARGEST_FILE:
        raise PolicyError([f"the file is larger than {LARGEST_FILE} bytes"])
    try:
        raw = tomllib.loads(data.decode())
    except UnicodeDecodeError:
        raise PolicyError(["the file is not UTF-8"]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PolicyError([f"the file is not TOML: {error}"]) from None
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise PolicyError(_plain_problems(error, raw)) from None


def _plain_problems(error: ValidationError, raw: Mapping[str, Any]) -> Iterator[str]:
    for each in error.errors(include_url=False):
        where = ".".join(_steps(each["loc"], raw))
        match each["type"]:
            case "extra_forbidden":
                yield f"{where}: is not a key of this file"
            case "missing":
                yield f"{where}: is missing"
            case "value_error":
                yield f"{where}: {each['ctx']['error']}"
            case _:
                yield f"{where}: {each['msg'][:1].lower()}{each['msg'][1:]}"


def _steps(location: tuple[int | str, ...], raw: Any) -> Iterator[str]:
    """The keys that lead to a place; an item of a list goes by its name where it has one."""
    here = raw
    for step in location:
        try:
            here = here[step]
        except (IndexError, KeyError, TypeError):
            here = None
        named = here.get("name") if isinstance(step, int) and isinstance(here, dict) else None
        yield named if isinstance(named, str) else str(step)


def _table(document: TableDocument, problems: list[str]) -> TableCard:
    where = f"tables.{document.name}"
    return TableCard(
        name=document.name,
        title=_text(document.title),
        columns=tuple(_column(column, f"{where}.columns.{column.name}", problems) for column in document.columns),
        unit=_unit(document, where, problems),
        key=tuple(document.key),
        unit_key=None if document.unit_key is None else tuple(document.unit_key),
        rows_per_unit=document.rows_per_unit,
        bounds=None if document.bounds is None else Bounds(document.bounds.groups, document.bounds.rows),
        expected_size=document.expected_size,
    )


def _unit(document: TableDocument, where: str, problems: list[str]) -> UnitPath | None:
    """The path to the unit; a table without one is public only if its `kind` says so too."""
    match document.kind, document.unit, document.unit_through:
        case "public", None, None:
            return None
        case "private", str(column), None:
            return UnitPath((column,), None)
        case "private", None, PathDocument(columns=columns, references=references):
            return UnitPath(tuple(columns), references)
        case "public", _, _:
            problems.append(f"{where}: a public table has neither unit nor unit_through")
        case _:
            problems.append(f"{where}: a private table has either unit or unit_through")
    return None


def _column(document: ColumnDocument, where: str, problems: list[str]) -> ColumnCard:
    def value(raw: object, key: str) -> CardValue:
        try:
            return _value(document.type, raw)
        except ValueError as error:
            problems.append(f"{where}.{key}: {error}")
            return ""

    span, values, other = document.range, document.values, document.other
    granularity = document.granularity
    return ColumnCard(
        name=document.name,
        title=_text(document.title),
        type=document.type,
        nullable=document.nullable,
        lo=None if span is None else value(span[0], "range"),
        hi=None if span is None else value(span[1], "range"),
        values=None if values is None else tuple(value(raw, "values") for raw in values),
        key_of=document.key_of,
        granularity=Fraction(1) if granularity is None and document.type is ColumnType.INTEGER else granularity,
        violation=document.outside or (Violation.NULL if span is None else Violation.CLAMP),
        other=None if other is None else value(other, "other"),
    )


def _value(kind: ColumnType, raw: object) -> CardValue:
    """A range's end or a member as the column's type writes it; whether it makes sense is judged on the whole card."""
    if kind is ColumnType.DOUBLE:
        return exact(raw)
    if isinstance(raw, bool | int | str | date):
        return raw
    raise ValueError(f"is no value of a {kind} column")


def _catalogue(document: CatalogueDocument) -> Catalogue:
    return Catalogue(
        provider=_text(document.provider),
        category=_text(document.category),
        format=document.format,
        sharing=document.sharing,
        opening=document.opening,
        security_level=document.security_level,
        usage=_text(document.usage),
        update_cycle=document.update_cycle,
        source=_text(document.source),
        acquired=document.acquired,
    )


def _text(document: TextDocument) -> Text:
    return Text(document.zh, document.en)


def _utc(moment: datetime) -> datetime:
    """The same moment in UTC; one without an offset stays as it is, and is refused as such."""
    return moment.astimezone(UTC) if moment.tzinfo else moment
