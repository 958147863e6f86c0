#!/usr/bin/env python3
"""Reads Parquet files with pyarrow, DuckDB and polars, and compares them with what was written.

usage: read_parquet.py rows DIRECTORY...    each NAME.parquet against NAME.json and NAME.jsonl
       read_parquet.py flips FILE START...  flips each bit of the pages, which begin at START...

NAME.json says of the file what its metadata must say; NAME.jsonl holds the rows as arrays, with
instants in microseconds. What differs is printed, a line each, and then what was looked at.
"""
import io
import json
import pathlib
import sys

import duckdb
import polars
import pyarrow
import pyarrow.parquet

TYPES = {
    "integer": (pyarrow.int64(), "BIGINT", polars.Int64),
    "boolean": (pyarrow.bool_(), "BOOLEAN", polars.Boolean),
    "instant": (
        pyarrow.timestamp("us", tz="UTC"), "TIMESTAMP WITH TIME ZONE", polars.Datetime("us", "UTC")),
    "text": (pyarrow.string(), "VARCHAR", polars.String),
}
# A page's header is shorter than this.
HEADER = 48
problems = []


def check(found, expected, *where):
    if found != expected:
        text = f"{' '.join(map(str, where))}: found {found!r}, expected {expected!r}"
        problems.append(text[:600])


def columns_of_arrow(table):
    for column in table.columns:
        is_instant = pyarrow.types.is_timestamp(column.type)
        yield (column.cast(pyarrow.int64()) if is_instant else column).to_pylist()


def columns_of_duckdb(path, facts, condition="true"):
    # By number: names differ in case alone, or hold anything.
    names = [quoted(column["name"]) for column in facts["columns"]]
    terms = [
        f"epoch_us({name})" if column["kind"] == "instant" else name
        for name, column in zip(names, facts["columns"])]
    rows = duckdb.sql(
        f"select {', '.join(terms)} from read_parquet('{path}') where {condition}").fetchall()
    return [list(column) for column in zip(*rows)] or [[] for _ in names]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def columns_of_polars(frame):
    for column in frame.get_columns():
        is_instant = isinstance(column.dtype, polars.Datetime)
        yield (column.cast(polars.Int64) if is_instant else column).to_list()


def compare(reader, path, found, expected, facts):
    found = list(found)
    check(len(found), len(expected), path.name, reader, "columns")
    for column, one, other in zip(facts["columns"], found, expected):
        if one == other and list(map(type, one)) == list(map(type, other)):
            continue
        check(len(one), len(other), path.name, reader, column["name"], "rows")
        for row, pair in enumerate(zip(one, other)):
            if pair[0] != pair[1] or type(pair[0]) is not type(pair[1]):
                check(*pair, path.name, reader, column["name"], "row", row)
                break


def order(kind):
    return (lambda text: text.encode()) if kind == "text" else (lambda value: value)


def check_statistics(path, column, chunk, values):
    where = (path.name, column["name"], "statistics")
    found = chunk.statistics
    there = [value for value in values if value is not None]
    check(found.null_count, len(values) - len(there), *where, "null_count")
    check(found.num_values, len(there), *where, "num_values")
    bounds = [pick(there, key=order(column["kind"])) for pick in (min, max)] if there else None
    if bounds and column["kind"] == "text" and max(len(b.encode()) for b in bounds) > 64:
        bounds = None
    check(found.has_min_max, bounds is not None, *where, "has_min_max")
    if bounds:
        check([found.min_raw, found.max_raw] if column["kind"] == "instant"
              else [found.min, found.max], bounds, *where)


def check_metadata(path, facts, expected):
    metadata = pyarrow.parquet.read_metadata(path)
    check(metadata.num_rows, facts["rows"], path.name, "num_rows")
    check(metadata.created_by, facts["created_by"], path.name, "created_by")
    stored = {k.decode(): v.decode() for k, v in (metadata.metadata or {}).items()}
    check(stored, dict(facts["metadata"]), path.name, "metadata")
    check(duckdb.sql(
        f"select decode(key), decode(value) from parquet_kv_metadata('{path}')").fetchall(),
        [tuple(pair) for pair in facts["metadata"]], path.name, "duckdb", "metadata")
    start = 0
    sizes = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        sizes.append(group.num_rows)
        rows = slice(start, start + group.num_rows)
        start += group.num_rows
        in_order = False
        if facts["sorted_by"] is not None:
            ids = expected[facts["sorted_by"]][rows]
            in_order = None not in ids and ids == sorted(ids)
        sorting = [pyarrow.parquet.SortingColumn(facts["sorted_by"])] if in_order else []
        check(list(group.sorting_columns), sorting, path.name, "sorting_columns")
        for index, column in enumerate(facts["columns"]):
            chunk = group.column(index)
            check(chunk.compression, facts["compression"], path.name, "compression")
            check_statistics(path, column, chunk, expected[index][rows])
            if "dictionary" in column:
                check(chunk.has_dictionary_page, column["dictionary"], path.name,
                      column["name"], "has_dictionary_page")
        if facts["most_bytes"] is not None and group.total_byte_size > facts["most_bytes"]:
            problems.append(f"{path.name}: a row group of {group.total_byte_size} bytes")
    # Said by DuckDB alone: a bound is a value, not something beyond the values.
    check(duckdb.sql(
        "select count(*) from parquet_metadata('" + str(path) + "') where (stats_min_value is not null "
        "or stats_max_value is not null) <> coalesce(min_is_exact and max_is_exact, false)"
    ).fetchall(), [(0,)], path.name, "bounds that aren't exact")
    if facts["groups"] is not None:
        check(sizes, facts["groups"], path.name, "row groups")
    return len(sizes)


