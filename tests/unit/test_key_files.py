"""Key files: Ed25519 only, private to their owner, never overwritten."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sandbox.errors import Refusal
from sandbox.keys import key_id, make_private_key, read_private_key, read_public_key, write_public_key


def test_a_key_is_read_back(tmp_path: Path) -> None:
    made = make_private_key(tmp_path / "staff.pem")
    assert stat.S_IMODE((tmp_path / "staff.pem").stat().st_mode) == 0o600
    assert read_private_key(tmp_path / "staff.pem").private_bytes_raw() == made.private_bytes_raw()
    write_public_key(tmp_path / "staff.pub.pem", made.public_key())
    assert read_public_key(tmp_path / "staff.pub.pem") == made.public_key()


def test_an_id_is_the_start_of_the_sha_256_of_the_raw_public_key() -> None:
    public = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    assert public.public_bytes_raw().hex().startswith("3b6a27bcceb6a42d")
    assert key_id(public) == "139e3940e64b5491"


def refusal(code: str, path: Path, *, public: bool = False) -> None:
    with pytest.raises(Refusal) as refused:
        (read_public_key if public else read_private_key)(path)
    assert (refused.value.code, refused.value.detail) == (code, {"file": path.name})


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(b"old")
    with pytest.raises(Refusal) as refused:
        make_private_key(tmp_path / "key.pem")
    assert refused.value.code == "key.exists"
    assert (tmp_path / "key.pem").read_bytes() == b"old"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_an_exposed_private_key_is_not_used(tmp_path: Path, mode: int) -> None:
    make_private_key(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(mode)
    refusal("key.exposed", tmp_path / "key.pem")


def test_only_ed25519_keys_are_read(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1())
    private = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for content in (b"", b"no key", private, public):
        path = tmp_path / "key.pem"
        path.write_bytes(content)
        path.chmod(0o600)
        refusal("key.unreadable", path)
        refusal("key.unreadable", path, public=True)
    refusal("key.unreadable", tmp_path / "absent.pem")


SMALL_ORDER = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)


@pytest.mark.parametrize("sign", [0x00, 0x80])
@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_key_that_everybody_can_sign_by_is_none(tmp_path: Path, point: str, sign: int) -> None:
    """With it, some signature among fourteen is good for any text: found here without a private key."""
    *low, high = bytes.fromhex(point)
    public = Ed25519PublicKey.from_public_bytes(bytes((*low, high | sign)))
    forged = [bytes.fromhex(each) + bytes(32) for each in SMALL_ORDER]
    forged += [bytes((*each[:31], each[31] | 0x80)) + bytes(32) for each in forged]
    assert any(_verifies(public, signature, bytes([number])) for signature in forged for number in range(64))
    write_public_key(tmp_path / "key.pub", public)
    refusal("key.unreadable", tmp_path / "key.pub", public=True)


def _verifies(public: Ed25519PublicKey, signature: bytes, text: bytes) -> bool:
    try:
        public.verify(signature, text)
    except InvalidSignature:
        return False
    return True
