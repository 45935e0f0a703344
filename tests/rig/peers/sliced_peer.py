"""A bank that knows nothing of Pabal: it slices bytes by the institution's layout tables, and by nothing else.

Speaks Hecto's asynchronous topology: accepts the session on which requests come, and connects to the company's listener for all that
it sends itself. Standard library only. What it sees and does is written to standard output, a JSON object a line:

    {"event": "listening", "port": 40001}
    {"event": "request", "type": "2000100", "fields": {"telegram_no": "000001", ...}}
    {"event": "notice_reply", "fields": {...}}

Commands come on standard input, a line each: `notice AMOUNT` sends a deposit notice; `spoil` makes the next checksum wrong; `quit` ends.

With `--sealed`, reserved bytes say how long a telegram is, the Luhn digit of its number, a CRC-16/XMODEM of the header before it, and, in a
transfer, a CRC-32 of the body: events name what is `wrong` in what came, and what is sent is right. The checksums are Python's own.
"""

import argparse
import binascii
import csv
import json
import os
import pathlib
import socket
import sys
import threading
import time


def table(folder, name):
    """Rows of a layout table: (name, offset, length, type). Offsets are summed from the lengths, not read from the remarks."""
    rows, offset = [], 0
    with open(pathlib.Path(folder) / f"{name}.csv", encoding="utf-8") as file:
        next(file)  # the line that names the source
        for row in csv.DictReader(file):
            length = int(row["length"])
            rows.append((row["name_en"], offset, length, row["type"]))
            offset += length
    return rows, offset


class Layouts:
    def __init__(self, folder):
        self.header, header_bytes = table(folder, "hecto_fb_common_header")
        assert header_bytes == 100, header_bytes
        self.bodies = {}
        for code, name in {
            "1000100": "hecto_fb_1000_100_open",
            "2000100": "hecto_fb_2000_100_transfer",
            "7000100": "hecto_fb_7000_100_transfer_result_inquiry",
            "4000100": "hecto_fb_4000_100_deposit_notice",
        }.items():
            rows, size = table(folder, name)
            assert size == 200, (name, size)
            self.bodies[code] = [(field, offset + 100, length, kind) for field, offset, length, kind in rows]

    def rows(self, code):
        return self.header + self.bodies[code]

    def read(self, telegram):
        """Every field as text. A type is named by its request: 2100 is read as 2000."""
        message_type = telegram[24:28].decode("ascii")
        request_type = message_type[0] + "0" + message_type[2:]
        code = request_type + telegram[28:31].decode("ascii")
        fields = {
            name: telegram[offset : offset + length].decode("cp949").rstrip(" ")
            for name, offset, length, _ in self.rows(code)
        }
        return message_type, code, fields

    def write(self, telegram, code, values):
        """Sets fields of a telegram that is already there."""
        rows = {name: (offset, length, kind) for name, offset, length, kind in self.rows(code)}
        out = bytearray(telegram)
        for name, value in values.items():
            offset, length, kind = rows[name]
            data = str(value).encode("cp949")
            assert len(data) <= length, (name, value)
            out[offset : offset + length] = data.rjust(length, b"0") if kind.startswith("9") else data.ljust(length, b" ")
        return bytes(out)


def luhn(digits):
    """The check digit of a text of digits."""
    doubled = [sum(divmod(2 * int(digit), 10)) if place % 2 == 0 else int(digit) for place, digit in enumerate(reversed(digits))]
    return str(-sum(doubled) % 10)


def seals(telegram):
    """What reserved bytes must hold: (name, offset, bytes). A checksum is of what stands before it, right or wrong."""
    yield "total", 82, b"%04d" % len(telegram)
    yield "number_digit", 86, luhn(telegram[32:38].decode("ascii")).encode("ascii")
    yield "header_crc", 87, b"%04X" % binascii.crc_hqx(telegram[:87], 0)
    if telegram[24:31] in (b"2000100", b"2100100"):
        yield "body_crc", 247, b"%08X" % binascii.crc32(telegram[100:247])


def sealed(telegram):
    out = bytearray(telegram)
    for at in range(4):
        for _, offset, data in list(seals(bytes(out)))[at : at + 1]:
            out[offset : offset + len(data)] = data
    return bytes(out)


SAYING = threading.Lock()


def say(**event):
    # In one piece: several threads have something to say, and a line of two is none.
    with SAYING:
        sys.stdout.write(json.dumps(event, ensure_ascii=True) + "\n")
        sys.stdout.flush()


def whole(connection, count):
    """Exactly so many bytes, or None at the end of the stream."""
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            return None
        data += part
    return data


