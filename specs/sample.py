"""Lays samples out from the tables in `layouts`: telegrams as bytes, and what they mean. Each `samples/make.py` says which.

Nothing of Pabal is imported. Bytes are laid out by offset and length as the institution's document has them, so that a spec which
reads them as they are meant agrees with the document and not only with itself.

    make.py              writes the samples
    make.py --check      says whether the committed ones are what would be written; exits with 1 if not
    make.py --raw DIR    writes the bytes alone, one file per sample, without the length prefix
"""

import copy
import csv
import decimal
import pathlib
import re
import sys


class Row:
    """One row of a table: a field, where its bytes are, and which side fills it."""

    def __init__(self, cells, renamed):
        _, self.label, name, self.type, length, description = cells
        self.name = renamed.get(name, name)
        self.is_filler = name.startswith(("filler", "reserve1")) or name == "reserved"
        self.length = int(length)
        self.offset = int(re.search(r"off=(\d+)", description).group(1))
        self.is_number = self.type.startswith("9")
        self.decimals = int(self.type.partition("V")[2] or "0")
        # M: filled, C: under a condition, -: not by this party; none where the table does not say.
        marks = re.search(r"company=(\S) bank=(\S)", description.replace(";", " "))
        self.marks = dict(zip(("company", "bank"), marks.groups())) if marks else {}


def table(path, start, renamed=None):
    """The rows of a table, after proving that they lie without a gap from `start` on."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = [Row(cells, renamed or {}) for cells in list(csv.reader(lines))[1:]]
    for row in rows:
        if row.offset != start:
            sys.exit(f"{path.name}: {row.name} begins at {row.offset}, but the field before it ends at {start}")
        start += row.length
    return rows


def again(rows, path, start):
    """The same rows once more, as fields of `path`, from `start` on."""
    out = []
    for row in rows:
        row = copy.copy(row)
        row.name, row.offset = f"{path}.{row.name}", start
        start += row.length
        out.append(row)
    return out


class Telegram:
    """Rows of one or several tables, how long they are together, who sends the request, and which numbers are spaces if left out."""

    def __init__(self, length, rows, asker="company", blank=()):
        self.length, self.rows, self.asker, self.blank = length, rows, asker, blank
        names = [row.name for row in rows]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            sys.exit(f"two fields are called {twice}")


class Book:
    """What holds for all samples of an institution."""

    def __init__(self, telegrams, classes, key=(), trace=(), prefix=None, strict=True):
        # Classes are of fields that may not be shown to everybody, by name, or by telegram and name where one name has two meanings.
        self.telegrams, self.classes = telegrams, classes
        self.key, self.trace = key, trace
        # Whether text is written in KS X 1001 alone.
        self.strict = strict
        # How the length of a frame is written, if a line has one.
        self.prefix = prefix

    def kind(self, telegram, name):
        return self.classes.get((telegram, name), self.classes.get(name))


def in_bytes(row, value, blank=False):
    """A field's bytes: numbers right-aligned behind zeros, text left-aligned before spaces."""
    if value is None:
        return (b"0" if row.is_number and not blank else b" ") * row.length
    if isinstance(value, decimal.Decimal):
        value = int(value.scaleb(row.decimals).to_integral_exact())
    if isinstance(value, int):
        data = b"%0*d" % (row.length, value)
    else:
        data = value.encode("cp949")
        if row.is_number and len(data) != row.length:
            sys.exit(f"{row.name}: {value} is not {row.length} digits")
        data = data.ljust(row.length)
    if len(data) != row.length:
        sys.exit(f"{row.name}: {value!r} is {len(data)} bytes, the field has {row.length}")
    return data


def is_strict(text):
    """Whether KS X 1001 has every character: both bytes at or above A1."""
    return all(len(c.encode("cp949")) == 1 or min(c.encode("cp949")) >= 0xA1 for c in text)


def masked(kind, text):
    """What may be shown of a text: README.md of the specs says what each class lets through."""
    data = text.encode("cp949")
    if kind in ("account", "phone"):
        shown = 4 if len(data) >= 8 else len(data) // 2
        return "*" * (len(data) - shown) + text[len(text) - shown :]
    if kind == "name":
        return "*" * len(text) if len(text) < 2 else text[0] + "*" * (len(text) - 1)
    return None