def check_schema(path, facts):
    schema = pyarrow.parquet.read_schema(path)
    duck = duckdb.sql(f"describe select * from read_parquet('{path}')").fetchall()
    pola = polars.read_parquet_schema(path)
    check(schema.names, [c["name"] for c in facts["columns"]], path.name, "names")
    for index, column in enumerate(facts["columns"]):
        arrow_type, duck_type, polars_type = TYPES[column["kind"]]
        where = (path.name, column["name"])
        check(schema.field(index).type, arrow_type, *where, "pyarrow type")
        check(schema.field(index).nullable, column["optional"], *where, "nullable")
        check(duck[index][1], duck_type, *where, "duckdb type")
        check(pola[column["name"]], polars_type, *where, "polars type")
    # Old readers know the converted types alone.
    plain = pyarrow.parquet.ParquetFile(path).schema
    for index, column in enumerate(facts["columns"]):
        converted = {"instant": "TIMESTAMP_MICROS", "text": "UTF8"}.get(column["kind"], "NONE")
        check(plain.column(index).converted_type, converted, path.name, "converted_type")


def check_pruning(path, facts, expected):
    """Rows that are asked for by what statistics and order let a reader skip."""
    index = facts["sorted_by"]
    if index is None or facts["rows"] == 0:
        return
    name = facts["columns"][index]["name"]
    ids = expected[index]
    low, high = ids[len(ids) // 3], ids[len(ids) // 2]
    if low is None or high is None or low > high:
        return
    kept = [k for k, value in enumerate(ids) if value is not None and low <= value <= high]
    wanted = [[column[k] for k in kept] for column in expected]
    compare("duckdb where", path, columns_of_duckdb(
        path, facts, f"{quoted(name)} between {low} and {high}"), wanted, facts)
    compare("pyarrow where", path, columns_of_arrow(pyarrow.parquet.read_table(
        path, filters=[(name, ">=", low), (name, "<=", high)])), wanted, facts)
    compare("polars where", path, columns_of_polars(polars.scan_parquet(path).filter(
        polars.col(name).is_between(low, high)).collect()), wanted, facts)


def rows(directories):
    files = groups = values = 0
    for directory in directories:
        for path in sorted(pathlib.Path(directory).glob("*.parquet")):
            facts = json.loads(path.with_suffix(".json").read_bytes())
            lines = path.with_suffix(".jsonl").read_bytes().split(b"\n")[:-1]
            table = [json.loads(line) for line in lines]
            expected = [list(column) for column in zip(*table)] or [[] for _ in facts["columns"]]
            check_schema(path, facts)
            groups += check_metadata(path, facts, expected)
            file = pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
            compare("pyarrow", path, columns_of_arrow(file.read()), expected, facts)
            compare("duckdb", path, columns_of_duckdb(path, facts), expected, facts)
            compare("polars", path, columns_of_polars(polars.read_parquet(path)), expected, facts)
            check_pruning(path, facts, expected)
            files += 1
            values += sum(map(len, expected))
    print(f"{files} files, {groups} row groups, {values} values")


def flips(name, starts):
    stored = pathlib.Path(name).read_bytes()
    starts = [int(start) for start in starts]
    true = pyarrow.parquet.read_table(io.BytesIO(stored), page_checksum_verification=True)
    refused = 0
    # The last start is the footer's.
    for start, end in zip(starts, starts[1:]):
        for place in range(start, end):
            for bit in range(8):
                damaged = bytearray(stored)
                damaged[place] ^= 1 << bit
                try:
                    found = pyarrow.parquet.read_table(
                        io.BytesIO(damaged), page_checksum_verification=True)
                except (OSError, pyarrow.ArrowException, OverflowError):
                    refused += 1
                    continue
                if place >= start + HEADER:
                    problems.append(f"bit {bit} of byte {place} isn't noticed")
                check(found.equals(true), True, "byte", place, "bit", bit, "same values")
    # That it is the checksums which find them: without them, some would pass for values.
    silent = 0
    for place in range(starts[0] + HEADER, starts[1]):
        damaged = bytearray(stored)
        damaged[place] ^= 1
        try:
            silent += not pyarrow.parquet.read_table(io.BytesIO(damaged)).equals(true)
        except (OSError, pyarrow.ArrowException):
            pass
    print(f"{refused} flips refused; without checksums {silent} would pass for other values")


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("rows", "flips"):
        sys.exit(__doc__)
    if sys.argv[1] == "rows":
        rows(sys.argv[2:])
    else:
        flips(sys.argv[2], sys.argv[3:])
    for problem in problems[:50]:
        print("PROBLEM", problem)
    sys.exit(1 if problems else 0)
