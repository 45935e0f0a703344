//! Reading the largest shipped institution: 36 banks with 10,460 response codes, and the format of its spec.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use pabal_spec::{Source, fmt, load, parse};

fn sources() -> Vec<Source> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto");
    let source = |name: &str| {
        let text = fs::read_to_string(folder.join(name)).expect("a file of the tree");
        Source { name: name.into(), text }
    };
    ["codes.csv", "firmbanking.spec"].map(source).into()
}

fn load_hecto(criterion: &mut Criterion) {
    let sources = sources();
    let spec = sources.last().expect("the spec").text.clone();
    criterion.bench_function("load hecto with its codes", |bencher| bencher.iter(|| load(black_box(&sources)).is_ok()));
    criterion.bench_function("parse hecto", |bencher| bencher.iter(|| parse(black_box(&sources)).1.len()));
    criterion.bench_function("format hecto", |bencher| bencher.iter(|| fmt(black_box(&spec)).is_ok()));
}

criterion_group!(benches, load_hecto);
criterion_main!(benches);
