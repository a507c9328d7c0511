"""Signed checkpoints: one spelling, one signature, nothing believed that the key did not sign."""

from __future__ import annotations

from base64 import b64encode

import pytest

from sandbox.audit.checkpoint import LogKey, LogPublicKey, open_note, sign
from sandbox.audit.merkle import EMPTY_ROOT, Unverified
from sandbox.audit.tree_head import Checkpoint
from tests.support.log_history import KEY
from tests.support.log_keys import log_key

HEAD = Checkpoint(KEY.name, 20852163, bytes(range(32)))
NOTE = sign(HEAD, KEY)
OTHER = log_key("other.test/log", bytes(32))
STRANGER = sign(Checkpoint("other.test/log", 20852163, bytes(range(32))), OTHER).split("\n")[-2]

# The example of golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_key_id_is_that_of_other_implementations() -> None:
    key = LogPublicKey.parse(GO_KEY)
    assert str(key) == GO_KEY
    assert key.ed25519.id.hex() == "c74f20a3"
    with pytest.raises(Unverified, match="text is malformed"):  # the signature is right; it is no checkpoint
        open_note(GO_NOTE, key)
    with pytest.raises(Unverified, match="signature is wrong"):
        open_note(GO_NOTE.replace("problem", "problems"), key)


def test_what_is_signed_is_what_is_opened() -> None:
    assert open_note(NOTE, LogPublicKey.parse(str(KEY.public))) == HEAD
    assert open_note(NOTE, LogPublicKey.parse(str(KEY.public.ed25519))) == HEAD
    assert NOTE.startswith(
        "vitrine.test/log\n20852163\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n— vitrine.test/log "
    )
    assert open_note(sign(Checkpoint(KEY.name, 0, EMPTY_ROOT), KEY), KEY.public).size == 0


def test_lines_of_other_signers_are_passed_over() -> None:
    assert open_note(f"{NOTE}{STRANGER}\n", KEY.public) == HEAD


SECOND = NOTE.rindex("\n— ") + 1
"""Where the line of the ML-DSA signature begins."""


@pytest.mark.parametrize("place", [*range(SECOND + 40), *range(SECOND + 40, len(NOTE), 37), len(NOTE) - 1])
def test_any_changed_character_is_noticed(place: int) -> None:
    for char in {"A", "=", "\n", " ", chr(ord(NOTE[place]) ^ 1)} - {NOTE[place]}:
        with pytest.raises(Unverified):
            open_note(NOTE[:place] + char + NOTE[place + 1 :], KEY.public)
    with pytest.raises(Unverified):
        open_note(NOTE[:place] + NOTE[place + 1 :], KEY.public)


def resigned(text: str) -> str:
    """A note whose text our key signed although it is no checkpoint of ours."""
    return f"{text}\n— {KEY.name} {b64encode(KEY.public.ed25519.id + KEY.ed25519.sign(text.encode())).decode()}\n"


def opened(note: str) -> Checkpoint:
    """By who holds the Ed25519 key alone."""
    return open_note(note, LogPublicKey(KEY.public.ed25519, None))


def test_who_holds_both_keys_demands_both_signatures() -> None:
    first, second = KEY.public.ed25519, KEY.public.ml_dsa
    lines = NOTE.split("\n")
    alone = "\n".join([*lines[:5], ""])
    assert open_note(alone, LogPublicKey(first, None)) == HEAD
    with pytest.raises(Unverified, match="not signed once"):
        open_note(alone, KEY.public)
    forged = sign(HEAD, LogKey(KEY.name, KEY.ed25519, OTHER.ml_dsa)).split("\n")[-2]
    with pytest.raises(Unverified, match="not signed once"):
        open_note(f"{alone}{forged}\n", KEY.public)
    other = sign(Checkpoint(KEY.name, 20852164, HEAD.root), KEY).split("\n")[-2]
    with pytest.raises(Unverified, match=r"cosignature of .* is wrong"):
        open_note(f"{alone}{other}\n", KEY.public)
    assert second is not None
    with pytest.raises(Unverified):
        LogPublicKey.parse(f"{second}\n{first}")
    with pytest.raises(Unverified):
        LogPublicKey.parse(f"{first}\n{OTHER.public.ml_dsa}")
    with pytest.raises(Unverified):
        LogPublicKey.parse(f"{KEY.public}\n{second}")


ROOT_LINE = NOTE.split("\n")[2]


@pytest.mark.parametrize(
    "text",
    [
        f"other.test/log\n5\n{ROOT_LINE}\n",
        f"{KEY.name}\n05\n{ROOT_LINE}\n",
        f"{KEY.name}\n-5\n{ROOT_LINE}\n",
        f"{KEY.name}\n٥\n{ROOT_LINE}\n",
        f"{KEY.name}\n5\n{ROOT_LINE[4:]}\n",
        f"{KEY.name}\n5\n{ROOT_LINE}\nextension\n",
        f"{KEY.name}\n5\n",
        "\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_of_ours(text: str) -> None:
    with pytest.raises(Unverified, match=r"text is malformed|another log"):
        opened(resigned(text))


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        NOTE.replace("\n\n", "\n"),
        NOTE + NOTE.split("\n")[-2] + "\n",
        NOTE.rstrip("\n"),
        NOTE + "\n",
        "x" * 200_000,
    ],
)
def test_a_malformed_note(note: str) -> None:
    with pytest.raises(Unverified):
        open_note(note, KEY.public)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+",
        str(KEY.public).replace(KEY.public.ed25519.id.hex(), "00000000"),
        str(KEY.public).replace("vitrine", "other"),
        str(KEY.public) + "=",
        str(KEY.public)[:-4],
    ],
)
def test_a_malformed_public_key(text: str) -> None:
    with pytest.raises(Unverified):
        LogPublicKey.parse(text)
