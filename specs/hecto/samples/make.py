#!/usr/bin/env python3
"""Writes the samples beside this file: telegrams as bytes, and what they mean.

Nothing of Pabal is imported. Bytes are laid out from the tables in ../layouts (the institution's document as CSV), by offset
and length, so that a spec which reads them as they are meant agrees with the document and not only with itself.

    make.py              writes the samples
    make.py --check      says whether the committed ones are what would be written; exits with 1 if not
    make.py --raw DIR    writes the bytes alone, one file per sample, without the length prefix
"""

import csv
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
LAYOUTS = HERE.parent / "layouts"

# How the spec calls what the tables call otherwise, because several fields of one telegram may not have one name.
RENAMED = {"filler1": "van_area1", "filler2": "van_area2", "filler3": "van_area3", "filler": "reserved"}
# Digits that are a name, a date or a time; the tables call all of them "9".
CODES = {"bank_code", "credit_bank_code"}
DATES = {"send_date", "send_time", "tx_date", "tx_time", "orig_tx_date", "transfer_time"}
FILLERS = {"filler1", "filler2", "filler3", "filler"}
# What may not be shown to everybody, by class. The tables mark these as sensitive; memo is free text that may hold a name.
CLASSES = {
    "debit_account": "account",
    "credit_account": "account",
    "tx_account": "account",
    "passbook_pin": "secret",
    "check_symbol": "secret",
    "memo": "name",
    "credit_account_holder_name": "name",
    "counterparty_name": "name",
    "counterparty_name_2": "name",
    "credit_account_real_name_no": "identity",
    "cms_code_or_real_name_no": "identity",
}
KEY = ["send_date", "bank_code", "company_no", "telegram_no"]
TRACE = ["send_date", "send_time", "telegram_no"]


class Row:
    """One row of a table: a field, where its bytes are, and which side fills it."""

    def __init__(self, cells):
        _, self.label, self.name, self.type, length, description = cells
        self.length = int(length)
        self.offset = int(re.search(r"off=(\d+)", description).group(1))
        marks = re.search(r"company=(\S) bank=(\S)", description)
        self.company, self.bank = marks.groups() if marks else ("M", "M")

    def mark(self, party):
        """M: filled, C: under a condition, -: not by this party."""
        return self.company if party == "company" else self.bank


