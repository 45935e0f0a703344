//! The columns as a spec makes them.

use pabal_telegram::{
    By, Charset, CharsetPair, Class, Echo, Equal, Field, Fill, Form, Kind, Layout, Number, Sign, Slice, TextRule, Unset,
};

use crate::sample::{COLUMNS, Column};

/// The layout of all columns.
pub(crate) fn transfer() -> Layout {
    let mut fields = Vec::new();
    let mut end = 0;
    let mut add = |path: &str, kind: Kind, len: usize| {
        let len = u32::try_from(len).expect("short");
        fields.push(Field {
            path: path.into(),
            label: path.into(),
            at: Slice { offset: end, len },
            unset: if matches!(kind, Kind::Text) { Unset::Space } else { Unset::Zero },
            kind,
            charset: CharsetPair { encode: Charset::Cp949, decode: Charset::Cp949 },
            class: Class::Public,
            by: By { asker: true, answerer: true, optional: false },
            fill: Fill::Given,
            equal: Equal::default(),
            echo: Echo::No,
            text: TextRule::default(),
        });
        end += len;
    };
    let digits = |len: usize| u8::try_from(len).expect("short");
    for (path, column, len) in COLUMNS {
        match column {
            Column::Number => add(path, Kind::Number(Number::plain(digits(len), 0)), len),
            Column::Signed => {
                let form = Form::Zoned(Sign::Leading);
                add(path, Kind::Number(Number { form, ..Number::plain(digits(len) - 1, 2) }), len);
            }
            Column::Text | Column::Hangul => add(path, Kind::Text, len),
        }
    }
    Layout::new("transfer", "이체", end, fields).expect("the columns are a layout")
}
