//! [`pabal_telegram::fuzzing::round_trip`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pabal_telegram::fuzzing::round_trip(data));
