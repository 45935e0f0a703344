#!/usr/bin/env python3
"""The samples of Hecto beside this file; ../../sample.py lays them out."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))
sys.dont_write_bytecode = True
import sample  # noqa: E402

LAYOUTS = HERE.parent / "layouts"


def table(name, start, renamed=None):
    return sample.table(LAYOUTS / f"hecto_fb_{name}.csv", start, renamed)


# How the spec calls what the tables call otherwise, because several fields of one telegram may not have one name.
HEADER = table("common_header", 0, {"filler1": "van_area1", "filler2": "van_area2", "filler3": "van_area3"})
POLL = table("polling", 0)


def telegram(name, length=300, asker="company", **renamed):
    """The header, and the body of a table."""
    renamed = {"filler": "reserved", "filler1": "reserved1", "filler2": "reserved2", **renamed}
    return sample.Telegram(length, HEADER + table(name, 100, renamed), asker)


TELEGRAMS = {
    "poll_request": sample.Telegram(20, POLL),
    "poll_answer": sample.Telegram(20, POLL),
    "open": telegram("1000_100_open"),
    "transfer": telegram("2000_100_transfer"),
    "transfer_fail": telegram("3000_100_transfer_fail_notice", asker="bank"),
    "deposit": telegram("4000_100_deposit_notice", asker="bank"),
    "deposit_gap": telegram("4000_200_deposit_gap_request"),
    "transfer_result": telegram("7000_100_transfer_result_inquiry"),
}
# What may not be shown to everybody, by class. The tables mark only some of these; memo is free text that may hold a name.
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
BOOK = sample.Book(
    TELEGRAMS,
    CLASSES,
    key=["send_date", "bank_code", "company_no", "telegram_no"],
    trace=["send_date", "send_time", "bank_code", "company_no", "telegram_no"],
    prefix=lambda length: b"%04d" % length,
)


def of(*arguments, **more):
    return sample.Sample(BOOK, *arguments, **more)


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
    yield of("poll_request", "the side that connected asks whether the session lives", "poll_request", "asker", poll)
    yield of(
        "poll_answer",
        "the answer on the same socket carries the time back",
        "poll_answer",
        "answerer",
        {**poll, "poll_type": "RESPOLL"},
    )

    yield of("open_request", "business is opened for the day", "open", "asker", header("1000", "100", 1, "003001"))
    yield of(
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
    yield of(
        "transfer_request",
        "150,000 won to another bank; the memo is full-width and fills its field; every conditional field is left out",
        "transfer",
        "asker",
        transfer,
    )
    yield of(
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
    yield of(
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
            "reserved": "B7F2",
        },
    )
    yield of(
        "transfer_answer_refused",
        "the bank refuses; its amounts are zeros, which are amounts and not nothing",
        "transfer",
        "answerer",
        {**answer, "response_code": "0413", "balance_sign": "+", "balance_after": 0, "fee": 0},
    )

    inquiry = {**header("7000", "100", 102, "102031"), "orig_tlg_no": 101, "inquiry_type": 1}
    yield of(
        "transfer_result_request",
        "what became of number 101 of the same day",
        "transfer_result",
        "asker",
        inquiry,
    )
    found = header("7100", "100", 102, "102031", response_code="0000")
    yield of(
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
    yield of(
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
    yield of(
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
        "van_area1": "SHBKHECT1ABCDEF",
        "van_area2": "12345678XYZ",
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
    yield of(
        "deposit_notice",
        "33,000 won came in from a payer whose name only cp949 can write",
        "deposit",
        "asker",
        notice,
        refused=["counterparty_name", "counterparty_name_2"],
    )
    yield of(
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
    yield of(
        "deposit_reply",
        "the company has it; what the bank keeps in the reserved fields of the header goes back as it came",
        "deposit",
        "answerer",
        {
            **header("4100", "100", 7, "113000", id_code="SHB000001", response_code="0000"),
            "van_area1": "SHBKHECT1ABCDEF",
            "van_area2": "12345678XYZ",
        },
    )

    fail = {
        **header("3000", "100", 31, "141205", id_code="SHB000001"),
        "van_area1": "SHBKHECT1ABCDEF",
        "orig_tlg_no": 101,
        "debit_account": "110123456789",
        "credit_bank_code": "004",
        "credit_account": "94320201234567",
        "req_amt": 150000,
        "ok_amt": 0,
        "fail_amt": 150000,
        "split_cnt": 0,
        "split_no": 0,
        "other_bank_tlg_no": 5501,
        "fail_notice_amt": 150000,
        "error_code": "0413",
        "network_tx_no": "0882611200042",
    }
    yield of(
        "transfer_fail_notice",
        "the transfer of number 101 came back whole: the other bank could not credit it",
        "transfer_fail",
        "asker",
        fail,
    )
    yield of(
        "transfer_fail_notice_partial",
        "one of three parts came back, and every amount is as long as its field",
        "transfer_fail",
        "asker",
        {
            **fail,
            "telegram_no": 32,
            "orig_tlg_no": 950000,
            "debit_account": "110123456789012",
            "credit_account": "943202012345678",
            "req_amt": 9999999999999,
            "ok_amt": 8888888888888,
            "fail_amt": 1111111111111,
            "split_cnt": 13,
            "split_no": 12,
            "other_bank_tlg_no": 999999,
            "fail_notice_amt": 2222222222222,
            "error_code": "9401",
            "reserved": "B7F2",
        },
    )
    yield of(
        "transfer_fail_reply",
        "the company has it",
        "transfer_fail",
        "answerer",
        {
            **header("3100", "100", 31, "141205", id_code="SHB000001", response_code="0000"),
            "van_area1": "SHBKHECT1ABCDEF",
        },
    )

    # Number and date are those of the notice that did not come.
    gap = header("4000", "200", 9, "113501")
    yield of(
        "deposit_gap_request",
        "notice 9 of the day did not come",
        "deposit_gap",
        "asker",
        {**gap, "tx_date": "20261120"},
    )
    yield of(
        "deposit_gap_request_account",
        "the same of one account, on the day after",
        "deposit_gap",
        "asker",
        {**gap, "send_date": "20261119", "telegram_no": 950000, "tx_account": "110123456789012", "tx_date": "20261119"},
    )
    found = {name: value for name, value in notice.items() if name not in ("counterparty_name_2", "tx_amt_type_code")}
    yield of(
        "deposit_gap_answer",
        "the deposit that notice 9 told of; every field is full",
        "deposit_gap",
        "answerer",
        {
            **found,
            **header("4100", "200", 9, "113501", response_code="0000"),
            "tx_account": "110123456789012",
            "tx_amt": 9999999999999,
            "cash_amt": 8888888888888,
            "bill_other_clearing": 1111111111111,
            "balance_after": 1234567890123,
            "counterparty_name": "홍길동상사㈜",
            "check_no": "CHK0000001",
            "tx_seq": 100009,
            "cancel_orig_seq": 100008,
            "orig_tx_date": "20261119",
            "cms_code_or_real_name_no": "CMS0000000000042",
            "cashier_check_amt": 3333333333333,
            "personal_check_amt": 4444444444444,
        },
    )


if __name__ == "__main__":
    sys.exit(sample.run(samples(), HERE, sys.argv[1:]))