class Sample:
    """A telegram, what its fields hold, and what must be true of it."""

    def __init__(self, book, name, about, telegram, side, values, refused=None):
        self.book, self.name, self.about, self.telegram, self.side = book, name, about, telegram, side
        described = book.telegrams[telegram]
        # Fields that we must refuse to write, although we can read them.
        self.refused = refused or []
        party = described.asker if side == "asker" else {"company": "bank", "bank": "company"}[described.asker]
        unknown = set(values) - {row.name for row in described.rows}
        if unknown:
            sys.exit(f"{name}: no field {sorted(unknown)}")
        self.slices = []
        for row in described.rows:
            value = values.get(row.name)
            if value is None and row.marks.get(party) == "M":
                sys.exit(f"{name}: the {party} fills {row.name}")
            if value is not None and row.marks.get(party) == "-" and not row.is_filler:
                sys.exit(f"{name}: the {party} does not fill {row.name}")
            if book.strict and isinstance(value, str) and not is_strict(value) and row.name not in self.refused:
                sys.exit(f"{name}: {row.name} cannot be written in strict EUC-KR")
            self.slices.append((row, value, in_bytes(row, value, row.name in described.blank)))
        self.telegram_bytes = b"".join(data for _, _, data in self.slices)
        if len(self.telegram_bytes) != described.length:
            sys.exit(f"{name}: {len(self.telegram_bytes)} bytes, should be {described.length}")

    def bytes_of(self, names):
        return b"".join(data for name in names for row, _, data in self.slices if row.name == name)

    def text(self):
        """The file of this sample."""
        out = [
            "# Written by make.py from the tables in ../layouts; change it there.",
            f"name = {quoted(self.name)}",
            f"about = {quoted(self.about)}",
            f"telegram = {quoted(self.telegram)}",
            f"side = {quoted(self.side)}",
        ]
        if self.refused:
            out.append("# Read, but never written: only cp949 has a character of these.")
            out.append("refused = [" + ", ".join(quoted(name) for name in self.refused) + "]")
        for what, names in (("key", self.book.key), ("trace", self.book.trace)):
            if names and set(names) <= {row.name for row, _, _ in self.slices}:
                out.append(f"{what} = {quoted(self.bytes_of(names).decode('ascii'))}")
        if self.book.prefix:
            out.append("# One line per field, the length prefix first.")
            out.append("wire_hex = [")
            out.append(f'  "{self.book.prefix(len(self.telegram_bytes)).hex()}",')
        else:
            out.append("# One line per field.")
            out.append("wire_hex = [")
        for row, _, data in self.slices:
            out.append(f'  "{data.hex()}", # {row.offset} +{row.length} {row.name} {row.label}')
        out.append("]")
        out.append("")
        out.append("# What is not here is left out by its side.")
        out.append("[fields]")
        for row, value, data in self.slices:
            if value is None:
                continue
            if row.is_filler:
                out.append(f'{key(row.name)} = {{ hex = "{data.hex()}" }}')
            elif isinstance(value, decimal.Decimal):
                out.append(f'{key(row.name)} = {{ decimal = "{value}" }}')
            else:
                out.append(f"{key(row.name)} = {value if isinstance(value, int) else quoted(value)}")
        shown = []
        for row, value, data in self.slices:
            kind = self.book.kind(self.telegram, row.name)
            if kind and value is not None and value != "":
                text = masked(kind, value if isinstance(value, str) else data.decode("ascii"))
                shown.append(f"{key(row.name)} = {quoted(text if text is not None else '*' * row.length)}")
        if shown:
            out += ["", "# What anybody may see of what not everybody may see.", "[masked]", *shown]
        return "\n".join(out) + "\n"


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def key(name):
    """A field's path as TOML writes a key."""
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else quoted(name)


def run(made, folder, arguments):
    """What the script of an institution does: the samples `made` belong into `folder`."""
    made = list(made)
    if arguments[:1] == ["--raw"] and len(arguments) == 2:
        target = pathlib.Path(arguments[1])
        target.mkdir(parents=True, exist_ok=True)
        for sample in made:
            (target / sample.name).write_bytes(sample.telegram_bytes)
        return 0
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    texts = {f"{sample.name}.toml": sample.text() for sample in made}
    if len(texts) != len(made):
        sys.exit("two samples have one name")
    committed = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.toml")}
    if arguments == ["--check"]:
        stale = sorted(name for name in set(texts) | set(committed) if texts.get(name) != committed.get(name))
        for name in stale:
            print(f"{folder.parent.name}: {name} is not what make.py writes", file=sys.stderr)
        print(f"{folder.parent.name}: {len(texts)} samples, {len(stale)} stale")
        return 1 if stale else 0
    for name in set(committed) - set(texts):
        (folder / name).unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    print(f"{folder.parent.name}: {len(texts)} samples written")
    return 0
