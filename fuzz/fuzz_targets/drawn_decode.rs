//! [`pabal_spec::fuzzing::decode`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pabal_spec::fuzzing::decode(data));
