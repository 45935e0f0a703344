#!/usr/bin/env python3
"""Makes the tables of the charsets from glibc's iconv. The tests compare them again, with iconv and with the JDK.

    make.py                 writes the tables
    make.py --check         says whether the committed ones are what would be written; exits with 1 if not
    make.py --read CHARSET  what iconv reads in this charset of glibc: a line for each sequence of one or two bytes that is text,
                            as `bytes characters` in hex; for a charset of --shifted, of two bytes between SO and SI
    make.py --write CHARSET what iconv writes for each character below U+10000 that it can write, in the same form

All numbers are 16 bits, the low byte first; 0 where there is no character.

    cp949.bin        rows 0x81 to 0xFE, columns 0x41 to 0xFE
    ebcdic.bin       037, 500, 1047, 1140, and the one-byte characters of 933 and 1364: 256 each
    ebcdic-1364.bin  rows 0x41 to 0x6C, then 0x84 to 0xDD, columns 0x41 to 0xFE; the space 0x4040 is in no row
    ebcdic-933.bin   a bit for each place of ebcdic-1364.bin, the lowest first: 933 has this character, too
"""

import ctypes
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = range(0x41, 0xFF)
ONE_BYTE = ["IBM037", "IBM500", "IBM1047", "IBM1140", "IBM1364"]
SHIFTED = {"IBM933", "IBM1364"}
SO, SI = 0x0E, 0x0F

LIBC = ctypes.CDLL(None)
LIBC.iconv_open.restype = ctypes.c_void_p
LIBC.iconv_open.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
LIBC.iconv.restype = ctypes.c_size_t
LIBC.iconv.argtypes = [ctypes.c_void_p] * 5


def converter(source_charset, target_charset):
    """A function that turns bytes of one charset into bytes of another, or gives None."""
    state = LIBC.iconv_open(target_charset.encode(), source_charset.encode())
    if state == ctypes.c_void_p(-1).value:
        sys.exit(f"iconv does not know {source_charset} or {target_charset}; install glibc's gconv modules")

    def convert(data):
        source, target = ctypes.create_string_buffer(data, len(data)), ctypes.create_string_buffer(64)
        at, left = ctypes.c_void_p(ctypes.addressof(source)), ctypes.c_size_t(len(data))
        to, room = ctypes.c_void_p(ctypes.addressof(target)), ctypes.c_size_t(64)
        LIBC.iconv(state, None, None, None, None)
        if LIBC.iconv(state, *map(ctypes.byref, (at, left, to, room))) != 0:
            return None
        # Some write the last character, or SI behind it, only when they are told that it is the last.
        LIBC.iconv(state, None, None, ctypes.byref(to), ctypes.byref(room))
        return target.raw[: 64 - room.value]

    return convert


def reader(charset):
    """A function that reads bytes as text, or gives None."""
    convert = converter(charset, "UTF-16BE")

    def read(data):
        text = convert(data)
        return None if text is None else text.decode("utf-16-be")

    return read


def written(charset):
    """Every character below U+10000 that can be written: (bytes without SO and SI around them, character)."""
    convert = converter("UTF-16BE", charset)
    for number in [*range(0xD800), *range(0xE000, 0x10000)]:
        data = convert(struct.pack(">H", number))
        # In these charsets glibc writes SUB for whatever they do not have, and tells nobody.
        if data == b"\x3F" and charset in SHIFTED and number != 0x1A:
            continue
        if data:
            is_wide = charset in SHIFTED and len(data) == 4 and data[0] == SO and data[3] == SI
            yield data[1:3] if is_wide else data, chr(number)


def sequences(charset):
    """Every sequence of one byte, and of two that do not begin with one that is text alone: (bytes, characters)."""
    read = reader(charset)
    whole = set()
    for one in range(0x100):
        if text := read(bytes([one])):
            whole.add(one)
            yield bytes([one]), text
    for lead in range(0x100):
        for trail in range(0x100):
            if charset in SHIFTED:
                # A shift in the run would end it.
                if not {lead, trail} & {SO, SI} and (text := read(bytes([SO, lead, trail, SI]))):
                    yield bytes([lead, trail]), text
            elif lead not in whole and (text := read(bytes([lead, trail]))):
                yield bytes([lead, trail]), text


def is_control(text):
    return ord(text) < 0x20 or 0x7F <= ord(text) < 0xA0


def table(charset):
    return {data: text for data, text in sequences(charset) if not is_control(text)}


def numbers(all_numbers):
    return b"".join(struct.pack("<H", number) for number in all_numbers)


def made():
    cp949 = table("CP949")
    pages = {charset: table(charset) for charset in ONE_BYTE}
    wide, narrow = pages["IBM1364"], table("IBM933")
    assert all(wide.get(data) == text for data, text in narrow.items()), "933 is a part of 1364"
    assert wide[b"\x40\x40"] == narrow[b"\x40\x40"] == "\u3000"
    rows = [*range(0x41, 0x6D), *range(0x84, 0xDE)]
    places = [bytes([row, column]) for row in rows for column in COLUMNS]
    assert {data for data in wide if len(data) == 2} <= {*places, b"\x40\x40"}, "no character is elsewhere"
    assert {data for data in cp949 if len(data) == 2} <= {bytes([r, c]) for r in range(0x81, 0xFF) for c in COLUMNS}

    def all_of(page, keys):
        return numbers(ord(page.get(data, "\0")) for data in keys)

    bits = [data in narrow for data in places]
    return {
        "cp949.bin": all_of(cp949, [bytes([row, column]) for row in range(0x81, 0xFF) for column in COLUMNS]),
        "ebcdic.bin": b"".join(all_of(pages[charset], [bytes([one]) for one in range(0x100)]) for charset in ONE_BYTE),
        "ebcdic-1364.bin": all_of(wide, places),
        "ebcdic-933.bin": bytes(
            sum(bit << at for at, bit in enumerate(bits[start : start + 8])) for start in range(0, len(bits), 8)
        ),
    }


def main():
    match sys.argv[1:]:
        case ["--read" | "--write" as what, charset]:
            pairs = sequences(charset) if what == "--read" else written(charset)
            lines = (f"{data.hex()} {'+'.join(f'{ord(c):04x}' for c in text)}" for data, text in pairs)
            print("\n".join(lines))
        case [] | ["--check"]:
            stale = False
            for name, data in made().items():
                if sys.argv[1:] and (HERE / name).read_bytes() != data:
                    print(f"{name} is not what make.py writes", file=sys.stderr)
                    stale = True
                elif not sys.argv[1:]:
                    (HERE / name).write_bytes(data)
            sys.exit(stale)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
