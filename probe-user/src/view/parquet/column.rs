//! A table as columns, written in row groups of bounded size: of the rows only those of one
//! group are in memory, and of their values those of one column.

use std::{borrow::Cow, sync::Arc};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel},
    column::writer::ColumnWriterImpl,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type},
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{Type, TypePtr},
};
use rustc_hash::FxHashMap;

use super::{Error, Sink, VERSION};

/// Rows of a group. DuckDB gives each to a thread, and likes no fewer.
const GROUP_ROWS: usize = 1 << 17;

/// One column of rows `R`. Texts live as long as what the rows are of.
pub(super) struct Column<'a, R> {
    name: &'static str,
    cells: Cells<'a, R>,
}

/// What rows have in a column.
enum Cells<'a, R> {
    Bool(fn(&R) -> Option<bool>),
    Int(fn(&R) -> Option<i64>),
    Text(fn(&R) -> Option<&'a str>),
    /// Made for the table.
    Owned(fn(&R) -> Option<String>),
    Ints(fn(&R) -> Option<Vec<i64>>),
    Texts(fn(&R) -> Option<&'a [String]>),
    Names(fn(&R) -> Option<Vec<Cow<'a, str>>>),
}

/// A column of truth values.
pub(super) fn bool<'a, R>(name: &'static str, of: fn(&R) -> Option<bool>) -> Column<'a, R> {
    let cells = Cells::Bool(of);
    Column { name, cells }
}

/// A column of integers with 64 bits and a sign, which every reader has.
pub(super) fn int<'a, R>(name: &'static str, of: fn(&R) -> Option<i64>) -> Column<'a, R> {
    let cells = Cells::Int(of);
    Column { name, cells }
}

/// A column of texts.
pub(super) fn text<'a, R>(name: &'static str, of: fn(&R) -> Option<&'a str>) -> Column<'a, R> {
    let cells = Cells::Text(of);
    Column { name, cells }
}

/// A column of texts that are made for it.
pub(super) fn owned<'a, R>(name: &'static str, of: fn(&R) -> Option<String>) -> Column<'a, R> {
    let cells = Cells::Owned(of);
    Column { name, cells }
}

/// A column of lists of integers.
pub(super) fn ints<'a, R>(name: &'static str, of: fn(&R) -> Option<Vec<i64>>) -> Column<'a, R> {
    let cells = Cells::Ints(of);
    Column { name, cells }
}

/// A column of lists of texts.
pub(super) fn texts<'a, R>(
    name: &'static str,
    of: fn(&R) -> Option<&'a [String]>,
) -> Column<'a, R> {
    let cells = Cells::Texts(of);
    Column { name, cells }
}

/// A column of lists of names, of which there are few.
pub(super) fn names<'a, R>(
    name: &'static str,
    of: fn(&R) -> Option<Vec<Cow<'a, str>>>,
) -> Column<'a, R> {
    let cells = Cells::Names(of);
    Column { name, cells }
}

/// A number as tables have it; what does not fit is not known.
pub(super) fn number(number: impl TryInto<i64>) -> Option<i64> {
    number.try_into().ok()
}

/// Numbers as tables have them.
pub(super) fn numbers<N: TryInto<i64>>(list: impl IntoIterator<Item = N>) -> Option<Vec<i64>> {
    list.into_iter().map(number).collect()
}

