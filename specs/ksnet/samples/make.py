#!/usr/bin/env python3
"""The samples of KSNET beside this file; ../../sample.py lays them out."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))
sys.dont_write_bytecode = True
import sample  # noqa: E402

LAYOUTS = HERE.parent / "layouts"
RENAMED = {"filler": "reserved", "filler1": "reserved1", "filler2": "reserved2"}
HEADER = sample.table(LAYOUTS / "ksnet_fb_common_header.csv", 0, {"filler": "header_reserved"})


def telegram(name, blank=()):
    """The header, and the body of a table."""
    return sample.Telegram(300, HEADER + sample.table(LAYOUTS / f"ksnet_fb_{name}.csv", 100, RENAMED), blank=blank)


AMOUNTS = ["current_amt", "cashier_check_amt", "personal_check_amt", "bill_check_amt", "available_amt"]
BOOK = sample.Book(
    {
        "transfer": telegram("0100_100_transfer"),
        "transfer_fail": telegram("0400_100_transfer_fail_notice"),
        "transfer_result": telegram("0600_100_result_inquiry"),
        "balance": telegram("0600_300_balance", AMOUNTS),
        "totals": telegram("0700_100_totals"),
    },
    {
        **dict.fromkeys(["debit_account", "credit_account", "account"], "account"),
        **dict.fromkeys(["passbook_pin", "check_symbol"], "secret"),
        **dict.fromkeys(["depositor_name", "company_memo"], "name"),
        "cms_code": "identity",
        "resident_no": "identity",
    },
)


def of(*arguments):
    return sample.Sample(BOOK, *arguments)


def header(message_type, service_code, number, at, **more):
    """The header as company PABAL at bank 088 would have it."""
    return {
        "id_code": "KSNET0001",
        "company_code": "PABAL001",
        "bank_code2": "88",
        "message_type": message_type,
        "service_code": service_code,
        "send_count": 1,
        "telegram_no": number,
        "send_datetime": f"20261120{at}",
        "inquiry_no": 0,
        "bank_code3": "088",
        **more,
    }


ANSWERED = {"van_response_code": "0000", "bank_response_code": "0000", "inquiry_date": "20261120", "bank_telegram_no": "BANK00000000042"}


def samples():
    """All of them."""
    transfer = {
        "debit_account": "110123456789012",
        "passbook_pin": "12345678",
        "check_symbol": "402817",
        "debit_amt": 150000,
        "balance_after": 0,
        "credit_bank_code2": "04",
        "credit_account": "943202012345678",
        "fee": 0,
        "depositor_name": "홍길동상사주식회사㈜",
        "cms_code": "CMS4827169350362",
        "resident_no": "8001011234567",
        "autodebit_type": "01",
        "company_memo": "십일월급여및상여금액",
        "credit_bank_code3": "004",
        "salary_type": 1,
    }
    yield of(
        "transfer_request",
        "150,000 won to another bank, with everything that a company can fill",
        "transfer",
        "asker",
        {**header("0100", "100", 101, "101530"), **transfer, "header_reserved": "H1"},
    )
    yield of(
        "transfer_answer",
        "executed; the account is overdrawn, and amounts are as long as their fields",
        "transfer",
        "answerer",
        {
            **header("0110", "100", 950000, "235959", **ANSWERED, inquiry_no=123456),
            **transfer,
            "debit_amt": 9999999999999,
            "balance_sign": "-",
            "balance_after": 1234567890123,
            "fee": 123456789,
            "transfer_time": "235959",
            "header_reserved": "H1",
            "reserved": "R1",
        },
    )
    fail = {
        "orig_tlg_no": 950000,
        "debit_account": "110123456789012",
        "credit_account": "943202012345678",
        "req_amt": 9999999999999,
        "credit_bank_code2": "04",
        "ok_amt": 8888888888888,
        "fail_amt": 1111111111111,
        "split_cnt": "13",
        "split_no": "12",
        "other_bank_tlg_no": 999999,
        "fail_notice_amt": 222222222,
        "error_code": "413",
        "credit_bank_code3": "004",
        "reserved": "R1",
    }
    yield of(
        "transfer_fail_notice",
        "one of thirteen parts came back; the amount of the notice is narrower than the others",
        "transfer_fail",
        "asker",
        {**header("0400", "100", 31, "141205"), **fail},
    )
    result = {"orig_tlg_no": 101, "debit_account": 0, "credit_account": 0, "amt": 0, "fee": 0, "payment_no": 0}
    yield of(
        "transfer_result_request",
        "what became of number 101 of the same day",
        "transfer_result",
        "asker",
        {**header("0600", "100", 102, "102031"), **result},
    )
    yield of(
        "transfer_result_answer",
        "it was executed; accounts are numbers here, behind zeros",
        "transfer_result",
        "answerer",
        {
            **header("0610", "100", 102, "102031", **ANSWERED),
            "orig_tlg_no": 950000,
            "debit_account": 110123456789012,
            "credit_account": 943202012345678,
            "amt": 9999999999999,
            "fee": 123456789,
            "payment_no": 876543210987654,
            "transfer_time": "101531",
            "result_code": "P001",
            "credit_bank_code2": "04",
            "reserved1": "R1",
            "credit_bank_code3": "004",
            "reserved2": "R2",
        },
    )
    yield of(
        "balance_request",
        "the account alone; all amounts are spaces",
        "balance",
        "asker",
        {**header("0600", "300", 103, "103000"), "account": "110123456789012"},
    )
    yield of(
        "balance_answer",
        "every amount is as long as its field",
        "balance",
        "answerer",
        {
            **header("0610", "300", 103, "103000", **ANSWERED),
            "account": "110123456789012",
            "sign": "-",
            **{name: int(str(at + 1) * 13) for at, name in enumerate(AMOUNTS)},
            "reserved": "R1",
        },
    )
    counted = [row for row in BOOK.telegrams["totals"].rows if row.name.startswith(("own_", "other_"))]
    yield of(
        "totals_request",
        "the transfers of one account; counts and amounts are noughts",
        "totals",
        "asker",
        {**header("0700", "100", 104, "104000"), "account": "110123456789", **{row.name: 0 for row in counted}},
    )
    yield of(
        "totals_answer",
        "counts and amounts, each as long as its field and unlike its neighbours",
        "totals",
        "answerer",
        {
            **header("0710", "100", 104, "104000", **ANSWERED),
            "account": "110123456789012",
            **{row.name: int(str(at % 9 + 1) * row.length) for at, row in enumerate(counted)},
            "reserved": "R1",
        },
    )


if __name__ == "__main__":
    sys.exit(sample.run(samples(), HERE, sys.argv[1:]))
