#!/usr/bin/env python3
"""Compares tables that were exported as CSV and as Parquet, row for row.

usage: compare_tables.py CSV PARQUET [day|month]

CSV and PARQUET are the directories; the third word says how PARQUET was partitioned. Every file is
read by pyarrow, DuckDB and polars. What differs is printed, and then how much was compared.
"""
import datetime
import json
import pathlib
import sys

import duckdb
import polars
import pyarrow
import pyarrow.parquet

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
problems = []


def check(found, expected, *where):
    if found != expected:
        problems.append(f"{' '.join(map(str, where))}: {found!r} isn't {expected!r}"[:600])


def micros(text):
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    span = moment.replace(tzinfo=datetime.timezone.utc) - EPOCH
    return span // datetime.timedelta(microseconds=1)


def text(cell):
    # What would be a formula stands behind an apostrophe.
    return cell[1:] if cell[:1] == "'" and cell[1:2] in tuple("=+-@\t\r") else cell


PARSERS = {"int64": int, "bool": {"true": True, "false": False}.get, "string": text,
           "timestamp[us, tz=UTC]": micros}


def csv_rows(path, types):
    relation = duckdb.sql(
        f"select * from read_csv('{path}', all_varchar=true, header=true, nullstr='', "
        "allow_quoted_nulls=false, delim=',', quote='\"', escape='\"', new_line='\\r\\n', "
        "max_line_size=10000000, parallel=false)")
    rows = relation.fetchall()
    parsers = [PARSERS[str(kind)] for kind in types]
    return relation.columns, [
        tuple(None if cell is None else parse(cell) for parse, cell in zip(parsers, row))
        for row in rows]


def arrow_rows(files):
    rows = []
    for file in files:
        table = pyarrow.parquet.ParquetFile(file, page_checksum_verification=True).read()
        columns = [
            (c.cast(pyarrow.int64()) if pyarrow.types.is_timestamp(c.type) else c).to_pylist()
            for c in table.columns]
        rows += zip(*columns)
    return rows


def duckdb_rows(pattern, schema, partition):
    terms = [f'epoch_us("{f.name}")' if pyarrow.types.is_timestamp(f.type) else f'"{f.name}"'
             for f in schema]
    key = {"day": "date", "month": "month"}.get(partition)
    extra = f", {key}::varchar" if key else ""
    rows = duckdb.sql(
        f"select {', '.join(terms)}{extra} from read_parquet('{pattern}', "
        f"hive_partitioning={'true' if key else 'false'})").fetchall()
    if not key:
        return rows
    time = schema.names.index("time")
    width = {"day": 10, "month": 7}[partition]
    for row in rows:
        day = (EPOCH + datetime.timedelta(microseconds=row[time])).isoformat()[:width]
        check(row[-1], day, pattern, "folder")
    return [row[:-1] for row in rows]


def polars_rows(files):
    rows = []
    for file in files:
        frame = polars.read_parquet(file, hive_partitioning=False)
        columns = [
            (c.cast(polars.Int64) if isinstance(c.dtype, polars.Datetime) else c).to_list()
            for c in frame.get_columns()]
        rows += zip(*columns)
    return rows


def check_metadata(file, manifest):
    metadata = pyarrow.parquet.read_metadata(file)
    pairs = {key.decode(): value.decode() for key, value in metadata.metadata.items()}
    expected = {
        "ledger.id": manifest["ledger_id"], "ledger.origin": manifest["origin"],
        "ledger.size": manifest["size"], "ledger.root": manifest["root"]}
    if manifest["first"] is not None:
        expected |= {"ledger.first": manifest["first"], "ledger.last": manifest["last"]}
    check(pairs, expected, file, "metadata")
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        check([(s.column_index, s.descending) for s in group.sorting_columns], [(0, False)],
              file, "sorting_columns")
        for column in range(group.num_columns):
            check(group.column(column).compression,
                  {"zstd": "ZSTD", "none": "UNCOMPRESSED"}[manifest["compression"]], file)


def main(csv, parquet, partition):
    csv, parquet = pathlib.Path(csv), pathlib.Path(parquet)
    manifest = json.loads((parquet / "manifest.json").read_bytes())
    listed = {entry["path"]: int(entry["rows"]) for entry in manifest["files"]}
    there = {str(f.relative_to(parquet)) for f in parquet.rglob("*.parquet")}
    check(set(listed), there, "files")
    count = files_read = 0
    for path in sorted(csv.glob("*.csv")):
        name = path.stem
        single = parquet / f"{name}.parquet"
        parts = [single] if single.exists() else sorted(parquet.glob(f"{name}/*/*.parquet"))
        is_divided = not single.exists()
        check(is_divided, partition is not None and name != "findings", name, "divided")
        if not parts:
            check(path.read_bytes().count(b"\n"), 1, name, "rows without a file")
            continue
        schema = pyarrow.parquet.read_schema(parts[0])
        names, expected = csv_rows(path, schema.types)
        check(names, schema.names, name, "columns")
        for part in parts:
            check(pyarrow.parquet.read_schema(part), schema, part, "schema")
            check(pyarrow.parquet.read_metadata(part).num_rows,
                  listed[str(part.relative_to(parquet))], part, "rows in the manifest")
            check_metadata(part, manifest)
        pattern = parquet / f"{name}/*/*.parquet" if is_divided else single
        for reader, found in (
                ("pyarrow", arrow_rows(parts)),
                ("duckdb", duckdb_rows(pattern, schema, partition if is_divided else None)),
                ("polars", polars_rows(parts))):
            check(len(found), len(expected), name, reader, "rows")
            for number, (one, other) in enumerate(zip(found, expected)):
                if tuple(one) != other:
                    check(tuple(one), other, name, reader, "row", number)
                    break
        count += len(expected)
        files_read += len(parts)
    print(f"{count} rows in {files_read} files")
    for problem in problems[:40]:
        print("PROBLEM", problem)
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else None))
