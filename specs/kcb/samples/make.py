#!/usr/bin/env python3
"""The samples of KCB credit reports beside this file; ../../sample.py lays them out."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))
sys.dont_write_bytecode = True
import sample  # noqa: E402

LAYOUTS = HERE.parent / "layouts"
RENAMED = {"filler": "filler_common"}

CLASSES = {
    **dict.fromkeys(["name"], "name"),
    **dict.fromkeys(["phone", "mobile"], "phone"),
    **dict.fromkeys(
        ["resident_no", "birth_date", "sex", "request_ip", "substitute_key", "address", "address_detail", "counterparty", "job"],
        "identity",
    ),
}


class Book(sample.Book):
    """A field of a segment has the class of its name, whichever segment it is."""

    def kind(self, telegram, name):
        return super().kind(telegram, name.rsplit(".", 1)[-1])


def table(name, start):
    rows = sample.table(LAYOUTS / f"kcb_{name}.csv", start, RENAMED)
    for row in rows:
        # A row of several of a kind is one value of a repeat.
        row.name += ".value" if row.name.endswith("]") else ""
    return rows


HEADER = table("common_header", 0)
REQUEST = HEADER + table("0100_360_req", 130)
INDEX = HEADER + table("report_index", 130)
# The names of the kinds, in the order of the index; what a segment of 031 holds is not known.
KINDS = dict.fromkeys(row.name.partition(".")[0] for row in INDEX if row.name.endswith(".total"))
IDS = dict(zip(KINDS, "017 018 019 020 023 024 025 026 027 028 029 031 032 033 035 036 037 038 039 103".split(), strict=True))
SEGMENTS = {kind: table(f"segment_{IDS[kind]}", 0) for kind in KINDS if kind != "payment_for_others"}


def length(rows):
    return sum(row.length for row in rows)


def of(name, about, telegram, side, rows, values):
    book = Book({telegram: sample.Telegram(length(rows), rows)}, CLASSES, strict=False)
    return sample.Sample(book, name, about, telegram, side, values)


def full(rows):
    """Every field of the rows is full, and holds something else than its neighbours."""
    values = {}
    for at, row in enumerate(rows):
        digit, letter = str(at % 9 + 1), chr(ord("A") + at % 26)
        values[row.name] = int(digit * row.length) if row.is_number else letter * row.length
    return values


def report(kinds):
    """The rows of a report with segments of these kinds, and what says so."""
    rows, values = list(INDEX), {}
    for at, kind in enumerate(kinds):
        first, *rest = SEGMENTS[kind]
        rows += sample.again([first], f"segments[{at}]", length(rows))
        rows += sample.again(rest, f"segments[{at}].{kind}", length(rows))
        values[f"segments[{at}].id"] = IDS[kind]
    for kind in KINDS:
        values.update({f"{kind}.{what}": kinds.count(kind) for what in ("total", "sent", "here")})
    return rows, values


COMMON = {
    "transaction_code": "PABAL",
    "user_no": "P0000042",
    "business_code": "360",
    "kcb_no": 0,
    "kcb_time": 0,
    "member_no": 42,
    "member_time": 20261120101530,
}


def samples():
    """All of them. Nobody in them is anybody."""
    yield of(
        "report_request",
        "a report of somebody is asked for",
        "report_request",
        "asker",
        REQUEST,
        {
            **COMMON,
            "message_type": "0100",
            "direction": "B",
            "partner_code": "1000000042",
            "service_code": "371",
            "mgmt_no": "42",
            "name": "똠방각하",
            "birth_date": "19800101",
            "sex": "1",
            "phone": "010 12345678",
            "request_date": "20261120",
            "consent": "Y",
            "menu_business_code": "0100360",
            "menu_code": "100",
            "screen_code": "s00000000042",
            "request_ip": "192.0.2.42",
            "request_domain": "www.example.co.kr",
        },
    )
    yield of("report_request_full", "every field is full", "report_request", "asker", REQUEST, full(REQUEST))
    answer = {
        **COMMON,
        "message_type": "0110",
        "direction": "S",
        "response_code": "0000",
        "kcb_no": 77,
        "kcb_time": 20261120101531,
        "auth_no": "AUTH00000042",
        "more": "N",
        "request_count": 1,
        "substitute_key": 42,
    }
    rows, values = report([])
    yield of("report_none", "nothing is known of somebody", "report", "answerer", rows, {**answer, **values})
    rows, values = report(["grade", "loan_kcb", "grade", "loan_kcb"])
    yield of(
        "report",
        "two grades and two loans, of which some fields are left out",
        "report",
        "answerer",
        rows,
        {
            **answer,
            **values,
            "segments[0].grade.points": "0912",
            "segments[0].grade.grade": "01",
            "segments[1].loan_kcb.institution": "파발은행",
            "segments[1].loan_kcb.opened": "20200302",
            "segments[1].loan_kcb.agreed": 150000000,
            "segments[1].loan_kcb.amount": 0,
            "segments[2].grade.points": "0877",
            "segments[3].loan_kcb.institution": "역참저축은행",
            "segments[3].loan_kcb.agreed": 1,
            "segments[3].loan_kcb.amount": 1,
        },
    )
    rows, values = report(list(SEGMENTS))
    yield of(
        "report_full",
        "a segment of each kind that is described; every field is full",
        "report",
        "answerer",
        rows,
        {**full(rows), **{name: value for name, value in values.items() if name.endswith(".id")}},
    )


if __name__ == "__main__":
    sys.exit(sample.run(samples(), HERE, sys.argv[1:]))
