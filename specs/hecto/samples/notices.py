"""What the bank tells, and what is asked for if it did not come."""

import decimal

from book import header, of


def samples():
    """All of them."""
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

    long_notice = {
        name: value for name, value in notice.items() if name not in ("tx_amt_type_code", "counterparty_name", "counterparty_name_2")
    }
    yield of(
        "deposit_long_notice",
        "33,000 won came back from a transfer that was a mistake; the name of the sender has 30 bytes",
        "deposit_long",
        "asker",
        {
            **long_notice,
            "telegram_no": 9,
            "send_time": "113200",
            "counterparty_name": "홍길동",
            "counterparty_name_2": "홍길동",
            "sender_real_name": "홍길동",
        },
    )
    yield of(
        "deposit_long_notice_full",
        "every field is full",
        "deposit_long",
        "asker",
        {
            **long_notice,
            "telegram_no": 10,
            "send_time": "113201",
            "tx_account": "110123456789012",
            "tx_amt": 9999999999999,
            "cash_amt": 8888888888888,
            "bill_other_clearing": 1111111111111,
            "balance_after": 1234567890123,
            "counterparty_name": "홍길동상사㈜",
            "check_no": "CHK0000001",
            "tx_seq": 100010,
            "cancel_orig_seq": 100009,
            "orig_tx_date": "20261119",
            "cms_code_or_real_name_no": "CMS0000000000042",
            "cashier_check_amt": 3333333333333,
            "personal_check_amt": 4444444444444,
            "counterparty_name_2": "홍길동상사주식회사㈜",
            "reserved1": "R1",
            "sender_real_name": "홍길동상사주식회사서울중앙본점",
            "reserved2": "R2",
        },
    )
    yield of(
        "deposit_long_reply",
        "the company has it; the reply is as long as the notice",
        "deposit_long",
        "answerer",
        {
            **header("4100", "100", 9, "113200", id_code="SHB000001", response_code="0000"),
            "van_area1": "SHBKHECT1ABCDEF",
            "van_area2": "12345678XYZ",
        },
    )

    fx_notice = {
        **header("4000", "300", 11, "113300", id_code="SHB000001"),
        "tx_account": "180123456789",
        "branch_giro_code": "0881234",
        "io_cancel_type": "11",
        "tx_type": "01",
        "ccy": "USD",
        "tx_amt": decimal.Decimal("1234.500"),
        "balance_sign": "+",
        "balance_after": decimal.Decimal("20000.005"),
        "tx_date": "20261120",
        "tx_time": "113259",
        "tx_seq": 11,
        "cancel_orig_seq": 0,
    }
    yield of(
        "fx_deposit_notice",
        "1,234.50 dollars came in; the last three digits of an amount are decimals",
        "fx_deposit",
        "asker",
        fx_notice,
    )
    yield of(
        "fx_deposit_notice_full",
        "it is cancelled; every field is full",
        "fx_deposit",
        "asker",
        {
            **fx_notice,
            "telegram_no": 12,
            "tx_account": "180123456789012",
            "io_cancel_type": "41",
            "ccy": "USDXX",
            "tx_amt": decimal.Decimal("9999999999999.999"),
            "balance_sign": "-",
            "balance_after": decimal.Decimal("8888888888888.888"),
            "counterparty_name": "홍길동상사㈜",
            "tx_seq": 100012,
            "cancel_orig_seq": 100011,
            "orig_tx_date": "20261120",
            "reserved": "R1",
        },
    )
    yield of(
        "fx_deposit_reply",
        "the company has it",
        "fx_deposit",
        "answerer",
        header("4100", "300", 11, "113300", id_code="SHB000001", response_code="0000"),
    )

    bill = {
        **header("4000", "500", 13, "113400", id_code="SHB000001"),
        "tx_type_code": "01",
        "account": "110123456789012",
        "tx_date": "20261120",
        "tx_time": "113359",
        "tx_seq": 12345,
        "bill_no": "자가123456",
        "bill_type": "02",
        "bill_amt": 9999999999999,
        "issuer_name": "홍길동상사㈜",
        "bill_due_date": "20270220",
        "custody_branch_code": "0881234",
        "pay_bank_code": "004",
        "pay_bank_name": "국민",
        "pay_branch_name": "여의도지점",
        "collection_type": "1",
        "depositor_code": "CMS0000000000042",
        "balance_after": 12345678901234,
        "own_other_flag": "2",
        "cancel_orig_no": 0,
        "bill_no_2": "00420260220123456789",
        "endorser": "파발상사서울점J",
        "biz_reg_no": "6170055577",
        "bill_class": "10",
    }
    yield of("bill_notice", "a bill was taken into custody; nothing is cancelled", "bill", "asker", bill)
    yield of(
        "bill_notice_cancelled",
        "the same is cancelled, so that date and number of the original are filled",
        "bill",
        "asker",
        {**bill, "telegram_no": 14, "cancel_orig_date": "20261120", "cancel_orig_no": 100013, "reserved": "RR"},
    )
    yield of(
        "bill_reply",
        "the company has it",
        "bill",
        "answerer",
        header("4100", "500", 13, "113400", id_code="SHB000001", response_code="0000"),
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
