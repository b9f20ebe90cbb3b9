//! No access past the end, whatever the numbers are.

use gpushare::{SharedMemory, SharedMemoryError};
use proptest::prelude::*;
use rstest::rstest;

use crate::census::Census;

#[rstest]
#[case::all(0, 100, true)]
#[case::the_last_byte(99, 1, true)]
#[case::nothing_at_the_end(100, 0, true)]
#[case::one_byte_past_the_end(100, 1, false)]
#[case::across_the_end(50, 51, false)]
#[case::nothing_past_the_end(101, 0, false)]
#[case::an_offset_that_overflows(u64::MAX, 1, false)]
#[case::an_offset_that_overflows_to_the_start(u64::MAX, 2, false)]
fn an_access(#[case] offset: u64, #[case] count: usize, #[case] allowed: bool) {
    let _census = Census::take();
    let memory = SharedMemory::create(100).expect("created");
    memory.write(0, &[7; 100]).expect("in bounds");

    let written = memory.write(offset, &vec![9; count]);
    let mut bytes = vec![5; count];
    let read = memory.read(offset, &mut bytes);

    assert_eq!((written.is_ok(), read.is_ok()), (allowed, allowed), "{written:?} {read:?}");
    assert!(bytes.iter().all(|&byte| byte == if allowed { 9 } else { 5 }), "nothing is read on a refusal");
    let mut whole = [0; 100];
    memory.read(0, &mut whole).expect("in bounds");
    let expected = if allowed { count } else { 0 };
    assert_eq!(whole.iter().filter(|&&byte| byte == 9).count(), expected, "nothing is written on a refusal");
}

#[test]
fn the_error_says_which_bytes() {
    let _census = Census::take();
    let memory = SharedMemory::create(100).expect("created");

    let error = memory.write(90, &[0; 20]).expect_err("past the end");

    insta::assert_snapshot!(error, @"access to bytes 90..110 of a shared memory object of 100");
    assert!(matches!(error, SharedMemoryError::OutOfBounds { start: 90, end: 110, len: 100 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn accesses_behave_like_those_of_a_vector(
        len in 1..3000usize,
        accesses in prop::collection::vec((0..4000usize, 0..2000usize, any::<u8>()), 1..20),
    ) {
        let _census = Census::take();
        let memory = SharedMemory::create(len as u64).expect("created");
        let mut model = vec![0; len];
        for (offset, count, byte) in accesses {
            let outcome = memory.write(offset as u64, &vec![byte; count]);
            match model.get_mut(offset..offset + count) {
                Some(part) => {
                    part.fill(byte);
                    assert!(outcome.is_ok(), "{outcome:?}");
                }
                None => assert!(matches!(outcome, Err(SharedMemoryError::OutOfBounds { .. })), "{outcome:?}"),
            }
        }
        let mut seen = vec![1; len];
        memory.read(0, &mut seen).expect("in bounds");
        assert_eq!(seen, model);
    }
}