class Bank:
    def __init__(self, layouts, company, seals):
        self.layouts = layouts
        self.seals = seals
        self.spoils = False
        self.company = company
        self.back = None
        self.back_ready = threading.Event()
        self.lock = threading.Lock()
        self.done = {}
        self.template = None
        self.notices = 0

    def send(self, telegram):
        self.back_ready.wait(20)
        if self.seals:
            telegram = sealed(telegram)
        if self.spoils:
            telegram = telegram[:87] + (b"0001" if telegram[87:91] == b"0000" else b"0000") + telegram[91:]
            self.spoils = False
        with self.lock:
            # In two pieces, cut inside the header: TCP promises no more.
            wire = b"%04d" % len(telegram) + telegram
            self.back.sendall(wire[:50])
            self.back.sendall(wire[50:])

    def connect_back(self):
        while True:
            try:
                self.back = socket.create_connection(self.company, timeout=5)
                break
            except OSError:
                time.sleep(0.02)
        self.back.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.back.settimeout(None)
        say(event="connected_back")
        self.back_ready.set()

    def serve(self, connection):
        while True:
            prefix = whole(connection, 4)
            if prefix is None:
                say(event="closed")
                return
            telegram = whole(connection, int(prefix))
            if telegram is None:
                return
            if telegram.startswith(b"HDRREQPOLL"):
                connection.sendall(b"0020HDRRESPOLL" + telegram[10:])
                continue
            self.take(telegram)

    def take(self, telegram):
        message_type, code, fields = self.layouts.read(telegram)
        wrong = [name for name, at, data in seals(telegram) if telegram[at : at + len(data)] != data] if self.seals else []
        if message_type == "4100":
            say(event="notice_reply", fields=fields, wrong=wrong)
            return
        say(event="request", type=code, fields=fields, length=len(telegram), wrong=wrong)
        self.template = telegram
        answer = telegram[:100] + (b" " * 200)
        answer = answer[:24] + message_type[:1].encode() + b"1" + message_type[2:].encode() + answer[28:]
        if code == "1000100":
            self.send(self.layouts.write(answer, code, {"response_code": "0000"}))
        elif code == "2000100":
            # The body goes back as it came: this bank echoes what it does not fill.
            answer = answer[:100] + telegram[100:]
            self.done[fields["telegram_no"]] = fields
            if int(fields["debit_amt"]) == 4040:
                return  # executed, and never answered
            self.send(
                self.layouts.write(
                    answer, code, {"response_code": "0000", "balance_sign": "+", "balance_after": 987654, "fee": 500}
                )
            )
        elif code == "7000100":
            original = self.done.get(fields["orig_tlg_no"])
            values = {"orig_tlg_no": fields["orig_tlg_no"], "inquiry_type": fields["inquiry_type"] or "0", "response_code": "0000"}
            if original is None:
                values.update(proc_result="NREC", credit_bank_code=0, req_amt=0, ok_amt=0, fail_amt=0, fee=0, transfer_time=0)
            else:
                values.update(
                    debit_account=original["debit_account"],
                    credit_bank_code=original["credit_bank_code"],
                    credit_account=original["credit_account"],
                    req_amt=original["debit_amt"],
                    ok_amt=original["debit_amt"],
                    fail_amt=0,
                    fee=500,
                    transfer_time="101112",
                    proc_result="0000",
                )
            self.send(self.layouts.write(answer, code, values))

    def notice(self, amount):
        self.notices += 1
        header = self.template[:100]
        telegram = header[:24] + b"4000100" + header[31:100] + b" " * 200
        now = time.localtime()
        self.send(
            self.layouts.write(
                telegram,
                "4000100",
                {
                    "telegram_no": 500000 + self.notices,
                    "send_date": time.strftime("%Y%m%d", now),
                    "send_time": time.strftime("%H%M%S", now),
                    "response_code": "",
                    "filler1": "BANKSIDE0000001",
                    "tx_account": "110123456789",
                    "branch_giro_code": "0880011",
                    "io_cancel_type": "11",
                    "tx_type": "01",
                    "tx_amt": amount,
                    "cash_amt": amount,
                    "bill_other_clearing": 0,
                    "balance_sign": "+",
                    "balance_after": 1000000,
                    "counterparty_name": "홍길동",
                    "tx_date": time.strftime("%Y%m%d", now),
                    "tx_time": time.strftime("%H%M%S", now),
                    "tx_seq": self.notices,
                    "cancel_orig_seq": 0,
                    "orig_tx_date": 0,
                    "cashier_check_amt": 0,
                    "personal_check_amt": 0,
                    "tx_amt_type_code": "01",
                },
            )
        )


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--layouts", required=True)
    arguments.add_argument("--company", required=True, help="HOST:PORT of the company's listener, or - to be told by `company` on stdin")
    arguments.add_argument("--sealed", action="store_true", help="telegrams have lengths and checksums")
    options = arguments.parse_args()
    bank = Bank(Layouts(options.layouts), None, options.sealed)
    listener = socket.create_server(("127.0.0.1", 0))
    say(event="listening", port=listener.getsockname()[1])

    def commands():
        for line in sys.stdin:
            word, *rest = line.split()
            if word == "company":
                host, port = rest[0].rsplit(":", 1)
                bank.company = (host, int(port))
                threading.Thread(target=bank.connect_back, daemon=True).start()
            elif word == "notice":
                bank.notice(int(rest[0]))
            elif word == "spoil":
                bank.spoils = True
            elif word == "quit":
                break
        os._exit(0)

    threading.Thread(target=commands, daemon=True).start()
    if options.company != "-":
        host, port = options.company.rsplit(":", 1)
        bank.company = (host, int(port))
        threading.Thread(target=bank.connect_back, daemon=True).start()
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        say(event="accepted")
        threading.Thread(target=bank.serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