def table(name, start):
    """The rows of a table, after proving that they lie without a gap from `start` on."""
    lines = [line for line in (LAYOUTS / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = [Row(cells) for cells in list(csv.reader(lines))[1:]]
    for row in rows:
        if row.offset != start:
            sys.exit(f"{name}: {row.name} begins at {row.offset}, but the field before it ends at {start}")
        start += row.length
    return rows


HEADER = table("hecto_fb_common_header.csv", 0)
TELEGRAMS = {
    "poll_request": (20, table("hecto_fb_polling.csv", 0)),
    "poll_answer": (20, table("hecto_fb_polling.csv", 0)),
    "open": (300, HEADER + table("hecto_fb_1000_100_open.csv", 100)),
    "transfer": (300, HEADER + table("hecto_fb_2000_100_transfer.csv", 100)),
    "transfer_result": (300, HEADER + table("hecto_fb_7000_100_transfer_result_inquiry.csv", 100)),
    "deposit": (300, HEADER + table("hecto_fb_4000_100_deposit_notice.csv", 100)),
}
# Who sends the request of each.
ASKER = {"deposit": "bank"}


def in_bytes(row, value):
    """A field's bytes: numbers right-aligned behind zeros, text left-aligned before spaces."""
    if value is None:
        return (b"0" if row.type == "9" else b" ") * row.length
    if isinstance(value, int):
        data = b"%0*d" % (row.length, value)
    else:
        data = value.encode("cp949")
        if row.type == "9" and len(data) != row.length:
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

    def __init__(self, name, about, telegram, side, values, refused=None):
        self.name, self.about, self.telegram, self.side = name, about, telegram, side
        self.length, self.rows = TELEGRAMS[telegram]
        self.values = values
        # Fields that we must refuse to write, although we can read them.
        self.refused = refused or []
        asker = ASKER.get(telegram, "company")
        party = asker if side == "asker" else {"company": "bank", "bank": "company"}[asker]
        unknown = set(values) - {row.name for row in self.rows}
        if unknown:
            sys.exit(f"{name}: no field {sorted(unknown)}")
        self.slices = []
        for row in self.rows:
            value = values.get(row.name)
            if value is None and row.mark(party) == "M" and row.name not in FILLERS | {"response_code"}:
                sys.exit(f"{name}: the {party} fills {row.name}")
            if isinstance(value, str) and not is_strict(value) and row.name not in self.refused:
                sys.exit(f"{name}: {row.name} cannot be written in strict EUC-KR")
            self.slices.append((row, value, in_bytes(row, value)))
        self.telegram_bytes = b"".join(data for _, _, data in self.slices)
        if len(self.telegram_bytes) != self.length:
            sys.exit(f"{name}: {len(self.telegram_bytes)} bytes, should be {self.length}")

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
        if "telegram_no" in {row.name for row in self.rows}:
            out.append(f"key = {quoted(self.bytes_of(KEY).decode('ascii'))}")
            out.append(f"trace = {quoted(self.bytes_of(TRACE).decode('ascii'))}")
        out.append("# One line per field, the length prefix first.")
        out.append("wire_hex = [")
        prefix = b"%04d" % self.length
        out.append(f'  "{prefix.hex()}",')
        for row, _, data in self.slices:
            name = RENAMED.get(row.name, row.name)
            out.append(f'  "{data.hex()}", # {row.offset} +{row.length} {name} {row.label}')
        out.append("]")
        out.append("")
        out.append("# What is not here is left out by its side.")
        out.append("[fields]")
        for row, value, data in self.slices:
            if value is not None:
                name = RENAMED.get(row.name, row.name)
                if row.name in FILLERS:
                    out.append(f'{name} = {{ hex = "{data.hex()}" }}')
                else:
                    out.append(f"{name} = {value}" if isinstance(value, int) else f"{name} = {quoted(value)}")
        shown = [(row, masked(CLASSES[row.name], value)) for row, value, _ in self.slices if value and row.name in CLASSES]
        if shown:
            out.append("")
            out.append("# What anybody may see of what not everybody may see.")
            out.append("[masked]")
            for row, text in shown:
                out.append(f"{row.name} = {quoted(text if text is not None else '*' * row.length)}")
        return "\n".join(out) + "\n"


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def header(message_type, service_code, number, at, **more):
    """The common header as company PABAL01 at bank 088 would have it."""
    return {
        "id_code": "HFB000001",
        "company_no": "PABAL01",
        "bank_code": "088",
        "message_type": message_type,
        "service_code": service_code,
        "send_count": 1,
        "telegram_no": number,
        "send_date": "20261120",
        "send_time": at,
        **more,
    }


def samples():
    """All of them."""
    poll = {"marker": "HDR", "poll_type": "REQPOLL", "send_time": "1120093000"}
    yield Sample("poll_request", "the side that connected asks whether the session lives", "poll_request", "asker", poll)
    yield Sample(
        "poll_answer",
        "the answer on the same socket carries the time back",
        "poll_answer",
        "answerer",
        {**poll, "poll_type": "RESPOLL"},
    )

    yield Sample("open_request", "business is opened for the day", "open", "asker", header("1000", "100", 1, "003001"))
    yield Sample(
        "open_answer",
        "the bank has opened",
        "open",
        "answerer",
        header("1100", "100", 1, "003001", response_code="0000"),
    )

    transfer = {
        **header("2000", "100", 101, "101530"),
        "debit_account": "110123456789",
        "passbook_pin": "1234",
        "check_symbol": "402817",
        "debit_amt": 150000,
        "credit_bank_code": "004",
        "credit_account": "94320201234567",
        "memo": "１１월　급여　",
    }
    yield Sample(
        "transfer_request",
        "150,000 won to another bank; the memo is full-width and fills its field; every conditional field is left out",
        "transfer",
        "asker",
        transfer,
    )
    yield Sample(
        "transfer_request_full",
        "every field that the company may fill is full: the largest amount, names and codes as long as their fields",
        "transfer",
        "asker",
        {
            **transfer,
            **header("2000", "100", 950000, "235959", company_no="PABAL0000001"),
            "debit_account": "110123456789012",
            "passbook_pin": "87654321",
            "debit_amt": 9999999999999,
            "credit_account": "943202012345678",
            "cms_code": "CMS0000000000042",
            "memo": "RENT 2026-11 A",
            "credit_account_real_name_no": "8001011234567",
            "credit_account_holder_name": "홍길동상사㈜",
            "orig_tlg_no": "000100",
            "fee_waiver_yn": "Y",
            "fund_type": "01",
        },
    )
    answer = header("2100", "100", 101, "101530")
    yield Sample(
        "transfer_answer_success",
        "executed; the account is overdrawn by 1,250,300 won, so the sign is a minus; the bank uses the reserved bytes for itself",
        "transfer",
        "answerer",
        {
            **answer,
            "response_code": "0000",
            "balance_sign": "-",
            "balance_after": 1250300,
            "fee": 500,
            "filler": "B7F2",
        },
    )
    yield Sample(
        "transfer_answer_refused",
        "the bank refuses; its amounts are zeros, which are amounts and not nothing",
        "transfer",
        "answerer",
        {**answer, "response_code": "0413", "balance_sign": "+", "balance_after": 0, "fee": 0},
    )

    inquiry = {**header("7000", "100", 102, "102031"), "orig_tlg_no": 101, "inquiry_type": 1}
    yield Sample(
        "transfer_result_request",
        "what became of number 101 of the same day",
        "transfer_result",
        "asker",
        inquiry,
    )
    found = header("7100", "100", 102, "102031", response_code="0000")
    yield Sample(
        "transfer_result_answer_success",
        "it was executed in full",
        "transfer_result",
        "answerer",
        {
            **found,
            "debit_account": "110123456789",
            "credit_bank_code": "004",
            "credit_account": "94320201234567",
            "req_amt": 150000,
            "ok_amt": 150000,
            "fail_amt": 0,
            "fee": 500,
            "transfer_time": "101531",
            "proc_result": "0000",
        },
    )
    yield Sample(
        "transfer_result_answer_partial",
        "a part was executed, and every amount is as long as its field",
        "transfer_result",
        "answerer",
        {
            **found,
            "debit_account": "110123456789012",
            "credit_bank_code": "004",
            "credit_account": "943202012345678",
            "req_amt": 9999999999999,
            "ok_amt": 8888888888888,
            "fail_amt": 1111111111111,
            "fee": 123456789,
            "transfer_time": "235959",
            "proc_result": "P001",
        },
    )
    yield Sample(
        "transfer_result_answer_no_record",
        "the bank has no record of it, and leaves out accounts and time",
        "transfer_result",
        "answerer",
        {
            **found,
            "debit_account": "",
            "credit_bank_code": "000",
            "credit_account": "",
            "req_amt": 0,
            "ok_amt": 0,
            "fail_amt": 0,
            "fee": 0,
            "transfer_time": "000000",
            "proc_result": "NREC",
        },
    )

    notice = {
        **header("4000", "100", 7, "113000", id_code="SHB000001"),
        "filler1": "SHBKHECT1ABCDEF",
        "filler2": "12345678XYZ",
        "tx_account": "110123456789",
        "branch_giro_code": "0881234",
        "io_cancel_type": "11",
        "tx_type": "01",
        "tx_amt": 33000,
        "cash_amt": 33000,
        "bill_other_clearing": 0,
        "balance_sign": "+",
        "balance_after": 8715300,
        "counterparty_name": "믜똠선샤인",
        "check_no": "",
        "tx_date": "20261120",
        "tx_time": "112959",
        "tx_seq": 7,
        # Nobody can tell a number that was left out from one that is nought; nought is what the bytes say.
        "cancel_orig_seq": 0,
        "cms_code_or_real_name_no": "8001011234567",
        "cashier_check_amt": 0,
        "personal_check_amt": 0,
        "counterparty_name_2": "믜똠선샤인",
        "tx_amt_type_code": "00",
    }
    yield Sample(
        "deposit_notice",
        "33,000 won came in from a payer whose name only cp949 can write",
        "deposit",
        "asker",
        notice,
        refused=["counterparty_name", "counterparty_name_2"],
    )
    yield Sample(
        "deposit_notice_cancelled",
        "the deposit is cancelled: the account is overdrawn, and the original's number and date are filled; names and amounts are full",
        "deposit",
        "asker",
        {
            **notice,
            "telegram_no": 8,
            "send_time": "113105",
            "io_cancel_type": "31",
            "tx_amt": 9999999999999,
            "cash_amt": 8888888888888,
            "bill_other_clearing": 1111111111111,
            "cashier_check_amt": 3333333333333,
            "personal_check_amt": 4444444444444,
            "balance_sign": "-",
            "balance_after": 17700,
            "counterparty_name": "홍길동상사㈜",
            "check_no": "CHK0000001",
            "tx_time": "113104",
            "tx_seq": 100008,
            "cancel_orig_seq": 100007,
            "orig_tx_date": "20261120",
            "counterparty_name_2": "홍길동상사주식회사㈜",
        },
    )
    yield Sample(
        "deposit_reply",
        "the company has it; what the bank keeps in the reserved fields of the header goes back as it came",
        "deposit",
        "answerer",
        {
            **header("4100", "100", 7, "113000", id_code="SHB000001", response_code="0000"),
            "filler1": "SHBKHECT1ABCDEF",
            "filler2": "12345678XYZ",
        },
    )


def main(arguments):
    made = list(samples())
    if arguments[:1] == ["--raw"] and len(arguments) == 2:
        folder = pathlib.Path(arguments[1])
        folder.mkdir(parents=True, exist_ok=True)
        for sample in made:
            (folder / sample.name).write_bytes(sample.telegram_bytes)
        return 0
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    texts = {f"{sample.name}.toml": sample.text() for sample in made}
    committed = {path.name: path.read_text(encoding="utf-8") for path in HERE.glob("*.toml")}
    if arguments == ["--check"]:
        stale = sorted(name for name in set(texts) | set(committed) if texts.get(name) != committed.get(name))
        for name in stale:
            print(f"{name} is not what make.py writes", file=sys.stderr)
        print(f"{len(texts)} samples, {len(stale)} stale")
        return 1 if stale else 0
    for name in set(committed) - set(texts):
        (HERE / name).unlink()
    for name, text in texts.items():
        (HERE / name).write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(texts)} samples written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
