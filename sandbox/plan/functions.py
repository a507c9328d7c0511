"""The table of scalar functions: a function exists only as a row of it.

Every function is total: it raises on no value, and where it has none its result is NULL. No result is NaN or infinite,
no text longer than `TEXT_LENGTH`, no date outside the years 1 to 9999. A NULL argument gives NULL unless SQL says
otherwise (three-valued logic, CASE, COALESCE, LEAST and GREATEST, IS NULL, IS DISTINCT FROM).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product

from sandbox.errors import Refusal
from sandbox.plan.arithmetic import UnknownValueError
from sandbox.plan.function import Function
from sandbox.plan.nodes import Scalar, Type
from sandbox.plan.number_functions import NUMBER_FUNCTIONS
from sandbox.plan.signatures import Signature
from sandbox.plan.text_functions import TEXT_FUNCTIONS
from sandbox.plan.time_functions import TIME_FUNCTIONS
from sandbox.plan.value_functions import VALUE_FUNCTIONS
from sandbox.plan.values import SET_LIMIT, Values, converted, enumerated, of_members, size, stored

ROWS: tuple[Function, ...] = (*NUMBER_FUNCTIONS, *VALUE_FUNCTIONS, *TIME_FUNCTIONS, *TEXT_FUNCTIONS)
FUNCTIONS: Mapping[str, Function] = {row.name: row for row in ROWS}


def resolve(name: str, types: tuple[Type, ...]) -> Signature:
    """The signature of a function at these argument types.

    Refuses: `plan.unknown_function`, `plan.type`, `plan.unit_value` (rule 9).
    """
    function = FUNCTIONS.get(name)
    if function is None:
        raise Refusal("plan.unknown_function", {"function": name})
    signature = function.types(types)
    if signature is None:
        if Type.UNIT in types or Type.PRESENCE in types:
            raise Refusal("plan.unit_value", {"function": name})
        raise Refusal("plan.type", {"function": name, "types": ", ".join(types) or "none"})
    return signature


_PAIRS = 4
"""Of characters of two texts that count as one value."""


def evaluate(name: str, signature: Signature, arguments: tuple[Values, ...], budget: int) -> tuple[Values, int]:
    """The values of a call, and what it took to know its value set, which is nothing where `budget` does not allow it.

    Where all arguments have small value sets the function is applied to every combination.
    Unit: single values built or given to the function; where it compares texts, every few pairs of characters are one.
    """
    function = FUNCTIONS[name]
    given = tuple(map(converted, arguments, signature.parameters))
    found = replace(function.range(signature, given), per_unit=all(one.per_unit for one in arguments))
    if found.members is not None:
        return found, 0
    members = None if function.members is None else function.members(arguments, found, budget)
    if members is not None:
        return _exactly(members, found, nullable=found.nullable), len(members)
    sizes = [None if (count := size(one)) is None else count + one.nullable for one in arguments]
    count = math.prod(one for one in sizes if one is not None)
    spent = count * len(arguments)
    if found.type is Type.BOOLEAN or None in sizes or count > SET_LIMIT or spent > budget:
        return found, 0
    possible = list(map(_possible, arguments, signature.parameters))
    if function.work:
        spent += math.prod(sum(len(str(value)) + 1 for value in values) for values in possible) // _PAIRS
        if spent > budget:
            return found, 0
    try:
        results = [function.of(*each) for each in product(*possible)]
    except UnknownValueError:
        return found, spent
    return _exactly(results, found, nullable=False), spent


def _possible(values: Values, wanted: Type) -> list[Scalar]:
    """The finite value set as the function sees it, with NULL where it is possible."""
    members = enumerated(values) or ()
    seen = members if values.type is wanted else [stored(wanted, one) for one in members]
    return [*seen, *([None] if values.nullable else [])]


def _exactly(members: Iterable[Scalar], found: Values, *, nullable: bool) -> Values:
    """What is known already, and these values."""
    exact = of_members(found.type, members, nullable=nullable, granularity=found.granularity)
    return replace(exact, per_unit=found.per_unit)
