"""Witness policies: C2SP tlog-policy as it is written, and what satisfies one."""

from __future__ import annotations

from itertools import combinations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from sandbox.audit.checkpoint import sign
from sandbox.audit.cosignature import cosign, public_key
from sandbox.audit.merkle import Unverified
from sandbox.audit.notes import Note
from sandbox.audit.quorum import WitnessPolicy
from sandbox.audit.tree_head import Checkpoint
from tests.support.log_keys import log_key

LOG = log_key("log.test/one", bytes(range(32)))
HEAD = Checkpoint(LOG.name, 7, bytes(range(32)))
NOTE = sign(HEAD, LOG)
KEYS = {
    name: (f"{name}.test/w", Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)))
    for number, name in enumerate(("X1", "X2", "X3", "Y1", "Y2"))
}
VKEYS = {name: public_key(holder, key) for name, (holder, key) in KEYS.items()}
WITNESSES = "".join(f"witness {name} {key}\n" for name, key in VKEYS.items())

# The example of the standard, with two witnesses of the second kind.
EXAMPLE = f"""# a comment
log {LOG.public.ed25519}

{WITNESSES}
group X-witnesses 2 X1 X2 X3
\tgroup  Y-witnesses any\tY1 Y2
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def test_the_example_of_the_standard() -> None:
    """Every set of witnesses: two of the first kind and one of the second."""
    policy = WitnessPolicy.parse(EXAMPLE)
    assert policy.logs == (LOG.public.ed25519,)
    sets = [frozenset(found) for size in range(6) for found in combinations(KEYS, size)]
    for found in sets:
        enough = len(found & {"X1", "X2", "X3"}) >= 2 and bool(found & {"Y1", "Y2"})
        assert policy.satisfied(found) == enough
    assert sum(map(policy.satisfied, sets)) == 4 * 3


def test_cosignatures_are_counted_when_they_are_right() -> None:
    policy = WitnessPolicy.parse(EXAMPLE)
    signed = {name: cosign(HEAD, holder, key, 5) for name, (holder, key) in KEYS.items()}
    other = cosign(Checkpoint(LOG.name, 8, HEAD.root), *KEYS["Y2"], 5)
    note = Note.parse(NOTE)

    def cosigners(*lines: object) -> frozenset[str]:
        return policy.cosigners(Note.parse(NOTE + "".join(f"{line}\n" for line in lines)), HEAD)

    assert policy.cosigners(note, HEAD) == frozenset()
    assert cosigners(signed["X1"], signed["Y1"]) == {"X1", "Y1"}
    assert cosigners(signed["X1"], other) == {"X1"}  # of another tree
    assert cosigners(signed["X1"], signed["X1"]) == frozenset()  # twice is not once
    policy.require(NOTE + "".join(f"{signed[name]}\n" for name in ("X1", "X3", "Y2")))
    for missing in (("X1", "X3"), ("X1", "Y2"), ()):
        with pytest.raises(Unverified, match="lacks the cosignatures"):
            policy.require(NOTE + "".join(f"{signed[name]}\n" for name in missing))
    WitnessPolicy.parse("quorum none\n").require(NOTE)


def test_an_address_and_a_post_quantum_key() -> None:
    key = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
    text = f"witness w {public_key('w.test', key)} https://w.test/prefix\nquorum w\n"
    policy = WitnessPolicy.parse(text)
    assert policy.witnesses["w"].url == "https://w.test/prefix"
    policy.require(f"{NOTE}{cosign(HEAD, 'w.test', key, 5)}\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 0),
        (WITNESSES, 0),
        ("quorum X1\n", 1),
        (f"{WITNESSES}quorum X1\nquorum X2\n", 7),
        (f"{WITNESSES}group g 0 X1\nquorum g\n", 6),
        (f"{WITNESSES}group g 3 X1 X2\nquorum g\n", 6),
        (f"{WITNESSES}group g ٢ X1 X2\nquorum g\n", 6),
        (f"{WITNESSES}group g any\nquorum g\n", 6),
        (f"{WITNESSES}group g any h\nquorum g\n", 6),
        (f"{WITNESSES}group g any none\nquorum g\n", 6),
        (f"{WITNESSES}group g any X1 X1\nquorum g\n", 6),
        (f"{WITNESSES}group g any X1\ngroup h any X1\nquorum g\n", 7),
        (f"{WITNESSES}group X1 any X2\nquorum X1\n", 6),
        (f"{WITNESSES}group none any X2\nquorum none\n", 6),
        (f"witness a {VKEYS['X1']}\nwitness b {VKEYS['X1']}\nquorum a\n", 2),
        (f"witness a {VKEYS['X1']}\nwitness a {VKEYS['X2']}\nquorum a\n", 2),
        (f"witness a {LOG.public.ed25519}\nquorum a\n", 1),
        (f"witness a {VKEYS['X1']} url more\nquorum a\n", 1),
        (f"log {LOG.public.ed25519}\nlog {LOG.public.ed25519}\nquorum none\n", 2),
        ("witness a b+c+d\nquorum a\n", 1),
        ("unknown line\nquorum none\n", 1),
        ("quorum none\n\x0b\n", 0),
    ],
)
def test_what_is_no_policy(text: str, line: int) -> None:
    with pytest.raises(Unverified, match=f"line {line}:" if line else "policy"):
        WitnessPolicy.parse(text)
