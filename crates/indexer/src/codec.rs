//! How our types stand in SQLite columns: addresses and words as lower-case `0x` hex, amounts as
//! decimal wei (a `u128` does not fit an integer column), nested values as JSON.

use std::{fmt::LowerHex, str::FromStr};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Serialize, de::DeserializeOwned};
use tributary_primitives::{Amount, Digest, Party, Role};

/// An address or a 32-byte word.
pub(crate) struct Hex<T>(pub T);
/// Wei.
pub(crate) struct Wei(pub Amount);
/// Anything serde can write.
pub(crate) struct Json<T>(pub T);
/// A BLAKE3 digest.
pub(crate) struct Blake(pub Digest);

fn other(error: impl ToString) -> FromSqlError {
    FromSqlError::Other(error.to_string().into())
}

impl<T: LowerHex> ToSql for Hex<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(format!("{:#x}", self.0).into())
    }
}

impl<T: FromStr> FromSql for Hex<T>
where
    T::Err: ToString,
{
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(|error: T::Err| other(error.to_string()))
    }
}

impl ToSql for Wei {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.wei().to_string().into())
    }
}

impl FromSql for Wei {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(|wei| Self(Amount::from_wei(wei))).map_err(other)
    }
}

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(text.into())
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(other)
    }
}

impl ToSql for Blake {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}

impl FromSql for Blake {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(other)
    }
}

/// A party as a column.
pub(crate) fn party(party: &Party) -> Hex<alloy_primitives::B256> {
    Hex(party.0)
}

/// A role from its number column.
pub(crate) fn role(number: u8) -> Result<Role, FromSqlError> {
    Role::from_number(number).ok_or_else(|| other(format!("role {number}")))
}
