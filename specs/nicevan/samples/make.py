#!/usr/bin/env python3
"""The samples of NICE VAN beside this file; ../../sample.py lays them out."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))
sys.dont_write_bytecode = True
import sample  # noqa: E402

LAYOUTS = HERE.parent / "layouts"
RENAMED = {"filler": "reserved"}


def telegram(name, length):
    return sample.Telegram(length, sample.table(LAYOUTS / f"nicevan_{name}.csv", 0, RENAMED))


BOOK = sample.Book(
    {
        "approval_request": telegram("0200_card_approval_req", 237),
        "approval_answer": telegram("0210_card_approval_res", 299),
    },
    {**dict.fromkeys(["track2", "pin"], "secret"), **dict.fromkeys(["biz_reg_no", "resident_no", "address"], "identity")},
    strict=False,
)


def of(*arguments):
    return sample.Sample(BOOK, *arguments)


TERMINAL = {
    "text_marker": "TAX",
    "mgmt_no": "CAT00000421120101530",
    "tx_type": "10",
    "model_type": "H1",
    "device_type": "KIOSK00042",
    "cat_id": "CAT0000042",
    "wcc": "A",
    "track2": "379410000000000000=27120000000000000000",
    "biz_reg_no": "1234567890",
}


def samples():
    """All of them. The card is nobody's: its number has no valid check digit."""
    request = {
        **TERMINAL,
        "message_type": "0200",
        "installment": 0,
        "service_fee": 0,
        "tax": 3000,
        "amount": 33000,
        "sign_flag": "N",
    }
    yield of("approval_request", "33,000 won at once, without a signature", "approval_request", "asker", request)
    yield of(
        "cancellation_request",
        "the same is cancelled, and names the original; every field is full",
        "approval_request",
        "asker",
        {
            **request,
            "message_type": "0420",
            "installment": 12,
            "service_fee": 111111111,
            "tax": 222222222,
            "amount": 333333333,
            "orig_approval_no": "30012345",
            "orig_approval_date": "261119",
            "orig_unique_no": "UNIQUE000042",
            "resident_no": "8001011234567",
            "pin": "0123456789ABCDEF",
            "domain": "KIOSK.EXAMPLE.CO.KR/PAY/000042",
            "address": "서울시중구을지로１가",
            "reserved": "F",
        },
    )
    answer = {
        **TERMINAL,
        "message_type": "0210",
        "response_code": "0000",
        "installment": 12,
        "service_fee": 111111111,
        "tax": 222222222,
        "amount": 333333333,
        "resident_no": "8001011234567",
        "pin": "0123456789ABCDEF",
        "issuer_code": "01",
        "issuer_name": "파발카드주식회사본점",
        "acquirer_code": "02",
        "acquirer_name": "역참카드주식회사본점",
        "merchant_no": "MERCHANT0000042",
        "approval_date": "261120",
        "approval_time": "101531",
        "approval_no": "300123450042",
        "unique_no": "UNIQUE000043",
        "capture_flag": "1",
        "response_text": "정상승인되었습니다감사합니다또오세요",
    }
    yield of("approval_answer", "approved; every field is full", "approval_answer", "answerer", answer)
    yield of(
        "approval_answer_refused",
        "the limit is exceeded: whatever an approval has is left out",
        "approval_answer",
        "answerer",
        {
            **TERMINAL,
            "message_type": "0210",
            "response_code": "8324",
            "installment": 0,
            "service_fee": 0,
            "tax": 3000,
            "amount": 33000,
            "response_text": "한도초과 똠방카드",
        },
    )


if __name__ == "__main__":
    sys.exit(sample.run(samples(), HERE, sys.argv[1:]))
