//! Our values as `cel` sees them, and its equality and order for what only JSON can hold.

use super::cel::timestamp;
use super::facts::{FIELDS, Facts, METADATA, Value};
use cel::ExecutionError;
use cel::common::traits::{Container, Indexer, Iterable, Iterator as Items, Sizer};
use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelNull, CelString, CelUInt, Kind, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use serde_json::{Map, Value as Json};
use std::cmp::Ordering;

/// CEL's equality, for what only JSON can hold.
pub(super) fn equal(left: Value<'_>, right: Value<'_>) -> bool {
    native(left).is_some_and(|left| native(right).is_some_and(|right| left.equals(right.as_ref())))
}

/// CEL's order, for what only JSON can hold. `None`: there is none.
pub(super) fn order(left: Value<'_>, right: Value<'_>) -> Option<Ordering> {
    native(left)?.as_comparer()?.compare(native(right)?.as_ref()).ok()
}

/// The names, for `cel`, which asks for `order.amount` as one.
pub(super) struct Names<'a>(pub Facts<'a>);

impl VariableResolver for Names<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        if name == METADATA {
            return Some(CowVal::owned(Table::of(self.0.order.metadata)));
        }
        let field = FIELDS.iter().find(|field| field.name == name)?;
        native(field.value(&self.0)).map(CowVal::Owned)
    }
}

/// `None` for a time outside of CEL's years.
fn native<'v>(value: Value<'v>) -> Option<Box<dyn Val + 'v>> {
    Some(match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(truth) => Box::new(CelBool::from(truth)),
        Value::Int(number) => Box::new(CelInt::from(number)),
        Value::Uint(number) => Box::new(CelUInt::from(number)),
        Value::Text(text) => Box::new(CelString::from(text)),
        Value::Time(now) => return timestamp(now),
        Value::Json(Json::Number(number)) => Box::new(CelDouble::from(number.as_f64()?)),
        Value::Json(Json::Array(list)) => {
            let items: Vec<Box<dyn Val + 'v>> = list.iter().map(|item| native(Value::of(item))).collect::<Option<_>>()?;
            Box::new(CelList::from(items))
        }
        Value::Json(Json::Object(table)) => Box::new(Table::of(table)),
        Value::Json(simple) => return native(Value::of(simple)),
    })
}

/// A JSON object: a missing key reads null, the keys come in the object's own order.
#[derive(Clone, Debug)]
struct Table<'v> {
    entries: &'v Map<String, Json>,
    keys: Vec<CelString<'v>>,
}

impl<'v> Table<'v> {
    fn of(entries: &'v Map<String, Json>) -> Table<'v> {
        Table { entries, keys: entries.keys().map(|key| CelString::from(key.as_str())).collect() }
    }

    fn at(&self, key: &dyn Val) -> Option<Box<dyn Val + 'v>> {
        let key = key.downcast_ref::<CelString<'_>>()?;
        native(self.entries.get(key.inner()).map_or(Value::Null, Value::of))
    }
}

impl<'v> Val for Table<'v> {
    fn get_type(&self) -> &Type {
        &MAP_TYPE
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'w>(&'b self) -> Option<&'b (dyn Indexer + 'w)>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn as_iterable<'b, 'w>(&'b self) -> Option<&'b (dyn Iterable + 'w)>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        let (Some(keys), Some(values), Some(size)) = (other.as_container(), other.as_indexer(), other.as_sizer()) else { return false };
        let same = |key: &CelString<'v>| {
            let theirs = values.get(key).ok();
            keys.contains(key) == Ok(true) && self.at(key).is_some_and(|ours| theirs.is_some_and(|theirs| ours.equals(theirs.as_ref())))
        };
        other.get_type().kind() == Kind::Map && size.size() == self.size() && self.keys.iter().all(same)
    }

    fn clone_as_boxed<'w>(&self) -> Box<dyn Val + 'w>
    where
        Self: 'w,
    {
        Box::new(self.clone())
    }
}

impl Container for Table<'_> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(key.downcast_ref::<CelString<'_>>().is_some_and(|key| self.entries.contains_key(key.inner())))
    }
}

impl Indexer for Table<'_> {
    fn get<'b, 'w>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'w>, ExecutionError>
    where
        Self: 'w,
    {
        let wrong = || ExecutionError::UnexpectedType { got: key.get_type().name().to_owned(), want: "a text key".to_owned() };
        self.at(key).map(CowVal::Owned).ok_or_else(wrong)
    }

    fn steal<'w>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'w>, ExecutionError>
    where
        Self: 'w,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

impl Sizer for Table<'_> {
    fn size(&self) -> CelInt {
        CelInt::from(i64::try_from(self.keys.len()).unwrap_or(i64::MAX))
    }
}

impl Iterable for Table<'_> {
    fn iter<'b, 'w>(&'b self) -> Box<dyn Items<'b, 'w> + 'b>
    where
        Self: 'w,
    {
        Box::new(Walk(self.keys.iter()))
    }
}

struct Walk<'b, 'v>(std::slice::Iter<'b, CelString<'v>>);

impl<'b, 'v: 'w, 'w> Items<'b, 'w> for Walk<'b, 'v> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'w)> {
        self.0.next().map(|key| -> &'b (dyn Val + 'w) { key })
    }
}
