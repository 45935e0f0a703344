//! [`pabal_telegram::fuzzing::decode`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pabal_telegram::fuzzing::decode(data));
