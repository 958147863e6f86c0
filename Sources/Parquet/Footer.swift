/// What the footer says of a row group.
struct GroupRecord {
  let rowCount: Int64
  let chunks: [ChunkRecord]
  /// Whether the rows are in the rising order of the column that the file is to be sorted by.
  let isSorted: Bool
}

/// A file's footer, in the numbers of `parquet.thrift` of Apache Parquet.
struct Footer {
  let columns: [ParquetColumn]
  let groups: [GroupRecord]
  let options: ParquetOptions
  let metadata: [(key: String, value: String)]

  var bytes: [UInt8] {
    var footer = ThriftWriter()
    // Whatever is in the file: 2 was never agreed upon, and every reader takes 1.
    footer.field(1, Int32(1))
    footer.list(2, [nil] + columns) { element, column in
      if let column {
        schema(&element, column)
      } else {
        element.field(4, "schema")
        element.field(5, Int32(columns.count))
      }
    }
    footer.field(3, groups.reduce(0) { $0 + $1.rowCount })
    footer.list(4, groups, group)
    footer.list(5, metadata) { entry, pair in
      entry.field(1, pair.key)
      entry.field(2, pair.value)
    }
    footer.field(6, options.createdBy)
    // The order that each column's type defines; without it readers pass over the bounds of texts.
    footer.list(7, columns) { order, _ in order.field(1) { _ in } }
    footer.stop()
    return footer.bytes
  }

  private func schema(_ element: inout ThriftWriter, _ column: ParquetColumn) {
    element.field(1, column.kind.physicalType)
    element.field(3, Int32(column.isOptional ? 1 : 0))
    element.field(4, column.name)
    switch column.kind {
    case .integer, .boolean: break
    case .instant:
      element.field(6, Int32(10))
      element.field(10) { logical in
        logical.field(8) { timestamp in
          // In UTC, in microseconds.
          timestamp.field(1, true)
          timestamp.field(2) { unit in unit.field(2) { _ in } }
        }
      }
    case .text:
      element.field(6, Int32(0))
      element.field(10) { logical in logical.field(1) { _ in } }
    }
  }

  private func group(_ writer: inout ThriftWriter, _ group: GroupRecord) {
    writer.list(1, group.chunks) { chunk, record in
      // Nothing is told of the column but in the footer.
      chunk.field(2, Int64(0))
      chunk.field(3) { column(&$0, record) }
    }
    writer.field(2, group.chunks.reduce(0) { $0 + $1.uncompressed })
    writer.field(3, group.rowCount)
    if let index = options.sortedBy, group.isSorted {
      writer.list(4, [index]) { sorting, index in
        sorting.field(1, Int32(index))
        sorting.field(2, false)
        sorting.field(3, false)
      }
    }
    writer.field(6, group.chunks.reduce(0) { $0 + $1.compressed })
  }

  private func column(_ writer: inout ThriftWriter, _ record: ChunkRecord) {
    let hasDictionary = record.dictionaryOffset != nil
    writer.field(1, record.column.kind.physicalType)
    writer.list(
      2,
      (hasDictionary ? [.plain, .runs, .dictionary] : [.plain, .runs]).map {
        (encoding: Encoding) in encoding.rawValue
      })
    writer.list(3, [record.column.name])
    writer.field(4, Int32(record.compression == .zstd ? 6 : 0))
    writer.field(5, record.valueCount)
    writer.field(6, record.uncompressed)
    writer.field(7, record.compressed)
    writer.field(9, record.dataOffset)
    if let offset = record.dictionaryOffset { writer.field(11, offset) }
    writer.field(12) { statistics in
      statistics.field(3, record.statistics.nullCount)
      if let bounds = record.statistics.bounds {
        statistics.field(5, bounds.greatest)
        statistics.field(6, bounds.least)
        statistics.field(7, true)
        statistics.field(8, true)
      }
    }
  }
}

extension ParquetColumn.Kind {
  fileprivate var physicalType: Int32 {
    switch self {
    case .boolean: 0
    case .integer, .instant: 2
    case .text: 6
    }
  }
}
