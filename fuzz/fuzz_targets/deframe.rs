//! [`pabal_telegram::fuzzing::deframe`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pabal_telegram::fuzzing::deframe(data));
