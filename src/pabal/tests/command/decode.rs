use insta::assert_snapshot;

use crate::process::{Ended, run_with};
use crate::sample::{Sample, root, sample, samples};

const BUILT_IN: &str = "hecto (built in)";

fn decode(args: &[&str], hex: &str) -> Ended {
    run_with(&[&["decode"], args].concat(), hex.as_bytes()).by_spec(BUILT_IN)
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits");
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Everything of the sample that must not be seen: values as text, and their bytes as the table writes them.
fn secrets(sample: &Sample) -> Vec<String> {
    let mut secrets = Vec::new();
    for (_, value, shown) in &sample.confidential {
        assert_ne!(value, shown);
        // What a public field happens to hold too is seen there.
        if sample.public.iter().any(|public| public.contains(value.as_str())) {
            continue;
        }
        secrets.push(value.clone());
        if value.is_ascii() {
            secrets.push(value.bytes().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" "));
            secrets.push(value.bytes().map(|b| format!("{b:02x}")).collect());
        }
    }
    secrets
}

fn assert_hides(sample: &Sample, ended: &Ended) {
    for secret in secrets(sample) {
        let whole = ended.whole();
        assert!(!whole.contains(&secret), "{} shows {secret}:\n{whole}", sample.name);
    }
}

#[test]
fn no_sample_shows_what_is_confidential() {
    for sample in samples("hecto") {
        for args in [&[][..], &["--bytes"], &["--json"]] {
            let ended = decode(args, &sample.hex());
            assert_hides(&sample, &ended);
            assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", sample.name);
            for (field, _, shown) in &sample.confidential {
                assert!(ended.out.contains(shown.as_str()), "{} shows {field} as {shown}", sample.name);
            }
        }
        let told = decode(&["--unmasked"], &sample.hex());
        for (field, value, _) in &sample.confidential {
            assert!(told.out.contains(&format!("{field}={value}\n")), "{}", told.out);
        }
        let side = decode(&["--bytes"], &sample.hex()).out;
        let head = side.lines().next().expect("a head");
        assert!(
            head.starts_with(&sample.telegram) && head.ends_with(&format!("filled by the {}", sample.side)),
            "{head}"
        );
    }
}

/// Fillers of these hold marks of the institution's own, in front of what is confidential too.
#[test]
fn a_telegram_of_layouts_alone_is_masked_field_by_field() {
    let spec = root().join("specs/ksnet");
    let spec = spec.to_str().expect("UTF-8");
    let decode = |sample: &Sample, args: &[&str]| {
        let of = ["decode", "--spec", spec, "--telegram", &sample.telegram, "--side", &sample.side];
        run_with(&[&of, args].concat(), sample.wire.concat().as_bytes()).by_spec(spec)
    };
    for sample in samples("ksnet") {
        for args in [&[][..], &["--bytes"], &["--json"]] {
            let ended = decode(&sample, args);
            assert_hides(&sample, &ended);
            assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", sample.name);
            for text in sample.confidential.iter().map(|(_, _, shown)| shown).chain(&sample.public) {
                assert!(ended.out.contains(text.as_str()), "{} shows {text}:\n{}", sample.name, ended.out);
            }
        }
    }
    // What may be a part of an account hides all behind the date, and is named.
    let mut moved = samples("ksnet").into_iter().find(|one| one.name == "transfer_request").expect("it is there");
    assert!(moved.wire[14].starts_with("4831"), "header_reserved, at byte 87");
    moved.wire[14] = "20202020202020202031313031".into();
    let ended = decode(&moved, &[]);
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (
            0,
            "header_reserved at byte 87 (13 bytes) is a filler that holds more than a short mark, so that bytes may have moved: what may be \
             confidential is hidden as a whole\n"
        )
    );
    assert!(ended.out.contains("send_datetime=20261120101530\n") && !ended.out.contains("1101"), "{}", ended.out);
    assert!(decode(&moved, &["--unmasked"]).out.contains("header_reserved=         1101\n"));
}

/// Bytes that were lost or added move what is confidential into public fields: nothing of it shows there either.
#[test]
fn a_moved_telegram_shows_nothing_either() {
    let full = sample("transfer_request_full");
    for (cut, added) in [(1, 0), (4, 0), (40, 0), (0, 1), (0, 4), (0, 40)] {
        // In front of the account, behind the pin, and in front of the holder's name.
        for piece in [14, 16, 26] {
            let mut wire = full.wire[1..].to_vec();
            if cut > 0 {
                let joined = wire[piece..].concat();
                wire.truncate(piece);
                wire.push(joined.get(cut * 2..).unwrap_or_default().into());
            } else {
                wire.insert(piece, "31".repeat(added));
            }
            for args in [&[][..], &["--bytes"], &["--json"], &["--telegram", "transfer", "--side", "asker"]] {
                let ended = decode(args, &wire.concat());
                assert_eq!(ended.code, 1);
                assert!(ended.err.contains("T01 transfer at byte 0"), "{}", ended.err);
                let whole = ended.whole();
                // Of what was cut, what is left is confidential too.
                for value in ["012345678", "87654321", "54321", "402817", "0281", "8001011234567", "3132333435"] {
                    assert!(!whole.contains(value), "cut {cut}, added {added} at {piece}: {value} in\n{whole}");
                }
            }
        }
    }
}

