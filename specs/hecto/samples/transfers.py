"""Poll telegrams, openings, and what moves money or registers something."""

from book import header, of


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
            "cms_code": "CMS4827169350362",
            "memo": "RENT OF ROOM 3",
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

    reserve = {
        "check_symbol": "402817",
        "tx_type": "1",
        "debit_account": "110123456789",
        "transfer_amt": 5000000000,
        "counter_inst_code": "0004",
        "credit_account": "94320201234567",
        "counter_inst_branch": "여의도지점",
        "bene_name": "파발상사㈜",
        "requester_name": "역참물산",
        "requester_region_code": "11",
        "counter_inst_memo": "매매대금",
    }
    yield of(
        "reserve_transfer_request",
        "5,000,000,000 won over the accounts at the central bank; the memo of our account is left out",
        "reserve_transfer",
        "asker",
        {**header("2000", "105", 201, "140000"), **reserve, "credit_bank_code": "004"},
    )
    yield of(
        "reserve_transfer_request_full",
        "every field is full",
        "reserve_transfer",
        "asker",
        {
            **header("2000", "105", 202, "140001"),
            "check_symbol": "731946",
            "tx_type": "2",
            "debit_account": "110123456789012",
            "transfer_amt": 9999999999999,
            "counter_inst_code": "0881",
            "credit_bank_code": "088",
            "credit_account": "943202012345678",
            "counter_inst_branch": "여의도금융센터지점",
            "bene_name": "파발상사주식회사서울본점",
            "requester_name": "역참물산주식회사부산지점",
            "requester_region_code": "26",
            "counter_inst_memo": "이천이십육년십일월매매대금잔액",
            "debit_account_memo": "십일월대금지급분이체",
        },
    )
    yield of(
        "reserve_transfer_answer_success",
        "executed; the text of an error is spaces, and the bank uses the reserved bytes for itself",
        "reserve_transfer",
        "answerer",
        {**header("2100", "105", 201, "140000", response_code="0000"), **reserve, "error_text": "", "reserved": "R1"},
    )
    yield of(
        "reserve_transfer_answer_refused",
        "the balance is not enough, which the bank also says in words that fill the field",
        "reserve_transfer",
        "answerer",
        {
            **header("2100", "105", 201, "140000", response_code="0133"),
            **reserve,
            "error_text": "출금계좌잔액이부족하여거래를처리할수없음확인하세요",
            "reserved": "R1",
        },
    )

    trust = {
        "pay_account": "110123456789012",
        "pin": "12345678",
        "check_symbol": "402817",
        "debit_amt": "0000010000000",
        "credit_bank_code_2": "88",
        "credit_account": "270123456789012",
        "depositor_name": "홍길동상사주식회사㈜",
        "deposit_type_or_unsettled_yn": "N",
        "deposit_or_maturity_date": "20271120",
        "deposit_tx_seq": 1234,
        "special_offer_no": "SP001",
    }
    yield of(
        "trust_request",
        "10,000,000 won into a trust; its amounts are text, and the conditional kind of operation is left out",
        "trust",
        "asker",
        {**header("2000", "106", 211, "141000"), **trust},
    )
    yield of(
        "trust_request_full",
        "with the kind of operation, and bytes right behind the last field",
        "trust",
        "asker",
        {**header("2000", "106", 212, "141001"), **trust, "operation_type_code": "A1", "reserved": "R1"},
    )
    yield of(
        "trust_answer",
        "executed; balance and fee are text that fills its field",
        "trust",
        "answerer",
        {**header("2100", "106", 211, "141000", response_code="0000"), "balance": "-0000001250300", "fee": "000000500"},
    )

    claim = {
        "pay_account": "110123456789012",
        "credit_bank_code": "004",
        "credit_account": "943202012345678",
        "tx_amt": 150000,
        "return_account": "110123456789012",
        "return_reason_code": "03",
        "contact_phone": "02-1234-5678",
    }
    yield of(
        "mistaken_transfer_return_request",
        "number 101 of the day before went to the wrong account",
        "mistaken_transfer_return",
        "asker",
        {**header("2000", "161", 221, "142000"), **claim, "orig_tx_date": "20261119", "orig_tlg_no": 101},
    )
    yield of(
        "mistaken_transfer_return_request_full",
        "with words of the claimant; amount, number and phone are full",
        "mistaken_transfer_return",
        "asker",
        {
            **header("2000", "161", 222, "142001"),
            **claim,
            "orig_tx_date": "20261119",
            "orig_tlg_no": 950000,
            "tx_amt": 9999999999999,
            "return_reject_reason_text": "계좌번호의 끝자리를 잘못 적어 보냈습니다",
            "contact_phone": "+82-10-1234-5678-ext-000000042",
        },
    )
    yield of(
        "mistaken_transfer_return_answer_filed",
        "the claim is filed and is being worked on; nothing was returned yet",
        "mistaken_transfer_return",
        "answerer",
        {
            **header("2100", "161", 221, "142000", response_code="0000"),
            **claim,
            "return_amt": 0,
            "network_tx_no": "0882611190042",
            "progress_status": "01",
        },
    )
    yield of(
        "mistaken_transfer_return_answer_returned",
        "a part came back; every field is full",
        "mistaken_transfer_return",
        "answerer",
        {
            **header("2100", "161", 222, "142001", response_code="0000"),
            **claim,
            "tx_amt": 9999999999999,
            "return_amt": 8888888888888,
            "network_tx_no": "0882611190043",
            "return_reject_reason_text": "예금주가일부만반환하기로함" * 3 + "연락가능시간오후",
            "contact_phone": "+82-10-1234-5678-ext-000000042",
            "return_reject_date": "20261120",
            "kftc_resp_code": "000",
            "progress_status": "99",
            "reserved": "R1",
        },
    )

    collection = {
        "debit_account": "94320201234567",
        "check_symbol": "402817",
        "debit_amt": 33000,
        "credit_bank_code": "088",
        "credit_account": "110123456789",
        "memo": "１１월　요금　",
        "debit_account_real_name_no": "800101",
        "payer_no": "CUST-00042",
    }
    yield of(
        "collection_request",
        "33,000 won are collected from a customer's account; every conditional field is left out",
        "collection",
        "asker",
        {**header("2000", "200", 231, "143000"), **collection},
    )
    yield of(
        "collection_request_full",
        "every field that the company may fill is full",
        "collection",
        "asker",
        {
            **header("2000", "200", 232, "143001"),
            **collection,
            "debit_account": "943202012345678",
            "debit_amt": 9999999999999,
            "credit_account": "110123456789012",
            "debit_account_real_name_no": "8001011234567",
            "debit_account_holder_name": "홍길동상사㈜",
            "cms_depositor_code": "CMS0000000000042",
            "payer_no": "CUST0000000000000042",
            "fb_org_code": "FBORG00042",
            "reseller_area": "RESELLER0000000042",
            "reserved": "R",
        },
    )
    yield of(
        "collection_answer",
        "executed; every amount is as long as its field",
        "collection",
        "answerer",
        {
            **header("2100", "200", 232, "143001", response_code="0000"),
            "balance_sign": "+",
            "balance_after": 1234567890123,
            "fee": 123456789,
            "cashier_check_debit_amt": 1111111111111,
        },
    )

    register = {
        "register_id_code": "R",
        "account_bank_code": "004",
        "account": "9432020123456789",
        "apply_type": "1",
        "handling_branch_code": "0041234",
        "apply_date": "20261120",
        "real_name_check_yn": "Y",
        "real_name_no": "8001011234567",
        "payer_no": "CUST0000000000000042",
    }
    yield of(
        "debit_account_register_request",
        "a customer's account may be debited from now on",
        "debit_account_register",
        "asker",
        {**header("2000", "550", 241, "144000"), **register},
    )
    yield of(
        "debit_account_register_request_full",
        "with everything that is conditional",
        "debit_account_register",
        "asker",
        {
            **header("2000", "550", 242, "144001"),
            **register,
            "fb_org_code": "FBORG00042",
            "reserved1": "R1",
            "consent_type": "1",
            "debit_consent_org_code": "CONSENT0000000000042",
            "reserved2": "R2",
        },
    )
    yield of(
        "debit_account_register_answer",
        "registered: header and body say so; the bank tells whose account it is",
        "debit_account_register",
        "answerer",
        {
            **header("2100", "550", 241, "144000", response_code="0000"),
            "processed_yn": "Y",
            "fail_code": "0000",
            "fb_org_code": "FBORG00042",
            "customer_phone": "010-1234-5678-000042",
            "holder_name": "홍길동상사주식회사서울중앙본점",
            "reserved1": "R1",
        },
    )
