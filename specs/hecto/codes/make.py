#!/usr/bin/env python3
"""Judges the response codes of Hecto's banks: response_codes.csv, as it was published, becomes ../codes.csv and review.md.

    make.py              writes both
    make.py --check      says whether the committed ones are what would be written; exits with 1 if not
    make.py --list CLASS writes each text that got this class, once, for reading

A code begins as unknown. It becomes refused only if its text plainly says that the request was not executed, and says nothing else:
every word of the text belongs to a reason why a request cannot be executed (an account, a limit, a password, a form), and none to
what could be said of a request that was executed, is being executed, or was executed before. Who is refused may try again, so that
a wrong refused pays twice; with a wrong unknown a person looks.
"""

import collections
import csv
import pathlib
import re
import sys
import unicodedata

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True
import words  # noqa: E402

SOURCE = HERE / "response_codes.csv"
TABLE = HERE.parent / "codes.csv"
REVIEW = HERE / "review.md"

# The relay's own codes, which hold for every bank and are not in the workbook. What several of them mean is not published.
RELAY = [
    ("0000", "success", "정상처리"),
    ("0001", "unknown", "중계기관: 은행마다 다른 뜻"),
    ("0101", "unknown", "중계기관: 은행마다 다른 뜻"),
    ("SB01", "duplicate", "중계기관: 계좌와 금액이 같은 출금 중복"),
    *((f"SB0{n}", "unknown", "중계기관") for n in range(2, 9)),
    ("SB09", "duplicate", "중계기관: 전문번호 중복, 내용 상이"),
    ("SSSS", "unknown", "중계기관"),
    ("VTIM", "unknown", "중계기관: 은행 응답 시간초과"),
]
# The one code that says that a request was executed: under another one, a text that says it is no proof.
DONE = "0000"
# These stand for several codes, of which none is listed.
FAMILIES = {"9XX ", "9xxx"}