/// Names and types of columns, as DuckDB calls these.
#[cfg(test)]
pub(super) fn described<R>(columns: &[Column<'_, R>]) -> Vec<(&'static str, &'static str)> {
    let described = columns.iter().map(|column| {
        let kind = match column.cells {
            Cells::Bool(_) => "BOOLEAN",
            Cells::Int(_) => "BIGINT",
            Cells::Text(_) | Cells::Owned(_) => "VARCHAR",
            Cells::Ints(_) => "BIGINT[]",
            Cells::Texts(_) | Cells::Names(_) => "VARCHAR[]",
        };
        (column.name, kind)
    });
    described.collect()
}

/// Writes a table.
pub(super) fn write<'a, R>(
    columns: &[Column<'a, R>],
    rows: impl Iterator<Item = R>,
    to: Sink<'_>,
) -> Result<(), Error> {
    let schema = Arc::new(schema(columns)?);
    let mut file = SerializedFileWriter::new(to, schema, Arc::new(properties()?))?;
    let mut rows = rows.fuse();
    loop {
        let batch: Vec<R> = rows.by_ref().take(GROUP_ROWS).collect();
        if batch.is_empty() {
            break;
        }
        let mut group = file.next_row_group()?;
        for column in columns {
            if let Some(mut writer) = group.next_column()? {
                column.write(&batch, &mut writer)?;
                writer.close()?;
            }
        }
        group.close()?;
    }
    file.close()?;
    Ok(())
}

fn properties() -> Result<WriterProperties, Error> {
    let version = KeyValue::new("waitscope.schema".to_owned(), VERSION.to_string());
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_dictionary_enabled(true)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("waitscope ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![version]))
        .build())
}

fn schema<R>(columns: &[Column<'_, R>]) -> Result<Type, Error> {
    let fields = columns.iter().map(Column::field);
    Type::group_type_builder("waitscope")
        .with_fields(fields.collect::<Result<_, _>>()?)
        .build()
}

/// A value that may be NULL lies one level deep.
const PRESENT: i16 = 1;
/// An element of a list two.
const ELEMENT: i16 = 2;

impl<'a, R> Column<'a, R> {
    fn field(&self) -> Result<TypePtr, Error> {
        let one = |name, physical, logical, repetition| {
            let builder = Type::primitive_type_builder(name, physical);
            let builder = builder.with_repetition(repetition);
            builder.with_logical_type(logical).build().map(Arc::new)
        };
        let optional = Repetition::OPTIONAL;
        let required = Repetition::REQUIRED;
        let string = Some(LogicalType::String);
        match self.cells {
            Cells::Bool(_) => one(self.name, Physical::BOOLEAN, None, optional),
            Cells::Int(_) => one(self.name, Physical::INT64, None, optional),
            Cells::Text(_) | Cells::Owned(_) => {
                one(self.name, Physical::BYTE_ARRAY, string, optional)
            }
            Cells::Ints(_) => list(self.name, one("element", Physical::INT64, None, required)?),
            Cells::Texts(_) | Cells::Names(_) => {
                let element = one("element", Physical::BYTE_ARRAY, string, required)?;
                list(self.name, element)
            }
        }
    }

    fn write(&self, rows: &[R], writer: &mut SerializedColumnWriter<'_>) -> Result<(), Error> {
        match self.cells {
            Cells::Bool(of) => values(rows, of, writer.typed::<BoolType>()),
            Cells::Int(of) => values(rows, of, writer.typed::<Int64Type>()),
            Cells::Text(of) => {
                let mut shared = Shared::default();
                let of = |row: &R| of(row).map(|text| shared.of(text));
                values(rows, of, writer.typed::<ByteArrayType>())
            }
            Cells::Owned(of) => {
                let of = |row: &R| of(row).map(|text| ByteArray::from(text.into_bytes()));
                values(rows, of, writer.typed::<ByteArrayType>())
            }
            Cells::Ints(of) => lists(rows, of, writer.typed::<Int64Type>()),
            Cells::Texts(of) => {
                let mut shared = Shared::default();
                let of = |row: &R| {
                    let list = of(row)?.iter();
                    Some(list.map(|text| shared.of(text)).collect())
                };
                lists(rows, of, writer.typed::<ByteArrayType>())
            }
            Cells::Names(of) => {
                let mut known = FxHashMap::<Cow<'a, str>, ByteArray>::default();
                let mut shared = |name: Cow<'a, str>| {
                    let copy = ByteArray::from(name.as_bytes().to_vec());
                    known.entry(name).or_insert(copy).clone()
                };
                let of = |row: &R| Some(of(row)?.into_iter().map(&mut shared).collect());
                lists(rows, of, writer.typed::<ByteArrayType>())
            }
        }
    }
}

fn list(name: &str, element: TypePtr) -> Result<TypePtr, Error> {
    let repeated = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![element])
        .build()?;
    let list = Type::group_type_builder(name)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![Arc::new(repeated)])
        .build()?;
    Ok(Arc::new(list))
}

fn values<R, T: DataType>(
    rows: &[R],
    mut of: impl FnMut(&R) -> Option<T::T>,
    writer: &mut ColumnWriterImpl<'_, T>,
) -> Result<(), Error> {
    let mut values = Vec::with_capacity(rows.len());
    let mut levels = Vec::with_capacity(rows.len());
    for row in rows {
        let value = of(row);
        levels.push(if value.is_some() { PRESENT } else { 0 });
        values.extend(value);
    }
    writer.write_batch(&values, Some(&levels), None)?;
    Ok(())
}

fn lists<R, T: DataType>(
    rows: &[R],
    mut of: impl FnMut(&R) -> Option<Vec<T::T>>,
    writer: &mut ColumnWriterImpl<'_, T>,
) -> Result<(), Error> {
    let (mut values, mut levels, mut repeats) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let list = of(row);
        let is_there = list.is_some();
        let list = list.unwrap_or_default();
        if list.is_empty() {
            levels.push(if is_there { PRESENT } else { 0 });
            repeats.push(0);
        }
        // 0 begins a row, 1 goes on with its list.
        repeats.extend((0..list.len()).map(|place| i16::from(place > 0)));
        levels.resize(repeats.len(), ELEMENT);
        values.extend(list);
    }
    writer.write_batch(&values, Some(&levels), Some(&repeats))?;
    Ok(())
}

/// Texts by where they lie, each copied once: many rows point to the same few. They stay
/// where they are as long as this lives.
#[derive(Default)]
struct Shared<'a> {
    known: FxHashMap<*const str, ByteArray>,
    texts: std::marker::PhantomData<&'a str>,
}

impl<'a> Shared<'a> {
    fn of(&mut self, text: &'a str) -> ByteArray {
        let copy = || ByteArray::from(text.as_bytes().to_vec());
        let known = self.known.entry(std::ptr::from_ref(text));
        known.or_insert_with(copy).clone()
    }
}
