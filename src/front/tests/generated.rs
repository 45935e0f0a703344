//! The committed code under `src/generated` is what the protos say. `UPDATE_GENERATED=1 cargo test -p pabal-front --test generated`
//! writes it anew.

use std::path::{Path, PathBuf};

/// What is generated: the Rust code, and the encoded descriptors for reflection.
const FILES: [&str; 2] = ["pabal.v1.rs", "pabal.v1.bin"];

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn generate(into: &Path) {
    let protos = here().join("proto");
    let mut compiler = protox::Compiler::new([&protos]).expect("the protos' directory is readable");
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(["pabal/v1/gateway.proto", "pabal/v1/control.proto"])
        .unwrap_or_else(|error| panic!("{error:?}"));
    // Of the imports only what they say is wanted; their comments are most of their size.
    let mut descriptors = compiler.file_descriptor_set();
    for file in descriptors.file.iter_mut().filter(|file| file.package() != "pabal.v1") {
        file.source_code_info = None;
    }
    std::fs::write(into.join("pabal.v1.bin"), prost::Message::encode_to_vec(&descriptors)).expect("writable");
    tonic_prost_build::configure()
        .out_dir(into)
        .emit_rerun_if_changed(false)
        .btree_map(".")
        // These hold what is confidential; `src/proto.rs` has a `Debug` for them that does not tell it.
        .skip_debug([
            "pabal.v1.ExchangeRequest",
            "pabal.v1.ExchangeResponse",
            "pabal.v1.FoundExchange",
            "pabal.v1.Notice",
            "pabal.v1.Reply",
            "pabal.v1.ShownField",
            "pabal.v1.Telegram",
            "pabal.v1.Value",
        ])
        .compile_fds(descriptors)
        .expect("the descriptors make code");
}

#[test]
fn generated_code_is_what_the_protos_say() {
    let committed = here().join("src/generated");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        generate(&committed);
    }
    let fresh = tempfile::tempdir().expect("a temporary directory");
    generate(fresh.path());
    let mut names: Vec<_> = std::fs::read_dir(fresh.path())
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(
        names,
        {
            let mut files = FILES;
            files.sort();
            files
        },
        "other files are generated than are committed"
    );
    for file in FILES {
        let (fresh, committed) = (std::fs::read(fresh.path().join(file)), std::fs::read(committed.join(file)));
        assert!(
            fresh.expect("just written") == committed.unwrap_or_default(),
            "src/generated/{file} is stale: UPDATE_GENERATED=1 cargo test -p pabal-front --test generated"
        );
    }
}

#[test]
fn every_item_of_the_protos_has_a_comment() {
    let descriptors = std::fs::read(here().join("src/generated/pabal.v1.bin")).expect("committed");
    let set: prost_types::FileDescriptorSet = prost::Message::decode(&*descriptors).expect("descriptors");
    let mut bare = Vec::new();
    for file in set.file.iter().filter(|file| file.package() == "pabal.v1") {
        let locations = &file.source_code_info.as_ref().expect("comments").location;
        let commented =
            |path: &[i32]| locations.iter().any(|at| at.path == path && !at.leading_comments().trim().is_empty());
        let mut want = |path: &[i32], name: &str| {
            if !commented(path) {
                bare.push(format!("{}: {name}", file.name()));
            }
        };
        // The numbers are those of descriptor.proto: message 4 (field 2, oneof 8), enum 5 (value 2), service 6 (method 2).
        for (m, message) in (0..).zip(&file.message_type) {
            want(&[4, m], message.name());
            for (f, field) in (0..).zip(&message.field) {
                want(&[4, m, 2, f], &format!("{}.{}", message.name(), field.name()));
                assert!(
                    !matches!(
                        field.r#type(),
                        prost_types::field_descriptor_proto::Type::Double
                            | prost_types::field_descriptor_proto::Type::Float
                    ),
                    "{}.{} is a float",
                    message.name(),
                    field.name()
                );
            }
            for (o, oneof) in (0..).zip(&message.oneof_decl) {
                want(&[4, m, 8, o], &format!("{}.{}", message.name(), oneof.name()));
            }
        }
        for (e, kind) in (0..).zip(&file.enum_type) {
            want(&[5, e], kind.name());
            for (v, value) in (0..).zip(&kind.value) {
                want(&[5, e, 2, v], value.name());
            }
        }
        for (s, service) in (0..).zip(&file.service) {
            want(&[6, s], service.name());
            for (m, method) in (0..).zip(&service.method) {
                want(&[6, s, 2, m], &format!("{}.{}", service.name(), method.name()));
            }
        }
    }
    assert_eq!(bare, Vec::<String>::new(), "without a comment");
}