/// As many bytes lost in front as gained behind: the length is right and the fields are another's.
#[test]
fn a_telegram_whose_fields_have_moved_shows_nothing_either() {
    let full = sample("transfer_request_full");
    let bare = full.bare();
    let account = full.confidential.iter().find(|(field, _, _)| field == "debit_account").expect("an account");
    for lost in [1, 2, 4, 15] {
        // In van_area1, at byte 56.
        let moved = [&bare[..2 * 56], &bare[2 * (56 + lost)..], &"20".repeat(lost)].concat();
        for args in [&[][..], &["--bytes"], &["--json"], &["--telegram", "transfer", "--side", "asker"]] {
            let ended = decode(args, &moved);
            let whole = ended.whole();
            assert!(whole.contains("bank_code") && whole.contains("hidden as a whole"), "{whole}");
            for (field, value, _) in &full.confidential {
                // No four of its characters in a row, nor their bytes.
                let characters: Vec<char> = value.chars().collect();
                for part in characters.windows(4.min(characters.len())) {
                    let part: String = part.iter().collect();
                    let digits: Vec<String> = part.bytes().map(|b| format!("{b:02x}")).collect();
                    assert!(!whole.contains(&part), "lost {lost}: {part} of {field} in\n{whole}");
                    assert!(!part.is_ascii() || !whole.contains(&digits.join(" ")), "lost {lost}: {field} in\n{whole}");
                }
            }
        }
    }
    let moved = [&bare[..2 * 56], &bare[2 * 60..], "20202020"].concat();
    assert_snapshot!("moved_by_four", decode(&["--bytes"], &moved).whole());
    assert!(decode(&["--bytes", "--unmasked"], &moved).out.contains(&account.1[4..]), "unless it is asked for");
}

#[test]
fn each_form_of_the_input_is_the_same_telegram() {
    let full = sample("transfer_request_full");
    let prefixed = decode(&["--bytes"], &full.hex());
    assert_snapshot!(prefixed.out);
    let spaced: String = full.wire.join(" \n");
    assert_eq!(decode(&["--bytes"], &spaced).out, prefixed.out);
    assert_eq!(run_with(&["decode", "--bytes", "--raw"], &bytes(&full.hex())).out, prefixed.out);
    let bare = decode(&["--bytes"], &full.bare());
    assert_eq!(bare.code, 0);
    assert_eq!(bare.out, prefixed.out.replace(" behind a length prefix of 300", ""));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("telegram.hex");
    std::fs::write(&file, full.hex()).expect("a file");
    assert_eq!(decode(&["--bytes", file.to_str().expect("UTF-8")], "").out, prefixed.out);
    assert_snapshot!("fields", decode(&[], &full.hex()).out);
    assert_snapshot!("json", decode(&["--json"], &sample("deposit_reply").hex()).out);
}

#[test]
fn what_is_wrong_with_a_telegram_is_told() {
    let request = sample("transfer_request");
    let wrong_prefix = decode(&[], &request.hex().replacen("30333030", "30323939", 1));
    assert_eq!(
        (wrong_prefix.code, wrong_prefix.err.as_str()),
        (1, "the length prefix of 4 bytes says 299, and 300 bytes follow\n")
    );

    let mut bad = request.wire.clone();
    bad[9] = "323536313030".into(); // send_time 25:61:00
    bad[17] = "3030303030303031354f303030".replace("4f", "4f30")[..26].into(); // debit_amt with the letter O
    bad[24] = "a3b1a3b1bff9a1a1b1debfa9a120".into(); // memo with half a character
    assert_snapshot!("bad_fields", decode(&["--bytes"], &bad.concat()).whole());

    let long = format!("{}4100", request.bare());
    assert_snapshot!("bytes_that_no_field_covers", decode(&["--bytes"], &long).whole());
    let cut = &request.bare()[..2 * 150];
    assert_snapshot!("cut_short", decode(&["--bytes"], cut).whole());

    for (input, args) in [
        ("3", &[][..]),
        ("0x30", &[]),
        ("", &[]),
        (&"31".repeat(300), &[]),
        (&"31".repeat(20), &["--telegram", "pol_request"]),
    ] {
        let ended = decode(args, input);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{input}");
    }
    assert_snapshot!("not_a_telegram", decode(&[], &"31".repeat(300)).err);
}

#[test]
fn the_side_follows_from_the_type_or_is_said() {
    let reply = sample("deposit_reply");
    assert!(decode(&["--bytes", "--telegram", "deposit"], &reply.bare()).out.contains("filled by the answerer"));
    // As the asker's, the same bytes lack what an asker fills.
    let other = decode(&["--bytes", "--telegram", "deposit", "--side", "asker"], &reply.bare());
    assert!(other.out.contains("filled by the asker"), "{}", other.out);
    for (name, side) in [("poll_request", "asker"), ("poll_answer", "answerer"), ("deposit_notice", "asker")] {
        let head = decode(&["--bytes"], &sample(name).bare()).out;
        assert!(head.lines().next().expect("a head").ends_with(&format!("filled by the {side}")), "{name}");
    }
}
