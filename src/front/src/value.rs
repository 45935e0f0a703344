use pabal_telegram::{Decimal, Value, ValueRef};

use crate::proto;
use crate::proto::value::Kind;
use crate::refused::Violations;

/// What a caller gives, by field path; or all of it that is wrong.
pub(crate) fn fields(given: proto::Fields) -> Result<Vec<(String, Value)>, Violations> {
    let mut values = Vec::with_capacity(given.values.len());
    let mut wrong = Vec::new();
    // The next one last. Groups and lists are laid out here, however deep they are, and no more than was sent.
    let mut left: Vec<(String, proto::Value)> = given.values.into_iter().collect();
    left.reverse();
    while let Some((path, value)) = left.pop() {
        match value.kind {
            Some(Kind::Group(group)) => {
                let inside = group.values.into_iter().map(|(name, value)| (format!("{path}.{name}"), value));
                left.extend(inside.collect::<Vec<_>>().into_iter().rev());
            }
            Some(Kind::List(list)) => {
                let inside = list.values.into_iter().enumerate().map(|(at, value)| (format!("{path}[{at}]"), value));
                left.extend(inside.collect::<Vec<_>>().into_iter().rev());
            }
            kind => match from_proto(proto::Value { kind }) {
                Ok(value) => values.push((path, value)),
                Err(fix) => wrong.push((path, fix)),
            },
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
        Some(Kind::Group(_) | Kind::List(_)) => Err("give one value".to_owned()),
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
    }

    #[test]
    fn groups_and_lists_are_paths() {
        let value = |kind| proto::Value { kind: Some(kind) };
        let text = |text: &str| value(Kind::Text(text.into()));
        let group = |values: Vec<(&str, proto::Value)>| {
            let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            value(Kind::Group(proto::Group { values }))
        };
        let debts = value(Kind::List(proto::List { values: vec![group(vec![("amount", value(Kind::Int64(7)))])] }));
        let scores = vec![group(vec![("debts", debts), ("grade", text("G1"))]), group(vec![("grade", text("G2"))])];
        let given = proto::Fields {
            values: [
                ("applicant".to_owned(), group(vec![("name", text("KIM"))])),
                ("scores".to_owned(), value(Kind::List(proto::List { values: scores }))),
            ]
            .into(),
        };
        let expected = [
            ("applicant.name", Value::from("KIM")),
            ("scores[0].debts[0].amount", Value::from(7)),
            ("scores[0].grade", Value::from("G1")),
            ("scores[1].grade", Value::from("G2")),
        ];
        assert_eq!(fields(given).unwrap(), expected.map(|(path, value)| (path.to_owned(), value)));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let value = |kind| proto::Value { kind: Some(kind) };
        let given = proto::Fields {
            values: [
                ("a".to_owned(), value(Kind::Decimal("1,000".into()))),
                ("b".to_owned(), value(Kind::Text("fine".into()))),
                ("c".to_owned(), value(Kind::Decimal("x".into()))),
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
