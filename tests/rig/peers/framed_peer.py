"""A participant that knows nothing of Pabal: it cuts and makes frames by hand, a function for each row of the field's table.

Accepts one duplex session at a time and answers every request of 40 bytes with an answer of the same length: the type 0210, the
response code 0000 and an approval number. What it sees is written to standard output, a JSON object a line.

    framed_peer.py FRAME [FAULT]

FAULT is done once, before the third answer: `garbage` sends bytes that begin no frame, `long` a length beyond every maximum.
"""

import itertools
import json
import socket
import struct
import sys

TELEGRAM = 40
LENGTH_AT = 19  # of the field that holds the telegram's own length in five digits


def number(data):
    assert data.isdigit(), data
    return int(data)


def bcd(value, width):
    return bytes.fromhex(f"{value:0{2 * width}d}")


def with_length(telegram, value):
    return telegram[:LENGTH_AT] + b"%05d" % value + telegram[LENGTH_AT + 5 :]


# For each frame: how many bytes stand before the length is known, the rest of the frame from those, how to wrap, how to unwrap, and the
# bytes of a frame that says it is far too long.
def plain(size, count, made, too_long):
    return {
        "head": size,
        "rest": count,
        "wrap": made,
        "unwrap": lambda data: data[size:],
        "long": too_long,
    }


FRAMES = {
    "ascii": plain(4, lambda h: number(h), lambda t: b"%04d" % len(t) + t, b"9999"),
    "inclusive": plain(4, lambda h: number(h) - 4, lambda t: b"%04d" % (len(t) + 4) + t, b"9999"),
    "add": plain(4, lambda h: number(h) - 12, lambda t: b"%04d" % (len(t) + 12) + t, b"9999"),
    "big": plain(2, lambda h: struct.unpack(">H", h)[0], lambda t: struct.pack(">H", len(t)) + t, b"\xff\xff"),
    "little": plain(4, lambda h: struct.unpack("<I", h)[0] - 4, lambda t: struct.pack("<I", len(t) + 4) + t, b"\xff" * 4),
    "bcd": plain(2, lambda h: number(h.hex().encode()), lambda t: bcd(len(t), 2) + t, b"\x99\x99"),
    "code": plain(7, lambda h: number(h[3:]), lambda t: b"KFT%04d" % len(t) + t, b"KFT9999"),
    "twice": plain(
        11, lambda h: number(h[7:]), lambda t: b"%04dKFT%04d" % (len(t), len(t)) + t, b"9999KFT9999"
    ),
    "outer": plain(
        26, lambda h: number(h[8:12]), lambda t: b"SETTLE01%04d" % len(t) + b" " * 14 + t, b"SETTLE019999" + b" " * 14
    ),
    "stx": {
        "head": 5,
        "rest": lambda h: number(h[1:]) + 1,
        "wrap": lambda t: b"\x02%04d" % len(t) + t + b"\x03",
        "unwrap": lambda data: data[5:-1],
        "long": b"\x029999",
    },
    "inside": {
        "head": LENGTH_AT + 5,
        "rest": lambda h: number(h[LENGTH_AT:]) - LENGTH_AT - 5,
        "wrap": lambda t: with_length(t, len(t)),
        "unwrap": lambda data: data,
        "long": b"0210" + b" " * (LENGTH_AT - 4) + b"99999",
    },
    "from": {
        "head": LENGTH_AT + 5,
        "rest": lambda h: number(h[LENGTH_AT:]) - 5,
        "wrap": lambda t: with_length(t, len(t) - LENGTH_AT),
        "unwrap": lambda data: data,
        "long": b"0210" + b" " * (LENGTH_AT - 4) + b"99999",
    },
    "fixed": {
        "head": TELEGRAM,
        "rest": lambda h: 0,
        "wrap": lambda t: t,
        "unwrap": lambda data: data,
        "long": None,
    },
}
FRAMES["type"] = FRAMES["fixed"]


def tell(**what):
    print(json.dumps(what), flush=True)


def exactly(session, count):
    data = b""
    while len(data) < count:
        piece = session.recv(count - len(data))
        if not piece:
            return None
        data += piece
    return data


def serve(session, frame, fault, requests):
    """Answers until the session ends; `requests` counts those of all sessions."""
    while True:
        head = exactly(session, frame["head"])
        if head is None:
            return
        rest = exactly(session, frame["rest"](head))
        telegram = frame["unwrap"](head + rest)
        assert len(telegram) == TELEGRAM and telegram[:4] == b"0200", telegram
        tell(event="request", telegram=telegram.decode("cp949"))
        answers = next(requests)
        if fault == "garbage" and answers == 3:
            session.sendall(b"\x00\x01no frame at all")
        if fault == "long" and answers == 3:
            session.sendall(frame["long"])
            continue
        approval = b"A%07d" % answers
        answer = b"0210" + telegram[4:15] + b"0000" + telegram[19:28] + approval + b" " * 4
        data = frame["wrap"](answer)
        # In two pieces, cut where it hurts.
        session.sendall(data[:3])
        session.sendall(data[3:])


def main():
    frame, fault = FRAMES[sys.argv[1]], (sys.argv[2:] or [None])[0]
    listener = socket.create_server(("127.0.0.1", 0))
    tell(event="listening", port=listener.getsockname()[1])
    requests = itertools.count(1)
    while True:
        session, _ = listener.accept()
        session.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tell(event="connected")
        try:
            serve(session, frame, fault, requests)
        except ConnectionError:
            pass
        tell(event="closed")
        session.close()


if __name__ == "__main__":
    main()
