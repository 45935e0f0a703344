//! [`pabal_spec::fuzzing::round_trip`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pabal_spec::fuzzing::round_trip(data));
