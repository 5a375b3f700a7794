"""Text of a user's file: byte-order marks and UTF-16 are known, and what is no text is named with file and line."""

from __future__ import annotations

import codecs
import os
import unicodedata
from pathlib import Path

_MARKS = (  # the mark of UTF-16 is the beginning of that of UTF-32
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_TEXT = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
)
_NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32", "utf-32-be": "UTF-32"}


def read_plain_text(path: str | os.PathLike[str], *, strict: bool = True) -> str:
    """The text of a file in UTF-8, or in UTF-16 or UTF-32 with a byte-order mark; line ends stay as they are.

    Parameters
    ----------
    path : path-like
    strict : bool
        False for files of which only plain English words and numbers are used: a byte that is no UTF-8 becomes U+FFFD.

    Raises
    ------
    FileNotFoundError
    ValueError
        The file is another kind of file, is in another encoding, or holds NUL characters. File and line are named.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "names.txt").write_text("Jäger", encoding="utf-16")
    ...     read_plain_text(f"{folder}/names.txt")
    'Jäger'
    """
    return decoded(Path(path).read_bytes(), source=path, strict=strict)


def decoded(data: bytes, *, source: object, strict: bool = True) -> str:
    """Text of bytes; see `read_plain_text`. `source` is named in messages."""
    for magic, kind in _NO_TEXT:
        if data.startswith(magic):
            raise ValueError(f"{source}: is {kind}, not text. Save its content as plain text in UTF-8.")
    encoding, start = _encoding(data)
    try:
        text = data[start:].decode(encoding, errors="strict" if strict else "replace")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].decode(encoding, errors="replace").count("\n") + 1
        found = " ".join(f"{byte:02x}" for byte in error.object[error.start : error.end][:4])
        raise ValueError(
            f"{source}: line {line} is not {_NAMES[encoding]} (byte {found}: {error.reason}). If the file is whole, "
            "save it again as UTF-8: Excel calls it 'CSV UTF-8', editors offer it under 'Save with encoding'."
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ValueError(
            f"{source}: line {line} holds a NUL character, which no text has: the file is damaged or is not text. Copy "
            "it again from its source."
        )
    return text


def plain_form(name: object) -> str:
    """A name without blanks around it, in Unicode's composed form, so that names that look alike are alike.

    Folders made on macOS hold "ä" as two characters, tables made on Windows as one.

    >>> plain_form(" Ja\\u0308ger") == "Jäger"
    True
    """
    text = str(name).strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def spelt(name: str) -> str:
    """A name with its characters beyond ASCII named behind it, for messages about names that look alike.

    >>> spelt("P–1")
    'P–1 (with U+2013 EN DASH)'
    """
    strange = sorted({one for one in name if not one.isascii() or not one.isprintable()})
    if not strange:
        return name
    described = ", ".join(f"U+{ord(one):04X} {unicodedata.name(one, 'without a name')}" for one in strange)
    return f"{name} (with {described})"


def entry_named(folder: Path, name: str) -> Path:
    """The file or folder of this name, found also where the disk spells it in another Unicode form.

    Parameters
    ----------
    folder : Path
    name : str
        A name, or several joined by "/".

    Returns
    -------
    Path
        ``folder / name`` where there is nothing of that name.
    """
    path = folder / name
    if name.isascii() or path.exists():
        return path
    found = folder
    for part in Path(name).parts:
        same = [one for one in found.iterdir() if plain_form(one.name) == plain_form(part)] if found.is_dir() else []
        if len(same) != 1:
            return path
        found = same[0]
    return found


def _encoding(data: bytes) -> tuple[str, int]:
    """The encoding, and how many bytes its mark takes."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding, len(mark)
    # UTF-16 without its mark: every second byte of plain English is zero, on one side only
    head = data[:1024]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 4 and min(even, odd) == 0:
        return ("utf-16-be" if even else "utf-16-le"), 0
    return "utf-8", 0
