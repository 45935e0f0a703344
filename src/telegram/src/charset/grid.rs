//! Tables of two-byte characters: rows and columns one way, blocks of 64 characters the other. They are made by
//! `tables/make.py`; the way back is worked out when this is compiled, so that the two cannot disagree.

/// Characters stand in columns 0x41 to 0xFE only.
const FIRST_COLUMN: u8 = 0x41;
const LAST_COLUMN: u8 = 0xFE;
const COLUMNS: usize = (LAST_COLUMN - FIRST_COLUMN) as usize + 1;

/// One block for each 64 characters up to U+FFFF.
const INDEXES: usize = 0x1_0000 / BLOCK;
const BLOCK: usize = 64;

/// Which rows a table has: those from `first`, without `gap_len` rows from `gap`.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) first: u8,
    pub(super) gap: u8,
    pub(super) gap_len: u8,
}

impl Rows {
    /// The place of a code, if it can have one; the table may end before it.
    #[inline]
    pub(super) const fn place(self, lead: u8, trail: u8) -> Option<usize> {
        let row = if lead < self.gap {
            lead.wrapping_sub(self.first)
        } else if lead - self.gap < self.gap_len {
            return None;
        } else {
            lead - self.gap_len - self.first
        };
        let column = trail.wrapping_sub(FIRST_COLUMN);
        if lead < self.first || column as usize >= COLUMNS {
            return None;
        }
        Some(row as usize * COLUMNS + column as usize)
    }

    /// The code in the place behind that of this one.
    const fn next(self, [lead, trail]: [u8; 2]) -> [u8; 2] {
        if trail < LAST_COLUMN {
            [lead, trail + 1]
        } else if lead + 1 == self.gap {
            [self.gap + self.gap_len, FIRST_COLUMN]
        } else {
            [lead + 1, FIRST_COLUMN]
        }
    }
}

/// Numbers of 16 bits, the low byte first.
pub(super) const fn numbers<const N: usize>(bytes: &[u8]) -> [u16; N] {
    assert!(bytes.len() == N * 2, "a table has the size that it should have");
    let mut all = [0; N];
    let mut at = 0;
    while at < N {
        all[at] = u16::from_le_bytes([bytes[at * 2], bytes[at * 2 + 1]]);
        at += 1;
    }
    all
}

/// How many blocks the characters of a table need, with the empty one.
pub(super) const fn blocks(table: &[u16]) -> usize {
    let mut used = [false; INDEXES];
    let mut blocks = 1;
    let mut at = 0;
    while at < table.len() {
        let index = table[at] as usize / BLOCK;
        if table[at] != 0 && !used[index] {
            used[index] = true;
            blocks += 1;
        }
        at += 1;
    }
    blocks
}

/// From characters to codes: which block, and the codes in it. Block 0 has none.
pub(super) struct Inverse<const BLOCKS: usize> {
    index: [u16; INDEXES],
    codes: [[u16; BLOCK]; BLOCKS],
}

impl<const BLOCKS: usize> Inverse<BLOCKS> {
    pub(super) const fn new(table: &[u16], rows: Rows) -> Self {
        let mut inverse = Self { index: [0; INDEXES], codes: [[0; BLOCK]; BLOCKS] };
        let mut blocks = 1;
        let mut at = 0;
        let mut next = [rows.first, FIRST_COLUMN];
        while at < table.len() {
            let character = table[at] as usize;
            if character != 0 {
                let block = &mut inverse.index[character / BLOCK];
                if *block == 0 {
                    *block = blocks;
                    blocks += 1;
                }
                let code = &mut inverse.codes[*block as usize][character % BLOCK];
                assert!(*code == 0, "no character has two codes");
                *code = u16::from_be_bytes(next);
            }
            at += 1;
            next = rows.next(next);
        }
        inverse
    }

    /// The two bytes of a character, or `None` if the table does not have it.
    #[inline]
    pub(super) fn code(&self, character: char) -> Option<[u8; 2]> {
        let character = u32::from(character) as usize;
        let block = *self.index.get(character / BLOCK)?;
        let code = *self.codes.get(usize::from(block))?.get(character % BLOCK)?;
        (code != 0).then(|| code.to_be_bytes())
    }
}
