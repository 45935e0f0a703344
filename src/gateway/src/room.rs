use std::cell::Cell;

use pabal_telegram::{Fault, Layout, Room, Side, Value, encode_into};

thread_local! {
    /// As large as the largest telegram that the thread has written.
    static ROOM: Cell<Room> = Cell::default();
}

/// As [`pabal_telegram::encode`], in room that the thread keeps.
pub(crate) fn encode(layout: &Layout, side: Side, values: &[(String, Value)]) -> Result<Vec<u8>, Vec<Fault>> {
    let mut room = ROOM.take();
    let mut telegram = Vec::new();
    let written = encode_into(layout, side, values, &mut room, &mut telegram);
    ROOM.set(room);
    written.map(|()| telegram)
}
