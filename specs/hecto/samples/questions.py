"""What changes nothing."""

from book import TELEGRAMS, header, of


def samples():
    """All of them."""
    holder = {"account": "94320201234567", "real_name_no": "800101", "account_bank_code": "004", "amt": 0}
    yield of(
        "holder_name_request",
        "whose account is it?",
        "holder_name",
        "asker",
        {**header("6000", "100", 251, "145000"), **holder},
    )
    yield of(
        "holder_name_request_full",
        "for an amount, and through another account",
        "holder_name",
        "asker",
        {
            **header("6000", "100", 252, "145001"),
            **holder,
            "account": "943202012345678",
            "real_name_no": "8001011234567",
            "amt": 9999999999999,
            "mother_account": "110123456789012",
            "real_name_check_type": "01",
        },
    )
    yield of(
        "holder_name_answer",
        "a short name; the bank leaves out what only some banks fill",
        "holder_name",
        "answerer",
        {**header("6100", "100", 251, "145000", response_code="0000"), "holder_name1": "홍길동"},
    )
    yield of(
        "holder_name_answer_full",
        "every field is full",
        "holder_name",
        "answerer",
        {
            **header("6100", "100", 252, "145001", response_code="0000"),
            "holder_name1": "홍길동상사㈜",
            "holder_name2": "홍길동상사주식회사㈜",
            "account_hold_yn": "Y",
            "account_status": "1",
            "account_status_date": "20260101",
            "registrar_code": "01",
            "partner_product_code": "PROD0001",
            "reserved": "R1",
        },
    )

    asked = {"ccy": "USD", "inquiry_date": "20261120"}
    yield of(
        "fx_rate_request",
        "the dollar, in the latest round of the day",
        "fx_rate",
        "asker",
        {**header("6000", "500", 261, "150000"), **asked},
    )
    yield of(
        "fx_rate_answer",
        "rates are text with a decimal point of their own",
        "fx_rate",
        "answerer",
        {
            **header("6100", "500", 261, "150000", response_code="0000"),
            **asked,
            "rate_round": "12",
            "country_name": "미국달러화",
            "reserved1": "R01",
            "tt_sell_rate": "001412.30",
            "tt_buy_rate": "001385.70",
            "tt_pref_sell_rate": "001405.10",
            "tt_pref_buy_rate": "001392.90",
            "cash_sell_rate": "001423.48",
            "cash_buy_rate": "001374.52",
            "base_rate": "001399.00",
            "usd_conv_rate": "01.0000",
            "tc_sell_rate": "001415.78",
            "libor_1m": "04.31000",
            "libor_3m": "04.42000",
            "libor_6m": "04.53000",
            "exchange_fee_1y": "05.64000",
            "exchange_fee_9_10d": "00.75000",
            "exchange_fee_12d": "00.86000",
            "exchange_fee_1m": "00.97000",
            "exchange_fee_3m": "01.08000",
            "cross_rate": "001399.0000",
            "reserved": "R2",
        },
    )

    yield of(
        "balance_request",
        "what is on the account?",
        "balance",
        "asker",
        {**header("7000", "200", 271, "151000"), "account": "110123456789012"},
    )
    balance = {
        "sign": "+",
        "ledger_balance": 1234567890123,
        "cash_transfer_amt": 2345678901234,
        "personal_check_amt": 3456789012345,
        "other_clearing_amt": 4567890123456,
        "sign_2": "-",
        "available_amt": 5678901234567,
    }
    yield of(
        "balance_answer",
        "there is no limit of an overdraft, so that it is left out",
        "balance",
        "answerer",
        {**header("7100", "200", 271, "151000", response_code="0000"), **balance, "overdraft_limit": 0},
    )
    yield of(
        "balance_answer_overdraft",
        "the limit of the overdraft is as long as its field",
        "balance",
        "answerer",
        {
            **header("7100", "200", 271, "151000", response_code="0000"),
            **balance,
            "overdraft_limit": 9999999999999,
            "reserved": "R1",
        },
    )

    yield of(
        "totals_request",
        "all transfers of the day",
        "totals",
        "asker",
        header("7000", "300", 281, "152000"),
    )
    yield of(
        "totals_request_account",
        "those of one account",
        "totals",
        "asker",
        {**header("7000", "300", 282, "152001"), "debit_account": "110123456789012"},
    )
    counted = [row for row in TELEGRAMS["totals"].rows if row.is_number and row.name.startswith(("total_", "own_", "other_"))]
    yield of(
        "totals_answer",
        "counts and amounts, each as long as its field and unlike the others",
        "totals",
        "answerer",
        {
            **header("7100", "300", 281, "152000", response_code="0000"),
            **{row.name: int(str(at % 9 + 1) * row.length) for at, row in enumerate(counted)},
            "reserved1": "R1",
            "reserved": "R2",
        },
    )
