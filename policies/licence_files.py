"""The signed licence file: the licence's TOML text, an empty line, and the department's signature of the text.

The form is a C2SP signed note with exactly one Ed25519 signature, by the key named `department`. It stays readable, and
one text signed by one key is one file: Ed25519 is deterministic and nothing else may stand in the file.
Source: C2SP signed-note; RFC 8032.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from policies.documents import LARGEST_FILE, read_licence_text
from policies.errors import PolicyError
from policies.licences import Licence

SIGNER = "department"


def sign_licence(text: str, department: Ed25519PrivateKey) -> bytes:
    """The signed licence file of a licence text. Refuses: PolicyError when the text is no consistent licence."""
    body = text.encode()
    if not text.endswith("\n") or any(byte < 0x20 and byte != 0x0A for byte in body):
        raise PolicyError(["a licence text ends in a new line and has no tabs or other control characters"])
    read_licence_text(body)
    return body + _trailer(department.public_key(), department.sign(body))


def read_licence(signed: bytes, department: Ed25519PublicKey) -> Licence:
    """The licence of a signed file, when the department signed exactly this. Refuses: PolicyError."""
    if len(signed) > LARGEST_FILE:
        raise PolicyError([f"the file is larger than {LARGEST_FILE} bytes"])
    head, mark, line = signed.rpartition(f"\n\n— {SIGNER} ".encode())
    body = head + b"\n"
    try:
        signature = base64.b64decode(line.removesuffix(b"\n"), validate=True)[4:]
    except ValueError:
        signature = b""
    if not mark or signed != body + _trailer(department, signature):
        raise PolicyError(["the file does not end in one signature by the department's key"])
    try:
        department.verify(signature, body)
    except InvalidSignature:
        raise PolicyError(["the department's signature does not fit the text"]) from None
    return read_licence_text(body)


def licence_digest(signed: bytes) -> str:
    """SHA-256 of the signed file, hex: what the registry and the log call the licence by."""
    return hashlib.sha256(signed).hexdigest()


def _trailer(key: Ed25519PublicKey, signature: bytes) -> bytes:
    """The empty line and the signature line: key hash and signature in base64."""
    key_hash = hashlib.sha256(SIGNER.encode() + b"\n\x01" + key.public_bytes_raw()).digest()[:4]
    return f"\n— {SIGNER} ".encode() + base64.b64encode(key_hash + signature) + b"\n"
