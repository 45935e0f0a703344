#!/usr/bin/env python3
"""The samples of KFTC CMS beside this file; ../../sample.py lays them out."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))
sys.dont_write_bytecode = True
import sample  # noqa: E402

LAYOUTS = HERE.parent / "layouts"


def telegram(name, length):
    return sample.Telegram(length, sample.table(LAYOUTS / f"kftc_cms_{name}.csv", 0), blank=["tcp_length"])


BOOK = sample.Book(
    {
        "account_check_request": telegram("0200_account_check_req", 187),
        "account_check_answer": telegram("0210_account_check_res", 221),
    },
    {"debit_account": "account", "payer_and_id": "identity", "pin": "secret", "holder_name": "name"},
)


def of(*arguments):
    return sample.Sample(BOOK, *arguments)


def samples():
    """All of them."""
    request = {
        "text_marker": "ISO",
        "iso_header": "023400052",
        "message_type": "0200",
        "bitmap": "2238000120601000",
        "processing_code": "000020",
        "send_datetime": "1120101530",
        "trace_no": 42,
        "tx_time": "101530",
        "tx_date": "1120",
        "participant_code": "070040000",
        "debit_account": "3794320201234567",
        "org_id": "ORG000000000042",
        "payer_and_id": "CUST-00042".ljust(25) + "00" + "8001010000000",
    }
    yield of(
        "account_check_request",
        "whose account is it? The length is blank, as that client leaves it",
        "account_check_request",
        "asker",
        request,
    )
    yield of(
        "account_check_request_full",
        "with the length and a password; every field is full",
        "account_check_request",
        "asker",
        {
            **request,
            "tcp_length": 183,
            "trace_no": 999999,
            "debit_account": "37" + "9432020123456789012345678901234567890",
            "payer_and_id": "CUST000000000000000000042" + "01" + "1234567890123",
            "pin": "0123456789ABCDEF",
        },
    )
    yield of(
        "account_check_answer",
        "the name of the holder fills its field, of which the number before it tells the length",
        "account_check_answer",
        "answerer",
        {
            **request,
            "tcp_length": 217,
            "message_type": "0210",
            "trace_no": 999999,
            "debit_account": "37" + "9432020123456789012345678901234567890",
            "payer_and_id": "CUST000000000000000000042" + "01" + "1234567890123",
            "holder_name_len": "040",
            "holder_name": "홍길동상사주식회사서울중앙본점대표계좌㈜",
            "response_len": "004",
            "response_code": "0000",
        },
    )


if __name__ == "__main__":
    sys.exit(sample.run(samples(), HERE, sys.argv[1:]))
