//! [`pabal_spec::fuzzing::spec`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pabal_spec::fuzzing::spec(data));
