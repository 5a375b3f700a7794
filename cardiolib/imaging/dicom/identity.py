"""Names that identify nobody: IDs from a table or a salted hash, and keys that tell series apart."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from cardiolib.files import data_folder, read_table_by_id

IdTable: TypeAlias = Mapping[str, str] | str | os.PathLike[str]
"""PatientID to ID: a mapping, or a CSV with the columns ``PatientID`` and ``ID``."""

_SECRET_BYTES = 32


class Pseudonyms:
    """What a patient is called, and keys for everything else that a file names by a UID.

    Parameters
    ----------
    ids : mapping or path-like, optional
        PatientID to ID, for every patient: a mapping, or a CSV with the columns ``PatientID`` and ``ID``.
    salt : str, optional
        Any text that is kept secret. The same salt gives a patient the same ID everywhere. By default it follows from a
        random secret of this user, kept in cardiolib's cache folder, and from where the study lies: an ID is then
        stable for one folder on one machine, and cannot be computed elsewhere.
    place : str
        Where the study lies; it enters the default salt and nothing else.

    Raises
    ------
    ValueError
        The table cannot be read or is empty. What it holds is not repeated.

    Examples
    --------
    >>> Pseudonyms({"4711": "case-01"}).patient("4711")
    'case-01'
    >>> Pseudonyms(salt="kept by the study nurse").patient("4711")
    'P18E2A7B85D'
    """

    def __init__(self, ids: IdTable | None = None, salt: str | None = None, *, place: str = "") -> None:
        self._table = None if ids is None else _id_table(ids)
        self.kept_salt = salt is not None
        self._salt = _secret() + os.path.realpath(place).encode() if salt is None else salt.encode()

    def __repr__(self) -> str:
        return "Pseudonyms(from a table)" if self._table is not None else "Pseudonyms(salted hash)"

    def patient(self, patient_id: str) -> str | None:
        """ID of a patient; None where the table has none."""
        if self._table is not None:
            return self._table.get(patient_id)
        return f"P{self._digest('patient', patient_id)[:10].upper()}"

    def key(self, text: str) -> str:
        """A key that is equal for equal texts, and from which the text cannot be told."""
        return self._digest("key", text)[:20]

    def how(self) -> str:
        """How the IDs were made, for the notes, and how to keep them."""
        if self._table is not None:
            return "IDs come from the table given"
        if self.kept_salt:
            return "IDs are a hash of PatientID with the salt given: the same salt gives the same IDs"
        return (
            "IDs are a hash of PatientID with a random salt of this user and folder: for the same IDs elsewhere give "
            "salt= (a secret text) or ids= (a table of PatientID and ID)"
        )

    def _digest(self, kind: str, text: str) -> str:
        return hmac.new(self._salt, f"{kind}\0{text}".encode(), hashlib.sha256).hexdigest()


def _id_table(ids: IdTable) -> dict[str, str]:
    if isinstance(ids, Mapping):
        table = {str(name).strip(): str(new).strip() for name, new in ids.items()}
    else:
        try:
            frame = read_table_by_id(ids, id_column="PatientID", as_text=True)
            table = dict(zip(frame.index, frame["ID"], strict=True))
        except (KeyError, ValueError):
            # the reader's own message may name patients
            raise ValueError(
                "the table of IDs cannot be used: it must be a comma-separated file whose first line names the columns "
                "PatientID and ID, with each PatientID once and none empty"
            ) from None
    if not table or not all(table.values()):
        raise ValueError("the table of IDs is empty, or a PatientID in it has no ID: give each patient an ID")
    return table


def _secret() -> bytes:
    """The user's random secret, made when it is first needed; it never leaves the cache folder."""
    path = data_folder() / "salt"
    try:
        if not path.is_file():
            _keep(path, secrets.token_bytes(_SECRET_BYTES))
        return path.read_bytes()
    except OSError:
        return _ONCE


def _keep(path: Path, secret: bytes) -> None:
    """Write the secret for this user's eyes only; of two processes that do so at once the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
    finally:
        temporary.unlink()


_ONCE = secrets.token_bytes(_SECRET_BYTES)
"""Where the cache folder cannot be written to: IDs are stable within this process only."""