def source():
    """Rows of the workbook: (bank, its name, code, text)."""
    lines = [line for line in SOURCE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = [(row["bank_code"], row["bank_name"], row["response_code"], row["message"]) for row in csv.DictReader(lines)]
    for bank, _, code, text in rows:
        if not (re.fullmatch(r"\d{3}", bank) and (re.fullmatch(r"[0-9A-Z]{4}", code) or code in FAMILIES) and text.strip()):
            sys.exit(f"{bank} {code} {text!r}: not a bank, a code of four characters and a text")
    return rows


def squeezed(text):
    """A text as it is compared: no spaces, one width, capitals."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).upper()


def shown(text):
    """A text on one line, with plain spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


class Judged:
    """A row of the table, and why it has its class."""

    def __init__(self, bank, exchange, code, verdict, text, why):
        self.bank, self.exchange, self.code, self.verdict, self.text, self.why = bank, exchange, code, verdict, text, why


def judge(rows):
    """Rows of the table, and the keys that the workbook lists twice."""
    texts = {squeezed(text) for _, _, _, text in rows}
    for whole in (words.PLAIN, words.NOT_OPEN, words.OTHER_NOT_OPEN, words.SUCCESS, words.NO_SUCH_NUMBER, words.ALREADY_OPEN):
        if len(set(whole)) != len(whole) or not set(whole) <= texts:
            sys.exit(f"not a text of the workbook, or listed twice: {sorted(set(whole) - texts)}")
    by_key = collections.OrderedDict()
    for bank, _, code, text in rows:
        by_key.setdefault((bank, code), []).append(shown(text))
    judged, twice = [], []
    relay = {code: verdict for code, verdict, _ in RELAY}
    for code, verdict, text in RELAY:
        judged.append(Judged("", "", code, verdict, text, "the relay's own code"))
    for (bank, code), texts in sorted(by_key.items()):
        verdicts = [words.judge(squeezed(text)) for text in texts]
        verdict, why = verdicts[0]
        if len({found for found, _ in verdicts}) > 1:
            verdict, why = "unknown", "the workbook lists it twice, with different meanings"
        if len(texts) > 1:
            twice.append((bank, code, texts, verdict))
        if code in FAMILIES:
            verdict, why = "unknown", "stands for several codes"
        if verdict == "success" and code != DONE:
            # An inquiry takes only 0000 for done, and no document says that a transfer may be answered with another code.
            verdict, why = "unknown", f"says that it was done, but {DONE} is the code that says so"
        text = " / ".join(dict.fromkeys(texts))
        if code in relay and verdict != relay[code]:
            why = f"the relay's own code too, which is {relay[code]} there ({verdict} by its text: {why})"
            verdict = "unknown"
        judged.append(Judged(bank, "", code, verdict, text, why))
        only = dict(words.by_exchange(squeezed(text))) if len(texts) == 1 else {}
        if verdict == "refused":
            # A refusal of the question says nothing of the number that was asked for: only the texts that say so close a hole.
            only.setdefault("deposit_gap", "unknown")
        for exchange, own in only.items():
            if own != verdict:
                judged.append(Judged(bank, exchange, code, own, text, f"what it says of `{exchange}`"))
    return judged, twice


HEAD = """\
# Response codes of Hecto Financial's firm banking (실시간펌뱅킹) and of the 36 banks behind it. Written by codes/make.py; change it there.
#
# Source: the publisher's workbook "실시간펌뱅킹 은행별응답코드" of 2024-10 (10,460 codes of 4 characters), published beside the telegram
# specification at develop.sbsvc.online/27/onlineDocList.do; as it is in codes/response_codes.csv. The class is ours, made from the text
# alone; codes/review.md tells how, and lists every row whose text could be misread.
#
# - A row without a bank is the relay's own code, which holds for every bank. Where a bank's row says something else, the code says nothing.
# - refused: the text says plainly that the request was not executed, and nothing else. Whatever could be said of a request that was
#   executed is not refused.
# - success: 0000 alone. A bank's own code whose text says that it was done is unknown: an inquiry takes only 0000 for done.
# - not_open: our own opening with this bank is missing. That another bank is not open is refused; that business is over is unavailable.
# - A row with an exchange holds for that exchange only, before the one without. A refusal of a gap request says nothing of the notice that
#   is asked for, but for the texts that say that there is none.
"""


def table(judged):
    """The code table."""
    columns = ["bank_code", *(["exchange"] if words.EXCHANGES else []), "code", "class", "text"]
    out = [HEAD + ",".join(columns)]
    for row in judged:
        cells = [row.bank, *([row.exchange] if words.EXCHANGES else []), row.code, row.verdict, row.text]
        out.append(",".join('"' + cell.replace('"', '""') + '"' if re.search('[,"]', cell) else cell for cell in cells))
    return "\n".join(out) + "\n"


def review(judged, twice):
    """What a person should read: how many, all conflicts, and each row that speaks of what may have been executed."""
    count = collections.Counter(row.verdict for row in judged if not row.exchange)
    out = [
        "# Review of the response codes",
        "",
        "Written by make.py beside this page. It shows what was made of codes whose texts could be misread; `make.py --list refused` prints",
        "every text that was taken as a refusal.",
        "",
        "## Counts",
        "",
        "| class | codes |",
        "|---|--:|",
        *(f"| {verdict} | {count[verdict]:,} |" for verdict in words.CLASSES),
        f"| all | {sum(count.values()):,} |",
        "",
        "## Listed twice",
        "",
        "| bank | code | texts | class |",
        "|---|---|---|---|",
        *(f"| {bank} | {code} | {cell(' / '.join(texts))} | {verdict} |" for bank, code, texts, verdict in twice),
        "",
        "## Codes of the relay that are codes of banks, too",
        "",
        "| bank | code | text | class | why |",
        "|---|---|---|---|---|",
    ]
    relay = {code for code, _, _ in RELAY} - {"0000"}
    out += [line(row) for row in judged if row.bank and not row.exchange and row.code in relay]
    out += ["", "## Of one exchange only", "", "| bank | exchange | code | text | class |", "|---|---|---|---|---|"]
    out += [
        f"| {row.bank} | {row.exchange} | {row.code} | {cell(row.text)} | {row.verdict} |"
        for row in judged
        if row.exchange and row.verdict != "unknown"
    ]
    out += ["", "All refusals are unknown in the answer to a gap request, where only `no such number` says something of the number."]
    for title, pattern in words.SPOKEN:
        rows = [row for row in judged if row.bank and not row.exchange and re.search(pattern, squeezed(row.text))]
        if title != "closed business" and any(row.verdict == "refused" for row in rows):
            wrong = [f"{row.bank} {row.code} {row.text}" for row in rows if row.verdict == "refused"]
            sys.exit(f"refused, but speaks of {title}:\n" + "\n".join(wrong))
        out += ["", f"## Speaks of {title}: {len(rows)}", "", "| bank | code | text | class | why |", "|---|---|---|---|---|"]
        out += map(line, rows)
    return "\n".join(out) + "\n"


def cell(text):
    return text.replace("|", "\\|")


def line(row):
    return f"| {row.bank} | {row.code} | {cell(row.text)} | {row.verdict} | {cell(row.why)} |"


def main(arguments):
    judged, twice = judge(source())
    if arguments[:1] == ["--list"] and len(arguments) == 2:
        print("\n".join(sorted({squeezed(row.text) for row in judged if row.verdict == arguments[1]})))
        return 0
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    made = {TABLE: table(judged), REVIEW: review(judged, twice)}
    if arguments == ["--check"]:
        stale = [path.name for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
        print(f"{len(judged)} codes" + "".join(f", {name} is stale" for name in stale))
        return 1 if stale else 0
    for path, text in made.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(judged)} codes written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
