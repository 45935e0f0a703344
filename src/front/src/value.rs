use pabal_telegram::{Decimal, Value, ValueRef};

use crate::proto;
use crate::proto::value::Kind;
use crate::refused::Violations;

/// What a caller gives, by field path; or all of it that is wrong.
pub(crate) fn fields(given: proto::Fields) -> Result<Vec<(String, Value)>, Violations> {
    let mut values = Vec::with_capacity(given.values.len());
    let mut wrong = Vec::new();
    for (path, value) in given.values {
        match from_proto(value) {
            Ok(value) => values.push((path, value)),
            Err(fix) => wrong.push((path, fix)),
        }
    }
    if wrong.is_empty() { Ok(values) } else { Err(wrong) }
}

fn from_proto(value: proto::Value) -> Result<Value, String> {
    match value.kind {
        None | Some(Kind::Null(_)) => Ok(Value::Null),
        Some(Kind::Text(text)) => Ok(Value::Text(text)),
        Some(Kind::Int64(number)) => Ok(Value::from(number)),
        Some(Kind::Decimal(text)) => text.parse::<Decimal>().map(Value::Number).map_err(|error| error.to_string()),
        Some(Kind::Bytes(bytes)) => Ok(Value::Bytes(bytes)),
        Some(Kind::Group(_)) => Err("no field of this telegram is a group; give its fields one by one".to_owned()),
        Some(Kind::List(_)) => Err("no field of this telegram repeats; give one value".to_owned()),
    }
}

/// What the institution said.
pub(crate) fn to_proto(value: &ValueRef<'_>) -> proto::Value {
    let kind = match value {
        ValueRef::Text(text) => Kind::Text(text.to_string()),
        ValueRef::Number(number) => match i64::try_from(number.units) {
            Ok(whole) if number.scale == 0 => Kind::Int64(whole),
            _ => Kind::Decimal(number.to_string()),
        },
        ValueRef::Bytes(bytes) => Kind::Bytes(bytes.to_vec()),
        ValueRef::Null => Kind::Null(proto::Null {}),
    };
    proto::Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, expected: Result<Value, &str>) {
        assert_eq!(from_proto(proto::Value { kind: Some(kind) }), expected.map_err(str::to_owned));
    }

    #[test]
    fn values_become_ours() {
        check(Kind::Text("홍길동".into()), Ok(Value::from("홍길동")));
        check(Kind::Int64(i64::MIN), Ok(Value::from(i64::MIN)));
        check(Kind::Decimal("12.50".into()), Ok(Value::Number(Decimal { units: 1_250, scale: 2 })));
        check(Kind::Bytes(vec![0, 255]), Ok(Value::Bytes(vec![0, 255])));
        check(Kind::Null(proto::Null {}), Ok(Value::Null));
        assert_eq!(from_proto(proto::Value { kind: None }), Ok(Value::Null));
        check(
            Kind::Group(proto::Group::default()),
            Err("no field of this telegram is a group; give its fields one by one"),
        );
        check(Kind::List(proto::List::default()), Err("no field of this telegram repeats; give one value"));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let value = |kind| proto::Value { kind: Some(kind) };
        let given = proto::Fields {
            values: [
                ("a".to_owned(), value(Kind::Decimal("1,000".into()))),
                ("b".to_owned(), value(Kind::Text("fine".into()))),
                ("c".to_owned(), value(Kind::List(proto::List::default()))),
            ]
            .into(),
        };
        let wrong = fields(given).expect_err("two are wrong");
        assert_eq!(wrong.iter().map(|(field, _)| &**field).collect::<Vec<_>>(), ["a", "c"]);
        assert!(wrong[0].1.contains("not a number"), "{wrong:?}");
    }

    #[test]
    fn numbers_are_int64_only_if_nothing_is_lost() {
        let kind = |number| to_proto(&ValueRef::Number(number)).kind.expect("always set");
        assert_eq!(kind(Decimal::whole(i128::from(i64::MAX))), Kind::Int64(i64::MAX));
        assert_eq!(kind(Decimal::whole(i128::from(i64::MAX) + 1)), Kind::Decimal("9223372036854775808".into()));
        assert_eq!(kind(Decimal { units: 1_250, scale: 2 }), Kind::Decimal("12.50".into()));
    }
}
