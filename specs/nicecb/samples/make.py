#!/usr/bin/env python3
"""The samples of NICE credit scores beside this file; ../../sample.py lays them out."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))
sys.dont_write_bytecode = True
import sample  # noqa: E402

LAYOUTS = HERE.parent / "layouts"


def table(name, start):
    rows = sample.table(LAYOUTS / f"nicecb_{name}.csv", start)
    for row in rows:
        # A row of several of a kind is one value of a repeat.
        row.name += ".value" if row.name.endswith("]") else ""
    return rows


HEADER = table("common_header", 0)
REQUEST = HEADER + table("1f003_req", 100)
ANSWER = HEADER + table("1f003_res", 100)
SCORE = table("1f003_score", 0)


def length(rows):
    return sum(row.length for row in rows)


def answer(scores):
    """The rows of an answer with so many scores."""
    rows = list(ANSWER)
    for at in range(scores):
        rows += sample.again(SCORE, f"scores[{at}]", length(rows))
    return rows


def of(name, about, telegram, side, rows, values):
    classes = {"safe_key": "identity", "name": "name"}
    book = sample.Book({telegram: sample.Telegram(length(rows), rows)}, classes, strict=False)
    return sample.Sample(book, name, about, telegram, side, values)


def full(rows):
    """Every field of the rows is full, and holds something else than its neighbours."""
    values = {}
    for at, row in enumerate(rows):
        digit, letter = str(at % 9 + 1), chr(ord("A") + at % 26)
        values[row.name] = int(digit * row.length) if row.is_number else letter * row.length
    return values


COMMON = {
    "group_code": "NICEIF",
    "tx_code": "1F003",
    "terminal": "503",
    "user_id": "PABALCO01",
    "our_no": "0000000042",
    "our_time": "20261120101530",
    "bitmap": "F500000000000001",
}


def samples():
    """All of them."""
    request = {
        **COMMON,
        "message_type": "0200",
        "direction": "B",
        "consent": "1",
        "party_kind": "1",
        "safe_key": "0000000000042",
        "reason": "03",
        "inquirer": "00000000000000000001",
        "request_count": 1,
        "auth_no": "000000000000",
        "score_received": 0,
        "score_requested": 1,
        "score_kind": "64",
        "score_table": "RK0600_000",
    }
    yield of("score_request", "one score of somebody is asked for", "score_request", "asker", REQUEST, request)
    yield of("score_request_full", "every field is full", "score_request", "asker", REQUEST, full(REQUEST))
    good = {
        **COMMON,
        "message_type": "0210",
        "direction": "S",
        "response_code": "P000",
        "nice_no": "0000000077",
        "nice_time": "20261120101531",
        "party_kind": "1",
        "safe_key": "0000000000042",
        "more": "N",
        "request_count": 1,
        "name": "똠방각하",
        "auth_no": "AUTH00000042",
        "score_total": 0,
    }
    yield of("score_answer_none", "nothing is known of somebody", "score_answer", "answerer", answer(0), {**good, "score_count": 0})
    yield of(
        "score_answer",
        "a score of which some fields are left out",
        "score_answer",
        "answerer",
        answer(1),
        {
            **good,
            "score_total": 1,
            "score_count": 1,
            "scores[0].kind": "64",
            "scores[0].score_name": "CB SCORE",
            "scores[0].reasons[0].value": "R001",
            "scores[0].points": "0912",
            "scores[0].grade": "01",
        },
    )
    three = answer(3)
    yield of(
        "score_answer_full",
        "three scores, of which more are to come; every field is full",
        "score_answer",
        "answerer",
        three,
        {**full(three), "score_total": 42, "score_count": 3},
    )


if __name__ == "__main__":
    sys.exit(sample.run(samples(), HERE, sys.argv[1:]))
